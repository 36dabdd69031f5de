"""An app whose calls B answers too slowly, each in its own way."""

from __future__ import annotations

import os
import time

import requests

from sidecar_science import Sidecar

A_URL = os.environ["STORY_A_URL"]
TIMEOUT = 0.5

sidecar = Sidecar.from_env(os.environ["STORY_NAMESPACE"])


def measured(name):
    """One key for all: they stay in order, in one partition."""
    return sidecar.experiment(f"slow.{name}", service="slow", key="key", effect="read", timeout=TIMEOUT)


class Slow:
    def __init__(self, base_url):
        self.base_url = base_url

    @measured("fine")
    def fine(self, key):
        return self._get("fine").json()

    @measured("hang")
    def hang(self, key):
        return self._get("hang").json()

    @measured("drip")
    def drip(self, key):
        """A timeout of its own does not help: every byte comes in time."""
        return requests.get(f"{self.base_url}/drip", timeout=5).json()

    @measured("swallow")
    def swallow(self, key):
        try:
            return self._get("drip").json()
        except BaseException:
            return {}

    @measured("loop")
    def loop(self, key):
        self._get("fine")
        until = time.monotonic() + self._get("loop").json()["seconds"]
        while time.monotonic() < until:
            sum(range(1000))

    @measured("sleep")
    def sleep(self, key):
        time.sleep(self._get("sleep").json()["seconds"])

    @measured("coroutine")
    async def coroutine(self, key):
        import asyncio

        await asyncio.sleep(self._get("sleep").json()["seconds"])

    def _get(self, path):
        return requests.get(f"{self.base_url}/{path}")


sidecar.service("slow", base_url=A_URL, build=Slow)

NAMES = ("hang", "drip", "swallow", "loop", "coroutine", "sleep")


def main():
    slow = Slow(A_URL)
    for name in NAMES:
        if name == "coroutine":
            import asyncio

            asyncio.run(slow.coroutine("k"))
        else:
            getattr(slow, name)("k")
        slow.fine("k")
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
