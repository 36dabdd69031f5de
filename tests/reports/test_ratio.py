"""How much slower B is, job by job."""

from __future__ import annotations

import random
from collections import Counter
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.ratio import paired, ratio_bucket

from .bench import replayed, report_of


def of(ratios):
    return paired(Counter(ratio_bucket(1.0, ratio) for ratio in ratios))


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=80))
def test_the_median_is_within_one_per_cent_and_in_its_interval(ratios):
    """Whatever the ratios are, the buckets keep their median."""
    found = of(ratios)

    assert found.count == len(ratios)
    assert found.p50 == pytest.approx(median_low(ratios), rel=0.0101)
    assert found.low <= found.p50 <= found.high


def test_the_interval_is_what_resampling_draws():
    """Twenty thousand resamples give the interval that is computed without drawing."""
    chance = random.Random(7)
    ratios = [chance.lognormvariate(0.2, 0.5) for _ in range(60)]
    medians = sorted(median_low(chance.choices(ratios, k=60)) for _ in range(20_000))

    found = of(ratios)

    assert found.low == pytest.approx(medians[500], rel=0.05)
    assert found.high == pytest.approx(medians[19_500], rel=0.05)


def test_one_job_has_no_interval_to_speak_of():
    """Its ratio is all that there is."""
    found = of([2.0])

    assert found.low == found.p50 == found.high == pytest.approx(2.0, rel=0.01)


def test_nothing_has_no_median():
    """No job, no ratio."""
    assert paired({}) is None


@pytest.mark.parametrize(
    ("control", "candidate"), [(None, 1.0), (1.0, None), (0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (float("nan"), 1.0)]
)
def test_what_cannot_be_divided_is_in_no_bucket(control, candidate):
    """A side that was not measured, or took no time, has no ratio."""
    assert ratio_bucket(control, candidate) is None


def test_pairs_see_what_quantiles_do_not():
    """Where B swaps fast and slow jobs both sides have the same p95; job by job half of them are a hundred times slower."""
    swapped = [
        replayed(control_seconds=a, candidate_seconds=b) for a, b in ((0.01, 1.0), (1.0, 0.01), (0.01, 1.0)) * 10
    ]

    latency = report_of(swapped, partitions=3).experiments[0].latency

    assert latency.ratio("p95") == 1.0
    assert latency.paired.p50 == pytest.approx(100, rel=0.02)


def test_failures_are_counted_beside_the_speed():
    """What gave no measurement is told, by timeout and in all."""
    jobs = [
        replayed(control_seconds=1.0, candidate_seconds=1.0),
        replayed("failed", reason="timeout", control_seconds=1.0),
        replayed("failed", reason="unreachable", control_seconds=1.0),
    ]

    latency = report_of(jobs).to_json()["experiments"][0]["latency"]

    assert (latency["paired"]["count"], latency["failed"], latency["timed_out"]) == (1, 2, 1)
