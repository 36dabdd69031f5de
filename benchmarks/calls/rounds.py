"""Interleaved rounds: in each, every contender has its turn, in another order, beside the call that nobody records."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Mapping, Sequence

import attrs

from benchmarks.calls.pacing import Slice, quantile
from benchmarks.calls.subjects import Call

BARE = "undecorated"
NOTHING = "an empty call"
SPIN = "a call that computes as long"
"""What the machine itself does to calls: the last one computes for about as long as ours takes, and nothing else."""


@attrs.define
class Added:
    """What one contender added to its caller's calls, over all rounds: µs per call."""

    calls: list[float] = attrs.field(factory=list)
    late: list[float] = attrs.field(factory=list)
    cpu: list[float] = attrs.field(factory=list)

    @property
    def p50(self) -> float:
        return quantile(self.calls, 0.5)

    @property
    def p99(self) -> float:
        return quantile(self.calls, 0.99)

    @property
    def worst(self) -> float:
        return max(self.calls)

    def add(self, slice_: Slice, bare: Slice) -> None:
        base = quantile(bare.took, 0.5)
        self.calls += [took - base for took in slice_.took]
        self.late += slice_.late
        self.cpu.append(slice_.cpu - bare.cpu)

    @property
    def cpu_per_call(self) -> float:
        return statistics.median(self.cpu)


Measure = Callable[[Call, Sequence[str]], Slice]


def rounds(
    contenders: Mapping[str, Call],
    payloads: Sequence[str],
    count: int,
    measure: Measure,
    clean: Callable[[], None],
) -> dict[str, Added]:
    """``count`` rounds of all ``contenders``, `BARE` among them; added times are taken against it round by round.

    ``clean`` is called after every slice, unmeasured.
    """
    added = {name: Added() for name in contenders}
    order = list(contenders)
    for number in range(count):
        random.Random(number).shuffle(order)
        slices: dict[str, Slice] = {}
        for name in order:
            gc.collect()
            slices[name] = measure(contenders[name], payloads)
            clean()
        for name, slice_ in slices.items():
            added[name].add(slice_, slices[BARE])
    return added
