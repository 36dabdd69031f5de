"""Whether a large backlog drains as fast as a small one, in the same memory; and what more processes bring.

    python -m benchmarks.backlog                      10,000 and 300,000 jobs in turns, a few minutes
    python -m benchmarks.backlog --jobs 1000000

The worker, the service and the jobs are those of `benchmarks.worker` (1 KB, 0 ms, 8 lanes). Processes are measured with
answers after 20 ms, on all cores: where B answers at once, one process and B fill two cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import redis

from benchmarks.calls.payloads import SIZES
from benchmarks.calls.tables import table
from benchmarks.jobs.contenders import contenders
from benchmarks.jobs.content_server import ContentServer
from benchmarks.jobs.filling import Recorded
from sidecar_science.journal.embedded import EmbeddedServer

_SMALL: Final = 10_000
_LANES: Final = 8
_WARM: Final = 2.0


@attrs.frozen
class Drain:
    """Jobs per second over the window that was measured, and MB of the worker at its beginning and at its end."""

    rate: float
    before: float
    after: float


def drain(command: Sequence[str], server: ContentServer, seconds: float, cores: set[int]) -> Drain:
    """Run ``command`` on ``cores``, and measure it for ``seconds`` from two seconds after its first request on."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    try:
        while not server.seen()[0]:
            time.sleep(0.05)
        time.sleep(_WARM)
        first, begin, before = server.seen()[0], time.monotonic(), _megabytes(process.pid)
        time.sleep(seconds)
        last, end, after = server.seen()[0], time.monotonic(), _megabytes(process.pid)
        return Drain((last - first) / (end - begin), before, after)
    finally:
        process.kill()
        process.wait(10)


def _megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=300_000, help="jobs of the large backlog")
    parser.add_argument("--seconds", type=float, default=5.0, help="for how long each drain is measured")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--server", help="a server program to use instead of the embedded one, such as redis-server")
    options = parser.parse_args()
    server, size = ContentServer(), SIZES["1 KB"]
    with EmbeddedServer(binary=shutil.which(options.server) if options.server else None) as store:
        cores = sorted(os.sched_getaffinity(0))
        for process in (store.pid, server.pid, 0):
            os.sched_setaffinity(process, cores[-1:])
        os.environ.update(BENCHMARK_REDIS=store.url, BENCHMARK_A=server.a, BENCHMARK_B=server.b)
        ours = contenders(Recorded(store.url, server.a, [size]))["sidecar_science"]
        client, rows = redis.Redis.from_url(store.url), []
        for count in (_SMALL, options.jobs) * options.rounds:
            client.flushall()
            ours.fill(store.url, size, count)
            server.reset(0.0)
            seconds = options.seconds if count == _SMALL else options.seconds * 4
            found = drain(ours.command(server.b, _LANES), server, seconds, set(cores[:1]))
            rows.append([f"{count:,}", f"{found.rate:,.0f}", f"{found.before:.0f}", f"{found.after:.0f}"])
        more = []
        for processes in (1, 2) * options.rounds:
            client.flushall()
            ours.fill(store.url, size, _SMALL)
            server.reset(0.02)
            command = [*ours.command(server.b, _LANES), "--processes", str(processes)]
            more.append([str(processes), f"{drain(command, server, options.seconds, set(cores)).rate:,.0f}"])
    server.close()
    print(table(["processes", "jobs per second, 20 ms"], more))
    print(table(["backlog", "jobs per second", "MB after two seconds", "MB at the end"], rows))


if __name__ == "__main__":
    main()
