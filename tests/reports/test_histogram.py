"""How long things took, as counters that can be added up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.histogram import LONGEST, SHORTEST, Histogram, bucket, value

SECONDS = st.floats(min_value=1e-8, max_value=1e8)


@given(SECONDS)
def test_a_bucket_stands_within_one_per_cent_of_what_is_in_it(seconds):
    """The value of a bucket is at most one per cent from any member."""
    index = bucket(seconds)

    assert value(index) == pytest.approx(seconds, rel=0.010001)


@given(st.lists(SECONDS, min_size=1, max_size=200), st.floats(min_value=0, max_value=1))
def test_every_quantile_is_within_one_per_cent(seconds, p):
    """A quantile is the value of that rank, give or take one per cent."""
    exact = sorted(seconds)[math.floor(p * (len(seconds) - 1))]

    assert Histogram.of(seconds).quantile(p) == pytest.approx(exact, rel=0.010001)


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_merging_is_the_same_as_seeing_it_all(one, other):
    """Two histograms added up are the histogram of both, in either order."""
    both = Histogram.of(one + other)

    assert Histogram.of(one).merged(Histogram.of(other)) == both
    assert Histogram.of(other).merged(Histogram.of(one)) == both


def test_the_number_of_buckets_is_bounded():
    """From the shortest to the longest there are fewer than 2,100 buckets, and only used ones are kept."""
    assert bucket(LONGEST) - bucket(SHORTEST) < 2_100
    assert len(Histogram.of([0.5] * 1_000).buckets) == 1


@pytest.mark.parametrize("seconds", [0.0, -3.0, 1e-12, -math.inf])
def test_nothing_and_less_counts_as_nothing(seconds):
    """Clocks that disagree make negative delays; they count as zero."""
    histogram = Histogram.of([seconds])

    assert histogram.count == 1
    assert histogram.quantile(0.5) == 0.0


def test_endless_counts_as_the_longest():
    """Infinity goes to the last bucket."""
    assert Histogram.of([math.inf]).quantile(1) == pytest.approx(LONGEST, rel=0.02)


def test_what_is_no_number_is_not_counted():
    """NaN is in no bucket."""
    assert Histogram.of([math.nan]).count == 0


def test_of_nothing_there_is_no_quantile():
    """An empty histogram has no median."""
    assert Histogram().quantile(0.5) is None


def test_an_index_from_elsewhere_stays_within_bounds():
    """An index that nobody would have written gives a finite value all the same."""
    assert value(10**9) == pytest.approx(LONGEST, rel=0.02)
    assert value(-(10**9)) == 0.0
