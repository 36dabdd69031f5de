"""A consumer of Redis Streams as it stands in many books: read, run, acknowledge, delete, and claim what lies idle.

It is here to be found wanting: under the same faults the checker has to see that it runs writes twice and breaks the
order of keys. ``python -m tests.faults.textbook --b URL --name NAME`` works until it is ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import redis
import requests

from sidecar_science.journal.job import Job, unseal
from sidecar_science.journal.layout import Keys
from tests.faults.declarations import NAMESPACE, PARTITIONS, TIMEOUT, sidecar

GROUP: Final = "textbook"
IDLE_MS: Final = 1000
_AT_ONCE: Final = 10


class Textbook:
    """One consumer of all partitions."""

    def __init__(self, url: str, b_url: str, name: str) -> None:
        self._redis: Any = redis.Redis.from_url(url, socket_timeout=3.0)
        self._b_url = b_url
        self._name = name
        self._session = requests.Session()
        self._streams = {Keys(NAMESPACE).jobs(n): n for n in range(PARTITIONS)}

    def run(self) -> None:
        """Work until ended, whatever Redis does."""
        while True:
            try:
                self._make_groups()
                while True:
                    self._round()
            except redis.RedisError:
                time.sleep(0.1)

    def _make_groups(self) -> None:
        for stream in self._streams:
            try:
                self._redis.xgroup_create(stream, GROUP, "0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def _round(self) -> None:
        for stream, entry, body in [*self._idle(), *self._new()]:
            self._work(stream, entry, body[b"e"])

    def _idle(self) -> Iterator[tuple[str, Any, Any]]:
        for stream in self._streams:
            for entry, body in self._redis.xautoclaim(stream, GROUP, self._name, IDLE_MS, count=_AT_ONCE)[1]:
                yield stream, entry, body

    def _new(self) -> Iterator[tuple[str, Any, Any]]:
        wanted = dict.fromkeys(self._streams, ">")
        for stream, entries in self._redis.xreadgroup(GROUP, self._name, wanted, _AT_ONCE, 200):
            for entry, body in entries:
                yield stream.decode(), entry, body

    def _work(self, stream: str, entry: Any, data: bytes) -> None:
        job, _ = unseal(data, sidecar.keyring, self._streams[stream])
        outcome = self._replay(job)
        print(json.dumps({"event": "job.settled", "job": job.id, "outcome": outcome}), file=sys.stderr, flush=True)
        self._redis.xack(stream, GROUP, entry)
        self._redis.xdel(stream, entry)

    def _replay(self, job: Job) -> str:
        (_, key, call, *rest), _ = self._arguments(job)
        path, wish = f"{self._b_url}/{job.effect}/{key}/{call}", rest[0] if rest else ""
        method = "POST" if job.effect == "write" else "GET"
        try:
            self._session.request(
                method, path, params={"wish": wish} if wish else None, timeout=TIMEOUT, headers={"Sidecar-Job": job.id}
            )
        except requests.RequestException:
            return "failed"
        return "matched"

    @staticmethod
    def _arguments(job: Job) -> Any:
        args, kwargs = sidecar.codec.decode(job.calls[0].arguments or b"")
        return [None, *args], kwargs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--b", required=True)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    Textbook(sidecar.redis_url, options.b, options.name).run()


if __name__ == "__main__":
    main()
