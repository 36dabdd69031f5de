"""What a count says about the rate behind it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.binomial import at_most, incomplete_beta, needed, upper_bound


def summed(k, n, rate):
    """The same probability, term by term."""
    return math.fsum(math.comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k + 1))


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.001, 0.999))
def test_a_probability_is_the_sum_of_its_terms(k, n, rate):
    """The continued fraction gives what adding up gives."""
    expected = 1.0 if k >= n else summed(k, n, rate)

    assert at_most(k, n, rate) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("found", "of", "bound"),
    [
        # From published tables of the Clopper-Pearson limit: 95 %, one-sided.
        (0, 10, 0.2589),
        (1, 10, 0.3942),
        (5, 10, 0.7776),
        (0, 100, 0.02951),
        (3, 100, 0.07571),
        (10, 10, 1.0),
        (0, 0, 1.0),
    ],
)
def test_the_upper_bound_is_clopper_s_and_pearson_s(found, of, bound):
    """Known limits come out."""
    assert upper_bound(found, of) == pytest.approx(bound, abs=5e-5)


@given(st.integers(1, 200).flatmap(lambda of: st.tuples(st.integers(0, of - 1), st.just(of))))
def test_at_its_bound_a_count_is_one_case_in_twenty(count):
    """So few or fewer would be seen in five per cent of all cases if the rate were the bound."""
    found, of = count

    assert summed(found, of, upper_bound(found, of)) == pytest.approx(0.05, abs=1e-6)


def test_the_bound_of_millions_is_near_their_rate():
    """A large count is judged in time, and nearly is its rate: the normal approximation agrees."""
    n, k = 10_000_000, 10_000
    rate = k / n

    assert upper_bound(k, n) == pytest.approx(rate + 1.645 * math.sqrt(rate * (1 - rate) / n), rel=1e-3)


@given(st.integers(0, 30), st.sampled_from([0.5, 0.1, 0.02]))
def test_what_is_needed_is_enough(found, limit):
    """With so many jobs at the same rate the bound is within the limit; where none would do it says 0."""
    of = 300
    enough = needed(found, of, limit)

    if found / of >= limit:
        assert enough == 0
    else:
        assert upper_bound(round(found / of * enough), enough) <= limit


def test_without_mismatches_three_hundred_show_one_per_cent():
    """The number that the documentation names."""
    assert needed(0, 10, 0.01) == 299


@pytest.mark.parametrize(("x", "value"), [(-1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (2.0, 1.0)])
def test_outside_of_its_range_the_beta_function_is_flat(x, value):
    """No rate below nothing or above everything."""
    assert incomplete_beta(3, 4, x) == value
