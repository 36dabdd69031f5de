"""An app whose service numbers what it makes: every later call names what an earlier one was answered."""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar

import requests

from sidecar_science import Sidecar

sidecar = Sidecar.from_env(os.environ["STORY_NAMESPACE"])
ACCOUNTS = 5
current_user: ContextVar[str | None] = ContextVar("current_user", default=None)


@contextlib.contextmanager
def as_user(name):
    token = current_user.set(name)
    try:
        yield
    finally:
        current_user.reset(token)


sidecar.ambient("user", capture=current_user.get, restore=as_user)


class Subscribers:
    """Subscribers of an account, and what they have subscribed to."""

    def __init__(self, base_url):
        self.base_url = base_url

    def _send(self, method, path, **more):
        response = requests.request(method, self.base_url + path, timeout=10, **more)
        response.raise_for_status()
        return response.json() if response.content else None

    @sidecar.experiment(
        "subscribers.create",
        service="subscribers",
        key="account",
        ids={"$.id": "subscriber", "$.version": "version per key"},
    )
    def create(self, account, address):
        return self._send("POST", "/subscribers", json={"address": address, "by": current_user.get()})

    @sidecar.experiment(
        "subscribers.subscribe",
        service="subscribers",
        key="account",
        ids={"$.uuid": "subscription", "$.subscriber.id": "subscriber", "subscriber_id": "subscriber"},
    )
    def subscribe(self, account, subscriber_id, topic):
        return self._send("POST", f"/subscribers/{subscriber_id}/subscriptions", json={"topic": topic})

    @sidecar.experiment(
        "subscribers.update",
        service="subscribers",
        key="account",
        ids={"$.id": "subscriber", "subscriber_id": "subscriber", "$.version": "version per key"},
        drop=("previous_version",),
    )
    def update(self, account, subscriber_id, address, count, previous_version):
        changes = {"id": subscriber_id, "address": address, "count": count}
        if previous_version is not None:
            changes["previous_version"] = previous_version
        return self._send("PATCH", f"/subscribers/{subscriber_id}?notify={subscriber_id}", json=changes)

    @sidecar.experiment(
        "subscribers.get",
        service="subscribers",
        key="account",
        effect="read",
        ids={"$.id": "subscriber", "subscriber_id": "subscriber"},
    )
    def get(self, account, subscriber_id):
        return self._send("GET", f"/subscribers/{subscriber_id}")

    @sidecar.experiment(
        "subscribers.follow",
        service="subscribers",
        key="account",
        effect="read",
        ids={"$.id": "subscriber", "link": "subscriber"},
    )
    def follow(self, account, link):
        return self._send("GET", link)

    @sidecar.experiment("subscribers.end", service="subscribers", key="account", ids={"subscriber_id": "subscriber"})
    def end(self, account, subscriber_id, subscription):
        # The subscription's UUID is known for what it is wherever it stands.
        return self._send("DELETE", f"/subscribers/{subscriber_id}/subscriptions/{subscription['of']}")

    @sidecar.experiment("subscribers.delete", service="subscribers", key="account", ids={"subscriber_id": "subscriber"})
    def delete(self, account, subscriber_id):
        return self._send("DELETE", f"/subscribers/{subscriber_id}")


sidecar.service("subscribers", base_url=os.environ["STORY_A_URL"], build=Subscribers)


def main():
    api = Subscribers(os.environ["STORY_A_URL"])
    for number in range(ACCOUNTS):
        account = f"account-{number}"
        current_user.set(f"user-{number}")
        made = api.create(account, f"one-{number}@example.org")
        subscription = api.subscribe(account, made["id"], "tea")
        # A count that happens to be the id must stay what it is.
        api.update(account, made["id"], f"two-{number}@example.org", made["id"], made["version"])
        api.get(account, made["id"])
        api.follow(account, made["href"])
        api.end(account, made["id"], {"of": subscription["uuid"]})
        api.delete(account, made["id"])
        with contextlib.suppress(requests.HTTPError):
            api.get(account, made["id"])
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
