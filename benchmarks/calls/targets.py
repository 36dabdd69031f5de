"""What we want of the figures, and whether they are so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from benchmarks.calls.figures import Figures, Outage
from benchmarks.calls.queues import QUEUES, XADD
from benchmarks.calls.rounds import SPIN, Added
from benchmarks.calls.subjects import ARGUMENT, DISABLED, FULL_BUFFER, UNLUCKY, UNSAMPLED

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


def fastest_queue(found: Mapping[str, Added]) -> str:
    """Its name, by p50."""
    return min(list(QUEUES)[1:], key=lambda name: found[name].p50)


def targets(figures: Figures) -> list[Target]:
    """Those of calls as an app makes them; then the same for calls without pause, for comparison."""
    healthy, flat = figures.healthy[SIZE], figures.flat[SIZE]
    found = list(_shares("p50", healthy[ARGUMENT], healthy))
    for state, outage in (("hung", figures.hung), ("down", figures.down)):
        for of, added in _states(outage):
            found += _shares(f"p50, {state}{of}", added, healthy)
    found += [_tail("healthy", healthy), _tail("hung", figures.hung.ours[SIZE]), _tail("down", figures.down.ours[SIZE])]
    found += _unrecorded("p50", figures.idle)
    return [*found, *_shares("flat out: p50", flat[ARGUMENT], flat), *_unrecorded("flat out: p50", flat)]


def _shares(what: str, ours: Added, healthy: Mapping[str, Added]) -> Iterator[Target]:
    """As a share of what others take, while Redis is healthy."""
    queue = fastest_queue(healthy)
    yield Target(f"{what}, {OF_XADD} x a plain XADD", ours.p50, OF_XADD * healthy[XADD].p50)
    yield Target(f"{what}, {OF_QUEUE} x {queue}", ours.p50, OF_QUEUE * healthy[queue].p50)


def _unrecorded(what: str, found: Mapping[str, Added]) -> list[Target]:
    return [Target(f"{what}, {name}", found[name].p50, UNRECORDED) for name in (UNSAMPLED, UNLUCKY, DISABLED)]


def _states(outage: Outage) -> Iterator[tuple[str, Added]]:
    yield "", outage.ours[SIZE][ARGUMENT]
    yield " and the buffer full", outage.ours[SIZE][FULL_BUFFER]


def _tail(state: str, added: Mapping[str, Added]) -> Target:
    ours, machine = added[ARGUMENT], added[SPIN]
    jitter = max(0.0, machine.p99 - machine.p50)
    return Target(f"p99, {state}, {OF_P50:g} x our own p50", ours.p99, OF_P50 * ours.p50, jitter)
