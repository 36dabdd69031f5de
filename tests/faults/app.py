"""The application of the rig: it makes calls at a given rate, and writes down each one that it made.

``python -m tests.faults.app --calls FILE --name NAME --count N --rate N`` makes ``count`` calls and closes its
sidecar. Two lines a call: one before it, one after it (with ``end``). Times are monotonic seconds, which all processes
of a host share. The first line names the producer, the last one says that the end was a clean one. What stands in
``--script`` (a JSON list of ``[effect, key, wish]``) is called in its order instead of calls made by chance.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from tests.faults.declarations import A_URL, Api, sidecar

_EFFECTS: Final = ("write", "write", "read")
_WISHES: Final = (("hang", 0.01), ("error", 0.02), ("reset", 0.01), ("slow:0.05", 0.03))


@attrs.frozen
class Planned:
    """One call to be made: ``effect`` is a method of the adapter."""

    effect: str
    key: str
    wish: str


class Traffic:
    """The calls of one process, made by threads; each key belongs to one thread, so that its calls have an order."""

    def __init__(self, calls: Path, name: str, rate: float) -> None:
        self._file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._name = name
        self._rate = rate
        self._made: defaultdict[str, int] = defaultdict(int)
        self._ids = threading.local()
        # Asked for before the call, so that a call that never came to its end has a name too.
        self._new_id = sidecar.recorder.new_id
        sidecar.recorder.new_id = lambda: self._ids.next  # type: ignore[method-assign]

    def note(self, **facts: Any) -> None:
        """One line, whole."""
        os.write(self._file, json.dumps(facts).encode() + b"\n")

    def run(self, plans: list[list[Planned]]) -> None:
        """Make all calls, every list in a thread of its own."""
        threads = [threading.Thread(target=self._make, args=(plan, len(plans))) for plan in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _make(self, plan: list[Planned], threads: int) -> None:
        api = Api(A_URL)
        begun = time.monotonic()
        for number, planned in enumerate(plan):
            time.sleep(max(0.0, begun + number * threads / self._rate - time.monotonic()))
            self._call(api, planned)

    def _call(self, api: Api, planned: Planned) -> None:
        self._ids.next = self._new_id()
        self._made[planned.key] += 1
        self.note(
            job=self._ids.next, effect=planned.effect, key=planned.key, sequence=self._made[planned.key],
            app=self._name, start=time.monotonic(),
        )  # fmt: skip
        call = f"{self._name}-{self._made[planned.key]}"
        value = getattr(api, planned.effect)(planned.key, call, planned.wish)
        if asyncio.iscoroutine(value):
            asyncio.run(value)
        self.note(job=self._ids.next, end=time.monotonic())


def by_chance(seed: int, count: int, keys: int, hot: float, threads: int) -> list[list[Planned]]:
    """``count`` calls; a share ``hot`` of them on one key, the rest spread over ``keys``."""
    chance = random.Random(seed)
    plans: list[list[Planned]] = [[] for _ in range(threads)]
    for _ in range(count):
        number = 0 if chance.random() < hot else chance.randrange(keys)
        plans[number % threads].append(Planned(chance.choice(_EFFECTS), f"k{number}", _wish(chance.random())))
    return plans


def _wish(point: float) -> str:
    for wish, share in _WISHES:
        if point < share:
            return wish
        point -= share
    return ""


def _planned(options: argparse.Namespace) -> Iterator[list[Planned]]:
    if options.script:
        yield [Planned(*each) for each in json.loads(options.script)]
    else:
        yield from by_chance(options.seed, options.count, options.keys, options.hot, options.threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--script")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--hot", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    traffic = Traffic(options.calls, options.name, options.rate)
    traffic.note(app=options.name, producer=sidecar.recorder.producer, pid=os.getpid())
    traffic.run(list(_planned(options)))
    shipped = sidecar.close()
    traffic.note(app=options.name, shipped=shipped, stats=sidecar.stats())


if __name__ == "__main__":
    main()
