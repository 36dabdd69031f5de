"""What the demonstration's app declares: imported by the app, which records, and by the worker, which replays."""

from __future__ import annotations

import os
from typing import Any

import requests

from sidecar_science.sidecar import Sidecar

A_URL = os.environ.get("DEMO_SERVICE_URL", "http://127.0.0.1:8001")
NOTIFY_KEY = "demo_key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"

sidecar = Sidecar.from_env("demo", environ=os.environ)


class PublishingApi:
    """An API adapter as an application writes it: a few decorators are all that was added."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("publishing.put_content", service="publishing", key="content_id", effect="write")
    def put_content(self, content_id: str, payload: dict[str, Any]) -> Any:
        return self._json("PUT", f"/content/{content_id}", payload)

    @sidecar.experiment("publishing.publish", service="publishing", key="content_id", effect="write")
    def publish(self, content_id: str) -> Any:
        return self._json("POST", f"/content/{content_id}/publish", {})

    @sidecar.experiment("publishing.get_content", service="publishing", key="content_id", effect="read")
    def get_content(self, content_id: str) -> Any:
        return self._json("GET", f"/content/{content_id}")

    @sidecar.experiment("publishing.search", service="publishing", effect="read")
    def search(self, text: str) -> Any:
        return self._json("GET", f"/search?q={text}")

    def _json(self, method: str, path: str, payload: Any = None) -> Any:
        response = self.session.request(method, self.base_url + path, json=payload, timeout=4)
        response.raise_for_status()
        return response.json()


sidecar.service("publishing", base_url=A_URL, build=PublishingApi)

# Rules: times are each branch's own, and so are the numbers that it gives to what it makes.
for _name in ("publishing.put_content", "publishing.get_content"):
    sidecar.experiments[_name].ignore("$.updated_at", values_only=True)
# How many items B has found says how many writes have reached it by then, which is no answer.
sidecar.experiments["publishing.search"].ignore("$.total")
sidecar.experiments["publishing.search"].ignore("$.results")


def _declare_notify() -> Any:
    """GOV.UK Notify's own client, where it is installed: somebody else's class, recorded as it is."""
    try:
        from notifications_python_client.notifications import NotificationsAPIClient
    except ImportError:
        return None
    client: Any = NotificationsAPIClient
    sidecar.service("notify", base_url=A_URL, build=lambda base_url: client(NOTIFY_KEY, base_url))
    sidecar.instrument(
        client, "send_email_notification",
        name="notify.send_email", service="notify", key="email_address", effect="write",
    )  # fmt: skip
    sidecar.experiments["notify.send_email"].ignore("$.id", values_only=True)
    sidecar.experiments["notify.send_email"].ignore("$.uri", values_only=True)
    return client


notify_client = _declare_notify()
