"""What we want of the figures, and whether they are so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from benchmarks.calls.figures import Figures, Outage
from benchmarks.calls.queues import QUEUES
from benchmarks.calls.rounds import BARE, SPIN, Added
from benchmarks.calls.subjects import ARGUMENT, FULL_BUFFER

SIZE = "1 KB"
OF_XADD, OF_QUEUE, OF_P50, UNRECORDED = 0.2, 0.15, 3.0, 2.0


@attrs.frozen
class Target:
    """``measured`` may be at most ``bound``; ``jitter`` is what the machine alone has added to it (all in µs)."""

    what: str
    measured: float
    bound: float
    jitter: float = 0.0

    @property
    def verdict(self) -> str:
        if self.measured <= self.bound:
            return "met"
        if self.measured - self.jitter <= self.bound:
            return f"met, but for the machine's jitter of {self.jitter:.1f}"
        return f"missed, at {self.measured / self.bound:.2f} x"


def fastest_queue(figures: Figures) -> str:
    """Its name, by p50 at 1 KB."""
    return min(list(QUEUES)[1:], key=lambda name: figures.healthy[SIZE][name].p50)


def targets(figures: Figures) -> list[Target]:
    healthy = figures.healthy[SIZE]
    queue = fastest_queue(figures)
    bounds = [
        (f"{OF_XADD} x a plain XADD", healthy["redis-py XADD"].p50 * OF_XADD),
        (f"{OF_QUEUE} x {queue}", healthy[queue].p50 * OF_QUEUE),
    ]
    found = [Target(f"p50, {words}", healthy[ARGUMENT].p50, bound) for words, bound in bounds]
    for state, outage in (("hung", figures.hung), ("down", figures.down)):
        found += [
            Target(f"p50, {state}{of}, {words} (healthy)", added.p50, bound)
            for of, added in _states(outage)
            for words, bound in bounds
        ]
    found += [_tail("healthy", healthy), _tail("hung", figures.hung.ours[SIZE]), _tail("down", figures.down.ours[SIZE])]
    idle = {name: added for name, added in figures.idle.items() if name != BARE}
    return found + [Target(f"p50, {name}", added.p50, UNRECORDED) for name, added in idle.items()]


def _states(outage: Outage) -> Iterator[tuple[str, Added]]:
    yield "", outage.ours[SIZE][ARGUMENT]
    yield " and the buffer full", outage.ours[SIZE][FULL_BUFFER]


def _tail(state: str, added: Mapping[str, Added]) -> Target:
    ours, machine = added[ARGUMENT], added[SPIN]
    jitter = max(0.0, machine.p99 - machine.p50)
    return Target(f"p99, {state}, {OF_P50:g} x our own p50", ours.p99, OF_P50 * ours.p50, jitter)
