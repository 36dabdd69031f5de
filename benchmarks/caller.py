"""What a recorded call costs its caller, beside what a plain XADD and four job queues would cost: all in one run.

    python -m benchmarks.caller [--quick] [--rate 1000] [--server redis-server]

Prints Markdown. `benchmarks/README.md` explains the figures and holds the last table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
from redis import Redis

from benchmarks.calls.app import App
from benchmarks.calls.blocked import Child
from benchmarks.calls.figures import Figures, Outage
from benchmarks.calls.pacing import flat_out, paced, spinning
from benchmarks.calls.payloads import SIZES, loads, payloads
from benchmarks.calls.queues import LEFTOVERS, QUEUES
from benchmarks.calls.rounds import BARE, NOTHING, SPIN, Added, Measure, rounds
from benchmarks.calls.subjects import ARGUMENT, FULL_BUFFER, RESULT, Call, Subjects, bare
from benchmarks.calls.tables import render
from sidecar_science.journal.embedded import EmbeddedServer

OURS = (ARGUMENT, RESULT)


@attrs.frozen
class Plan:
    """How much is measured: calls per second, µs of the app's own work before each, seconds and numbers of rounds."""

    rate: float
    work: float
    rounds: int
    flat_rounds: int
    outage_rounds: int
    seconds: float
    flat_seconds: float
    patience: float


FULL = partial(Plan, rounds=10, flat_rounds=3, outage_rounds=3, seconds=0.2, flat_seconds=0.2, patience=11.0)
QUICK = partial(Plan, rounds=2, flat_rounds=1, outage_rounds=1, seconds=0.1, flat_seconds=0.05, patience=3.0)


class Benchmark:
    """One run against one server."""

    def __init__(self, plan: Plan, server: EmbeddedServer) -> None:
        self._plan = plan
        self._app = App(plan.work)
        self._server = server
        self._client = Redis.from_url(server.url)
        self._subjects = Subjects(server.url)
        self._ours = {name: self._subjects.calls[name] for name in OURS}
        self._idle = {name: call for name, call in self._subjects.calls.items() if name not in OURS}
        self._queues = {name: _enqueueing(make(server.url)) for name, make in QUEUES.items()}
        self._machine: dict[str, Call] = {}

    def run(self) -> Figures:
        """Everything, in one go. The server is gone afterwards."""
        self._warm_up()
        healthy = {size: self._paced({**self._ours, **self._queues, **self._machine}, size) for size in SIZES}
        idle = self._paced(self._idle, "1 KB")
        flat = {size: self._flat_out({**self._ours, **self._queues}, size) for size in SIZES}
        flat["1 KB"] |= self._flat_out(self._idle, "1 KB")
        accounts = self._subjects.sidecar.stats()
        drained = self._drained()
        hung = self._outage(lambda: os.kill(self._server.pid, signal.SIGSTOP))
        os.kill(self._server.pid, signal.SIGCONT)
        self._subjects.sidecar.flush(20.0)
        down = self._outage(self._server.stop)
        return Figures(
            rate=self._plan.rate, work=self._plan.work, healthy=healthy, idle=idle, flat=flat,
            drained=drained, hung=hung, down=down, accounts=accounts,
        )  # fmt: skip

    def _warm_up(self) -> None:
        """Also makes the call that computes for as long as ours takes."""
        measure = self._pace(self._flush, seconds=0.1)
        everything = {BARE: bare(), **self._subjects.calls, **self._queues}
        added = rounds(everything, payloads(SIZES["1 KB"]), 3, measure, self._clean)
        self._machine = {NOTHING: lambda payload: None, SPIN: spinning(added[ARGUMENT].p50)}

    def _paced(self, contenders: Mapping[str, Call], size: str) -> dict[str, Added]:
        measure = self._pace(self._flush)
        return rounds({BARE: bare(), **contenders}, payloads(SIZES[size]), self._plan.rounds, measure, self._clean)

    def _pace(self, after: Callable[[], Any], seconds: float | None = None) -> Measure:
        return partial(
            paced, rate=self._plan.rate, seconds=seconds or self._plan.seconds, work=self._app.work, after=after
        )

    def _flat_out(self, contenders: Mapping[str, Call], size: str) -> dict[str, Added]:
        measure = partial(flat_out, seconds=self._plan.flat_seconds, after=self._flush)
        return rounds({BARE: bare(), **contenders}, payloads(SIZES[size]), self._plan.flat_rounds, measure, self._clean)

    def _drained(self) -> dict[str, float]:
        """Jobs per second that the drain thread ships while nobody calls."""
        return {size: self._drain_rate(payloads(SIZES[size])) for size in SIZES}

    def _drain_rate(self, items: list[str]) -> float:
        count = 2000 if self._plan.rounds > 2 else 500
        for number in range(count):
            self._ours[ARGUMENT](loads(items[number % len(items)]))
        started = time.perf_counter()
        self._flush()
        return count / (time.perf_counter() - started)

    def _flush(self) -> None:
        self._subjects.sidecar.flush(20.0)

    def _clean(self) -> None:
        """Remove what the queues hold, or the server would need gigabytes."""
        for pattern in LEFTOVERS:
            keys = list(self._client.scan_iter(pattern, count=10_000))
            if keys:
                self._client.unlink(*keys)

    def _outage(self, begin: Callable[[], Any]) -> Outage:
        children = {name: Child(name, self._server.url) for name in QUEUES}
        for child in children.values():
            child.wait_until_ready()
        begin()
        ours = {size: self._through({**self._ours, **self._machine}, size) for size in SIZES}
        ours["1 KB"] |= self._through({FULL_BUFFER: self._subjects.with_full_buffer()}, "1 KB")
        for child in children.values():
            child.go()
        deadline = time.monotonic() + self._plan.patience
        others = {name: child.told(deadline) for name, child in children.items()}
        return Outage(ours=ours, others=others, patience=self._plan.patience)

    def _through(self, contenders: Mapping[str, Call], size: str) -> dict[str, Added]:
        """As `_paced`, but nothing can be shipped, nor cleaned away."""
        measure = self._pace(_nothing)
        items = payloads(SIZES[size])
        return rounds({BARE: bare(), **contenders}, items, self._plan.outage_rounds, measure, _nothing)


def _enqueueing(send: Callable[[Any], Any]) -> Call:
    """The undecorated call, and then the payload handed to a queue."""
    plain = bare()

    def call(payload: Any) -> Any:
        value = plain(payload)
        send(payload)
        return value

    return call


def _nothing() -> None:
    pass


def _keep_apart(server: int) -> None:
    """The server gets a core of its own, as in production it has a machine of its own; we get another one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(server, cores[1:])
        os.sched_setaffinity(0, cores[:1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under 40 seconds; p99 then means little")
    parser.add_argument("--rate", type=float, default=1000.0, help="calls per second when paced (1000)")
    parser.add_argument("--work", type=float, default=300.0, help="µs of the app's own work before a call (300)")
    parser.add_argument("--server", help="a server program to use instead of the embedded one, such as redis-server")
    parser.add_argument("--unpinned", action="store_true", help="let the kernel choose the cores")
    options = parser.parse_args()
    plan = (QUICK if options.quick else FULL)(rate=options.rate, work=options.work)
    binary = shutil.which(options.server) if options.server else None
    started = time.perf_counter()
    with EmbeddedServer(binary=binary) as server:
        if not options.unpinned:
            _keep_apart(server.pid)
        figures = Benchmark(plan, server).run()
    print(render(figures))
    print(f"\nMeasured in {time.perf_counter() - started:.0f} s, {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
