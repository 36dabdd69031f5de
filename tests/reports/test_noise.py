"""Which differences are noise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.noise import Counts, Noise, by_chance, judge, judge_group, stands_out

from .bench import changed, mismatched, replayed, report_of


def counts(candidate, baseline, jobs):
    return Counts(candidate=candidate, baseline=baseline, jobs=jobs)


@pytest.mark.parametrize(
    ("candidate", "baseline", "jobs", "expected"),
    [
        (3, 2, 100, False),  # 1 of 5 is 20 %, and not more
        (301, 200, 1000, True),  # 20.2 %
        (3, 0, 10_000, False),  # 0.03 % of the jobs, and not more
        (4, 0, 10_000, True),
        (2, 2, 100, False),
        (1, 2, 100, False),
        (0, 0, 100, False),
    ],
)
def test_diffy_s_thresholds_are_the_ones_it_has(candidate, baseline, jobs, expected):
    """More than 20 % of both counts together, and more than 0.03 % of the jobs."""
    assert stands_out(counts(candidate, baseline, jobs)) is expected


def test_fisher_s_test_gives_his_probabilities():
    """The table of the tea-tasting lady, three cups of four: 17 in 70."""
    assert by_chance(counts(3, 1, 4)) == pytest.approx(17 / 70)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_the_test_is_the_sum_of_its_terms(numbers):
    """The sum that ends early is the whole sum."""
    candidate, baseline, jobs = numbers
    both = candidate + baseline
    tail = sum(math.comb(jobs, k) * math.comb(jobs, both - k) for k in range(candidate, min(both, jobs) + 1))
    expected = tail / math.comb(2 * jobs, both) if candidate > baseline else 1.0

    assert by_chance(counts(*numbers)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("candidate", "baseline", "jobs", "expected"),
    [
        (1, 0, 1, Noise.REAL),
        (1, 0, 1_000_000, Noise.REAL),
        (1000, 1000, 1000, Noise.NOISE),
        (30, 28, 1000, Noise.NOISE),
        (5, 1, 100, Noise.UNDECIDED),
        (60, 10, 1000, Noise.REAL),
        (600_000, 10_000, 1_000_000, Noise.REAL),
        (0, 0, 0, Noise.REAL),
    ],
)
def test_a_path_is_judged_by_what_the_baseline_shows(candidate, baseline, jobs, expected):
    """Never seen on the baseline: real. As often: noise. More often, and not by chance: real. Too few: undecided."""
    assert judge(counts(candidate, baseline, jobs)) is expected


def test_a_group_is_noise_when_all_of_it_is():
    """One real path makes the group real, one undecided one undecided, and what was cut off can be anything."""
    real, noise, undecided = counts(9, 0, 100), counts(9, 9, 100), counts(5, 1, 100)

    assert judge_group([noise, noise]) is Noise.NOISE
    assert judge_group([noise, real, undecided]) is Noise.REAL
    assert judge_group([noise, undecided]) is Noise.UNDECIDED
    assert judge_group([noise], truncated=True) is Noise.REAL
    assert judge_group([]) is Noise.REAL


def jobs_with(clock, title, total=200):
    """Every job's clock differs on B and on the baseline; the title differs on B alone, in the first ``title``."""
    for number in range(total):
        differing = [changed("$.clock")] * (number < clock) + [changed("$.title")] * (number < title)
        told = {"baseline_differences": (changed("$.clock"),) * (number < clock)}
        yield mismatched(*differing, **told) if differing else replayed(**told)


def test_the_report_knows_noise_from_what_is_real():
    """A group that the baseline shows as well is noise; one that it does not show is not."""
    groups = report_of(jobs_with(clock=200, title=40), partitions=3).to_json()["experiments"][0]["groups"]

    told = {tuple(one["path"] for one in group["differences"]): group for group in groups}
    assert told["$.clock",]["noise"] is True
    assert told["$.clock", "$.title"]["noise"] is False
    assert told["$.clock",]["count"] == 160


def test_without_a_baseline_nothing_is_noise():
    """Nobody has shown that the control disagrees with itself."""
    (group,) = report_of([mismatched(changed("$.clock"))] * 50).experiments[0].groups

    assert not group.noise
    assert not group.undecided


def test_what_was_not_compared_says_nothing_about_noise():
    """A late job is on neither side of the scales."""
    late = replayed("incomparable", reason="late", baseline_differences=(changed("$.clock"),))

    report = report_of([*jobs_with(clock=0, title=1, total=1), *[late] * 50])

    assert not report.experiments[0].groups[0].noise
    assert report.unread == 0
