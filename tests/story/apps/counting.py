"""An app that counts, for several entities at once: what B hears tells order, losses and repetitions."""

from __future__ import annotations

import os
import sys

import requests

from sidecar_science import Sidecar

A_URL = os.environ["STORY_A_URL"]

sidecar = Sidecar.from_env(os.environ["STORY_NAMESPACE"])


class Counter:
    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("counter.count", service="counter", key="name", effect="write", timeout=5.0)
    def count(self, name, number):
        response = self.session.post(f"{self.base_url}/count", json=[name, number], timeout=4.5)
        response.raise_for_status()
        return response.json()


sidecar.service("counter", base_url=A_URL, build=Counter)


def main():
    names, numbers = int(sys.argv[1]), int(sys.argv[2])
    counter = Counter(A_URL)
    for number in range(numbers):
        for name in range(names):
            counter.count(f"n-{name}", number)
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
