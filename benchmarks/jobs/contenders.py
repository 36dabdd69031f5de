"""Who is measured: how its jobs are made, and the command that works on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from benchmarks.jobs import filling

OURS: Final = "sidecar_science"
BARE: Final = "bare XREADGROUP"


@attrs.frozen(kw_only=True)
class Contender:
    """``fill(url, size, count)`` makes jobs, ``command(b, concurrency)`` is a process that works on them.

    ``most`` is a rate, in jobs per second, that it does not reach: so many jobs are made for each second measured.
    """

    name: str
    fill: Callable[[str, int, int], None]
    command: Callable[[str, int], Sequence[str]]
    most: int = 5000


def contenders(recorded: filling.Recorded) -> Mapping[str, Contender]:
    """All of them, ours first. Queues run as their own documents say, with what makes them quicker where it is safe."""
    module = (sys.executable, "-m")
    celery = "worker -P threads --without-gossip --without-mingle --without-heartbeat -l ERROR -c"
    found = (
        Contender(name=OURS, fill=recorded.fill, command=_ours),
        Contender(
            name=BARE,
            fill=filling.fill_bare,
            command=lambda _, threads: (*module, "benchmarks.jobs.bare", str(threads)),
        ),
        Contender(
            name="huey",
            fill=filling.fill_huey,
            command=lambda _, threads: (
                *(*module, "huey.bin.huey_consumer", "benchmarks.jobs.huey_app.queue"),
                *("-k", "thread", "-w", str(threads), "-q"),
            ),
        ),
        Contender(
            name="dramatiq",
            fill=filling.fill_dramatiq,
            command=lambda _, threads: (
                *(*module, "dramatiq", "benchmarks.jobs.dramatiq_app", "-p", "1", "-t"),
                str(threads),
            ),
        ),
        Contender(
            name="celery",
            fill=filling.fill_celery,
            command=lambda _, threads: (
                *(*module, "celery", "-A", "benchmarks.jobs.celery_app"),
                *(*celery.split(), str(threads)),
            ),
            most=2500,
        ),
        Contender(
            name="rq",
            fill=filling.fill_rq,
            command=lambda _, processes: (*module, "benchmarks.jobs.rq_workers", str(processes)),
            most=1000,
        ),
    )
    return {one.name: one for one in found}


def _ours(b: str, lanes: int) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "sidecar_science.cli", "run", "benchmarks.jobs.declared:sidecar"),
        *(
            "--environment",
            "b",
            "--route",
            f"content={b}",
            "--lanes",
            str(lanes),
            "--processes",
            "1",
            "--log-level",
            "warning",
        ),
    )
