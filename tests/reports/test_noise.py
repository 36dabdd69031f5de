"""Which differences are noise."""

from __future__ import annotations

import math
import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.reports.groups import Shape, trait
from sidecar_science.reports.noise import Baseline, Counts, Noise, by_chance, judge, stands_out
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.verdict import Standing
from sidecar_science.reports.verdict import judge as judge_report

from .bench import balanced, changed, mismatched, replayed, report_of


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


REAL, NOISY, DOUBTFUL = (("value", f"$.{name}", "changed") for name in ("real", "noisy", "doubtful"))
BASELINE = Baseline(
    100,
    {
        ("candidate", REAL): 9,
        ("candidate", NOISY): 9,
        ("baseline", NOISY): 9,
        ("candidate", DOUBTFUL): 5,
        ("baseline", DOUBTFUL): 1,
    },
)


@pytest.mark.parametrize(
    ("traits", "truncated", "expected"),
    [
        ([NOISY], False, Noise.NOISE),
        ([NOISY, REAL, DOUBTFUL], False, Noise.REAL),
        ([NOISY, DOUBTFUL], False, Noise.UNDECIDED),
        ([NOISY], True, Noise.REAL),
        ([], False, Noise.REAL),
    ],
)
def test_a_group_is_noise_when_all_of_it_is(traits, truncated, expected):
    """One real path makes the group real, one undecided one undecided, and what was cut off can be anything."""
    shape = Shape(experiment="x", traits=tuple(traits), truncated=truncated)

    assert BASELINE.of_shape(shape) is expected


def test_noise_is_taken_out_of_a_shape_that_has_more():
    """What is left tells the cause; nothing but noise, and what was cut off, stay what they are."""
    mixed = Shape.of("x", [NOISY, REAL, DOUBTFUL])

    assert BASELINE.without_noise(mixed) == Shape.of("x", [REAL, DOUBTFUL])
    for same in (Shape.of("x", [NOISY]), Shape.of("x", [REAL]), attrs.evolve(mixed, truncated=True)):
        assert BASELINE.without_noise(same) is same


def test_statuses_go_with_their_noise():
    """A 503 that the baseline shows as often tells no groups apart."""
    status = ("exchange", "$[*].status", "changed")
    baseline = Baseline(100, {("candidate", status): 9, ("baseline", status): 9, ("candidate", REAL): 9})

    assert baseline.without_noise(Shape.of("x", [status, REAL], [(200, 503)])) == Shape.of("x", [REAL])
    assert BASELINE.without_noise(Shape.of("x", [status, NOISY], [(200, 503)])).statuses == ((200, 503),)


def jobs_with(clock, title, total=200):
    """Every job's clock differs on B and on the baseline; the title differs on B alone, in the first ``title``."""
    for number in range(total):
        differing = [changed("$.clock")] * (number < clock) + [changed("$.title")] * (number < title)
        told = {"baseline_differences": (changed("$.clock"),) * (number < clock)}
        yield mismatched(*differing, **told) if differing else replayed(**told)


def test_the_report_knows_noise_from_what_is_real():
    """Jobs of one cause are one group, told without the noise around it; what is noise alone is listed apart."""
    (experiment,) = report_of(jobs_with(clock=150, title=40), partitions=3).experiments

    told = [([one.path for one in group.differences], group.count, group.noise) for group in experiment.groups]
    assert told == [(["$.clock"], 110, True), (["$.title"], 40, False)]
    (noise,) = experiment.noise
    assert (noise.path, noise.candidate, noise.baseline, noise.jobs) == ("$.clock", 150, 150, 200)


def test_five_causes_in_noise_are_five_groups():
    """Of 10,000 jobs on a noisy B one in a hundred has one of five faults: their groups and counts are exact."""
    faults = [changed(f"$.fault[{n}].{name}", kind=kind) for n, (name, kind) in enumerate(FAULTS)]
    report = report_of(noisy_jobs(faults), balanced(10_000), partitions=7)
    (experiment,) = report.experiments

    real = [group for group in experiment.groups if not group.noise]
    assert sorted(one.path for group in real for one in group.differences) == sorted(one.pattern for one in faults)
    assert [group.count for group in real] == [20] * 5
    assert not any(group.undecided for group in real)
    assert {one.path for one in experiment.noise} == {"$.id", "$.clock", "$.items", "$", "$[*].status"}
    verdict = judge_report(report, Policy(max_mismatch_rate=0.005))
    assert verdict.standing is Standing.FAIL
    assert "100 of 10,000 compared jobs mismatched (1 %)" in verdict.reasons[0].full
    assert {group.fingerprint for group in real} == {Shape.of("shop.get", [trait(one)]).fingerprint for one in faults}
    without = report_of(noisy_jobs([]), balanced(10_000), partitions=7)
    assert judge_report(without, Policy(max_mismatch_rate=0.005)).standing is Standing.PASS


FAULTS = [("a", "changed"), ("b", "missing"), ("c", "extra"), ("d", "type"), ("e", "length")]


def noisy_jobs(faults, total=10_000):
    """Random ids in every answer, clocks in half of them, lists in any order, and now and then a 503."""
    chance = random.Random(11)
    busy = (changed("$", kind="extra", where="error"), changed("$[0].status", 200, 503, where="exchange"))

    def noise():
        if chance.random() < 0.03:
            return busy
        told = [changed("$.id")]
        told += [changed("$.clock")] * (chance.random() < 0.5) + [changed("$.items", kind="order")] * (
            chance.random() < 0.3
        )
        return tuple(told)

    planted = {number * 100 + 7: faults[number % len(faults)] for number in range(100) if faults}
    for number in range(total):
        around = noise()
        while number in planted and around is busy:
            around = noise()
        differences = (*around, planted[number]) if number in planted else around
        yield mismatched(*differences, job=f"job-{number}", baseline_differences=noise())


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
