"""How fast jobs are worked off, side by side with what people would use instead.

    python -m benchmarks.worker            two rounds of every set-up, about 10 minutes
    python -m benchmarks.worker --quick    under a minute

Each job is a GET of 1 or 6.5 KB against a small local server with keep-alive, which answers at once or after 20 ms, and
a comparison with what A answered. Our worker keeps every promise meanwhile: leases, one start mark per job, signature,
guard and kernel floor, deadlines, redaction, comparison, tallies. The others do what a hand-written consumer would. One
contender runs at a time, on one core; the service and Redis have the other one. Requests are counted by the service.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import attrs
import redis

from benchmarks.calls.payloads import SIZES
from benchmarks.jobs.content_server import ContentServer
from benchmarks.jobs.filling import Recorded
from benchmarks.jobs.measuring import Rate, measure
from benchmarks.jobs.tables import Cell, Figures, render
from sidecar_science.journal.embedded import EmbeddedServer

_WARM: Final = 1.0


@attrs.frozen(kw_only=True)
class Plan:
    """How often, and for how many seconds, each contender works in each of ``cells``."""

    cells: Sequence[Cell]
    rounds: int
    seconds: float
    only: frozenset[str] = frozenset()


FULL: Final = Plan(
    cells=[Cell(size, latency, many) for latency in (0, 20) for size in ("1 KB", "6.5 KB") for many in (8, 32)],
    rounds=2,
    seconds=2.0,
)
QUICK: Final = Plan(cells=[Cell("1 KB", 0, 8), Cell("1 KB", 20, 8)], rounds=1, seconds=1.0)


class Benchmark:
    """Measures everything that ``plan`` asks for: contenders take turns within a round."""

    def __init__(self, plan: Plan, url: str, server: ContentServer, core: int | None) -> None:
        self._plan = plan
        self._url = url
        self._server = server
        self._core = core
        self._client = redis.Redis.from_url(url)
        self._environ = {"BENCHMARK_REDIS": url, "BENCHMARK_A": server.a, "BENCHMARK_B": server.b}
        os.environ.update(self._environ)

    def run(self) -> Figures:
        from benchmarks.jobs.contenders import contenders

        sizes = sorted({SIZES[cell.size] for cell in self._plan.cells})
        everybody = contenders(Recorded(self._url, self._server.a, sizes))
        figures: dict[Cell, dict[str, list[Rate]]] = {cell: defaultdict(list) for cell in self._plan.cells}
        for cell in self._plan.cells:
            for _ in range(self._plan.rounds):
                for name, one in everybody.items():
                    if not self._plan.only or name in self._plan.only:
                        self._client.flushall()
                        count = round(one.most * (self._plan.seconds + _WARM))
                        one.fill(self._url, SIZES[cell.size], count)
                        self._server.reset(cell.latency / 1000)
                        command = one.command(self._server.b, cell.concurrency)
                        rate = measure(
                            command, self._environ, self._server,
                            seconds=self._plan.seconds, warm=_WARM, core=self._core,
                        )  # fmt: skip
                        figures[cell][name].append(rate)
        return figures


def _keep_apart(*others: int) -> int | None:
    """Redis and the service get one core, whoever is measured the other; we sit with the servers."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return None
    for process in (*others, 0):
        os.sched_setaffinity(process, cores[1:])
    return cores[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of two set-ups, under a minute")
    parser.add_argument("--rounds", type=int, help="how often each contender takes its turn")
    parser.add_argument("--seconds", type=float, help="for how long each time")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="measure this contender alone")
    parser.add_argument("--server", help="a server program to use instead of the embedded one, such as redis-server")
    parser.add_argument("--unpinned", action="store_true", help="let the kernel choose the cores")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    plan = attrs.evolve(
        plan,
        rounds=options.rounds or plan.rounds,
        seconds=options.seconds or plan.seconds,
        only=frozenset(options.only),
    )
    started = time.perf_counter()
    server = ContentServer()
    with EmbeddedServer(binary=shutil.which(options.server) if options.server else None) as store:
        core = None if options.unpinned else _keep_apart(store.pid, server.pid)
        figures = Benchmark(plan, store.url, server, core).run()
    server.close()
    print(render(figures))
    print(f"\nMeasured in {time.perf_counter() - started:.0f} s, {os.cpu_count()} cores, {plan.rounds} round(s).")


if __name__ == "__main__":
    main()
