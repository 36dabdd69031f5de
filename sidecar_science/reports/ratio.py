"""How much slower B is, job by job: the candidate's seconds as a multiple of the control's of the same job.

It is a histogram of the ratios' logarithms, and merging is adding. A bucket is as wide as those of
`sidecar_science.reports.histogram`, two per cent, but lies around its value, so that 1 stays 1, and half as fast and
twice as fast are equally far from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

import attrs

from sidecar_science.reports.binomial import at_most
from sidecar_science.reports.histogram import LONGEST, RELATIVE_ERROR, SHORTEST, Histogram

CONFIDENCE: Final = 0.95
_WIDTH: Final = math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))


@attrs.frozen(kw_only=True)
class Paired:
    """B's seconds as a multiple of A's in the same job: the median over ``count`` jobs, within one per cent.

    The true median lies between ``low`` and ``high`` with a confidence of 95 %.
    """

    count: int
    p50: float
    low: float
    high: float


def ratio_bucket(control: float | None, candidate: float | None) -> int | None:
    """The bucket of one job's ratio; None where a side was not measured, or took no time at all."""
    if control is None or candidate is None or not control > 0 or not candidate > 0:
        return None
    ratio = candidate / control
    return None if math.isnan(ratio) else round(math.log(min(max(ratio, SHORTEST), LONGEST)) / _WIDTH)


def paired(buckets: Mapping[int, int]) -> Paired | None:
    """The median of the ratios in ``buckets`` and its bootstrap interval; None of nothing.

    A bootstrap of a median needs no drawing (Maritz and Jarrett, "A note on estimating the variance of the sample
    median", JASA 73(361), 1978): the median of a resample is at most a value when more than half of its draws are,
    and that has a binomial probability. So the interval is the one that endlessly many resamples would give, and
    there is nothing to seed.
    """
    histogram = Histogram({index: n for index, n in buckets.items() if n > 0})
    if not histogram.count:
        return None
    tail = (1 - CONFIDENCE) / 2
    return Paired(
        count=histogram.count,
        p50=_value(_lower(histogram, (histogram.count - 1) // 2)),
        low=_value(_resampled(histogram, tail)),
        high=_value(_resampled(histogram, 1 - tail)),
    )


def _lower(histogram: Histogram, rank: int) -> int:
    """The bucket that holds the ratio of this rank, counted from 0."""
    return next(index for index, passed in _passed(histogram) if passed > rank)


def _resampled(histogram: Histogram, share: float) -> int:
    """The bucket that the median of a resample exceeds with the probability ``1 - share`` at most."""
    n = histogram.count
    # The lower median is in a bucket or below when more than (n - 1) // 2 draws are.
    return next(index for index, passed in _passed(histogram) if 1.0 - at_most((n - 1) // 2, n, passed / n) >= share)


def _passed(histogram: Histogram) -> Iterator[tuple[int, int]]:
    """Each bucket, and how many are in it or below."""
    indexes = sorted(histogram.buckets)
    return zip(indexes, accumulate(histogram.buckets[index] for index in indexes), strict=True)


def _value(index: int) -> float:
    return float(f"{math.exp(index * _WIDTH):.6g}")
