"""How long things took, as counters that can be added up.

A bucket spans two per cent of its value, so that its middle is within one per cent of everything in it, from
nanoseconds to years; merging is adding. This is the sketch of Masson, Rim and Lee, "DDSketch: A Fast and
Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019
(doi:10.14778/3352063.3352135), without its collapsing of buckets: within our bounds there are fewer than
2,100 of them, and only those that hold something are kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

RELATIVE_ERROR = 0.01
SHORTEST = 1e-9
LONGEST = 1e9

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = math.log(_GAMMA)
_NOTHING = math.ceil(math.log(SHORTEST) / _LOG_GAMMA) - 1


def bucket(seconds: float) -> int | None:
    """The index of the bucket that ``seconds`` falls into; None for what is no number.

    Below a nanosecond counts as nothing at all (clocks that disagree make negative delays), above 30 years as
    30.
    """
    if math.isnan(seconds):
        return None
    if seconds < SHORTEST:
        return _NOTHING
    return math.ceil(math.log(min(seconds, LONGEST)) / _LOG_GAMMA)


def value(index: int) -> float:
    """The seconds that stand for everything in bucket ``index``."""
    if index <= _NOTHING:
        return 0.0
    return math.exp(min(index, _LAST) * _LOG_GAMMA) * 2 / (_GAMMA + 1)


_LAST = math.ceil(math.log(LONGEST) / _LOG_GAMMA)


@attrs.frozen
class Histogram:
    """Seconds, counted by bucket; empty buckets are absent."""

    buckets: Mapping[int, int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Histogram:
        """The histogram of ``seconds``."""
        indexes = (bucket(one) for one in seconds)
        return cls(Counter(index for index in indexes if index is not None))

    def merged(self, other: Histogram) -> Histogram:
        """Both together, as if one histogram had seen it all."""
        return Histogram(Counter(self.buckets) + Counter(other.buckets))

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.buckets.values())

    def quantile(self, p: float) -> float | None:
        """The seconds that a share ``p`` (0 to 1) took at most, within one per cent; None of nothing.

        It is the value of the lower rank, ``sorted(all)[floor(p * (count - 1))]``.
        """
        rank = math.floor(p * (self.count - 1))
        passed = 0
        for index in sorted(self.buckets):
            passed += self.buckets[index]
            if passed > rank:
                return value(index)
        return None
