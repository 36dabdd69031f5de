"""The demonstration's app: a few hundred calls of several kinds, made the way an application makes them."""

from __future__ import annotations

import random
import sys
import time
import uuid
from collections.abc import Callable

import requests

from sidecar_science.cli.demonstration.declarations import (
    A_URL,
    NOTIFY_KEY,
    PublishingApi,
    notify_client,
    sidecar,
)

PAGES = 60


def calls(chance: random.Random) -> list[Callable[[], object]]:
    """The day's work: pages written, published and read, one that is missing, searches, and mails."""
    api = PublishingApi(A_URL)
    work: list[Callable[[], object]] = []
    for number in range(PAGES):
        content_id = str(uuid.UUID(int=chance.getrandbits(128)))
        page = {"title": f"Apply for licence {number}", "details": {"body": "<p>How to apply</p>", "rank": number}}
        work.append(lambda content_id=content_id, page=page: api.put_content(content_id, page))  # type: ignore[misc]
        work.append(lambda content_id=content_id: api.publish(content_id))  # type: ignore[misc]
        work.append(lambda content_id=content_id: api.get_content(content_id))  # type: ignore[misc]
        if number % 6 == 0:
            work.append(lambda number=number: api.get_content(f"missing-{number}"))  # type: ignore[misc]
            work.append(lambda: api.search("licence"))
    return work + _mails(chance)


def _mails(chance: random.Random) -> list[Callable[[], object]]:
    if notify_client is None:
        return []
    client = notify_client(NOTIFY_KEY, base_url=A_URL)
    template = str(uuid.UUID(int=chance.getrandbits(128)))
    people = [("" if number % 12 == 0 else f"Person {number}", f"person{number}@example.org") for number in range(60)]
    return [
        lambda name=name, address=address: client.send_email_notification(  # type: ignore[misc]
            address, template, personalisation={"name": name}
        )
        for name, address in people
    ]


def main() -> None:
    failed = 0
    work = calls(random.Random(7))  # noqa: S311 - the same story every time
    for done, call in enumerate(work, start=1):
        try:
            call()
        except requests.HTTPError:
            failed += 1
        if done % 5 == 0:
            sys.stdout.write(f"{done} {len(work)} {failed}\n")
            sys.stdout.flush()
        time.sleep(0.001)
    sidecar.close(timeout=5.0)
    sys.stdout.write(f"{sidecar.stats()['called']} {len(work)} {failed}\n")


if __name__ == "__main__":
    main()
