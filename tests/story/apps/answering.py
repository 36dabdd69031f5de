"""An app with adapters of many kinds, in every way in which real ones were seen to hide what happened."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import uuid

import requests

from sidecar_science import Sidecar

A_URL = os.environ["STORY_A_URL"]

sidecar = Sidecar.from_env(os.environ["STORY_NAMESPACE"])


class Shop:
    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("shop.get", service="shop", key="item", effect="read")
    def get(self, item):
        return self._json("GET", f"/items/{item}")

    @sidecar.experiment("shop.put", service="shop", key="item", effect="write")
    def put(self, item, value):
        return self._json("PUT", f"/items/{item}", value)

    @sidecar.experiment("shop.rename", service="shop", effect="write")
    def rename(self, payload):
        """Swallows what went wrong."""
        return self.session.post(f"{self.base_url}/rename", json=payload, timeout=4).status_code == 200

    @sidecar.experiment("shop.order", service="shop", effect="write")
    def order(self, number):
        """Sends a second request where it was told that the first one was queued."""
        response = self.session.post(f"{self.base_url}/orders", json={"n": number}, timeout=4)
        if response.json().get("queued"):
            self.session.post(f"{self.base_url}/orders", json={"n": number}, timeout=4)
        return "ordered"

    @sidecar.experiment("shop.tag", service="shop", effect="write")
    def tag(self, payload):
        """Changes what it was given."""
        payload["tags"].append("seen")
        payload.pop("draft")
        return self._json("POST", "/tags", payload)

    @sidecar.experiment("shop.pages", service="shop", effect="read")
    def pages(self):
        """One request for each page that somebody asks for."""
        for number in range(5):
            yield self._json("GET", f"/pages/{number}")

    @sidecar.experiment("shop.upload", service="shop", effect="write")
    def upload(self, name, file):
        response = self.session.post(f"{self.base_url}/files/{name}", data=file.read(), timeout=4)
        return response.json()

    @sidecar.experiment("shop.fail", service="shop", effect="read")
    def fail(self, item):
        self.session.get(f"{self.base_url}/missing/{item}", timeout=4).raise_for_status()

    @sidecar.experiment("shop.later", service="shop", effect="read")
    async def later(self, item):
        return self._json("GET", f"/items/{item}")

    @classmethod
    @sidecar.experiment("shop.kind", service="shop", effect="read")
    def kind(cls, item):
        return [cls.__name__, requests.get(f"{A_URL}/items/{item}", timeout=4).json()]

    @sidecar.experiment("shop.typed", service="shop", effect="read")
    def typed(self, anything):
        return self._json("GET", "/items/typed") and repr(anything)

    @sidecar.experiment("shop.locked", service="shop", effect="read")
    def locked(self, lock):
        return self._json("GET", "/items/locked")

    @sidecar.experiment("shop.refused", service="shop", effect="read")
    def refused(self):
        return requests.get("http://127.0.0.1:1/", timeout=4).json()

    @sidecar.experiment("shop.mail", service="mail", effect="read")
    def mail(self):
        return self._json("GET", "/items/mail")

    def _json(self, method, path, payload=None):
        response = self.session.request(method, self.base_url + path, json=payload, timeout=4)
        response.raise_for_status()
        return response.json()


if os.environ.get("STORY_MORE"):

    @sidecar.experiment("shop.removed", service="shop", effect="read")
    def removed():
        return requests.get(f"{A_URL}/items/removed", timeout=4).json()


sidecar.service("shop", base_url=A_URL, build=Shop)
sidecar.service("mail", base_url=A_URL, build=Shop)
sidecar.experiment("shop.checkout", service="shop", key="item", effect="write")


def main():
    import asyncio
    import datetime
    import decimal

    shop = Shop(A_URL)
    for item in ("tea", "coffee"):
        shop.put(item, {"price": 3})
        shop.get(item)
    shop.rename({"to": "x"})
    shop.order(7)
    payload = {"tags": ["new"], "draft": True}
    shop.tag(payload)
    assert payload == {"tags": ["new", "seen"]}
    pages = shop.pages()
    assert [next(pages)["page"], next(pages)["page"]] == [0, 1]
    pages.close()
    assert len(list(shop.pages())) == 5
    shop.pages()
    shop.upload("a.pdf", io.BytesIO(b"%PDF-1.4 " + bytes(range(256)) * 40))
    with contextlib.suppress(requests.HTTPError):
        shop.fail("tea")
    asyncio.run(shop.later("plain"))
    Shop.kind("plain")
    shop.typed({1: (decimal.Decimal("1.50"), datetime.date(2026, 11, 23)), "id": uuid.UUID(int=7), "raw": b"\x00"})
    shop.locked(threading.Lock())
    with contextlib.suppress(requests.ConnectionError):
        shop.refused()
    shop.mail()
    with sidecar.science("shop.checkout") as checkout:
        checkout.use(shop.put, "cake", {"price": 9})
    if os.environ.get("STORY_MORE"):
        removed()
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
