"""How much slower B is, job by job: the candidate's seconds as a multiple of the control's of the same job.

The ratios are counted in the buckets of `sidecar_science.reports.histogram`: a bucket spans two per cent of its
value, so it is a histogram of the logarithms, and merging is adding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import attrs

from sidecar_science.reports.binomial import at_most
from sidecar_science.reports.histogram import Histogram, bucket, value

CONFIDENCE: Final = 0.95


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
    return bucket(candidate / control)


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
        p50=_rounded(histogram.quantile(0.5) or 0.0),
        low=_rounded(_resampled(histogram, tail)),
        high=_rounded(_resampled(histogram, 1 - tail)),
    )


def _resampled(histogram: Histogram, share: float) -> float:
    """The value that the median of a resample exceeds with the probability ``1 - share`` at most."""
    indexes, passed, n = sorted(histogram.buckets), 0, histogram.count
    for index in indexes:
        passed += histogram.buckets[index]
        # The lower median is within this bucket when more than `(n - 1) // 2` draws are.
        if 1.0 - at_most((n - 1) // 2, n, passed / n) >= share:
            return value(index)
    return value(indexes[-1])


def _rounded(ratio: float) -> float:
    return float(f"{ratio:.6g}") if math.isfinite(ratio) else ratio
