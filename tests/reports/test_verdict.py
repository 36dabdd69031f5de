"""May B take A's place?"""

from __future__ import annotations

import json

import attrs
import pytest

from sidecar_science.reports.policy import Policy
from sidecar_science.reports.records import Acknowledgement
from sidecar_science.reports.verdict import Standing, judge

from .bench import balanced, changed, mismatched, replayed, report_of

PASS, FAIL, WANTING = Standing.PASS, Standing.FAIL, Standing.NOT_ENOUGH_DATA


def jobs(matched=0, mismatches=0, **others):
    told = [replayed(control_seconds=0.1, candidate_seconds=0.1)] * matched
    told += [mismatched(changed("$.title"))] * mismatches
    return told + [replayed(outcome) for outcome, n in others.items() for _ in range(n)]


def verdict_on(replays, declared=(), capture=None, **policy):
    replays = list(replays)
    return judge(report_of(replays, capture or balanced(len(replays)), partitions=2), Policy(**policy), declared)


def found(verdict, rule, experiment="shop.get"):
    (finding,) = [one for one in verdict.findings if (one.rule, one.experiment) == (rule, experiment)]
    return finding


@pytest.mark.parametrize(
    ("matched", "mismatches", "limit", "standing"),
    [
        (298, 0, 0.01, WANTING),  # 0 of 298: the bound is 1.0002 %
        (299, 0, 0.01, PASS),
        (990, 10, 0.01, WANTING),  # the rate is the limit, the bound above it
        (989, 11, 0.01, FAIL),
        (997, 3, 0.01, PASS),
        (0, 1, 0.5, FAIL),
        (1, 0, 1.0, PASS),
        (0, 0, 0.01, WANTING),
    ],
)
def test_the_rate_is_judged_by_its_upper_bound(matched, mismatches, limit, standing):
    """Above the limit fails; within it but not surely is too little data; surely within passes."""
    verdict = verdict_on(jobs(matched, mismatches) or jobs(skipped=1), max_mismatch_rate=limit)

    assert found(verdict, "mismatches").standing is standing


def test_ignored_jobs_are_compared_and_skipped_ones_are_not():
    """The rate is of matched, mismatched and ignored jobs."""
    verdict = verdict_on(jobs(40, 10, ignored=50, skipped=900, incomparable=900), max_mismatch_rate=0.05)

    assert "10 of 100 compared jobs mismatched (10 %)" in found(verdict, "mismatches").sentence


def test_a_failure_names_its_groups():
    """The largest causes stand in the reason."""
    verdict = verdict_on(jobs(100, 50))
    (group,) = report_of(jobs(0, 1)).experiments[0].groups

    assert verdict.standing is FAIL
    assert [one.rule for one in verdict.reasons] == ["mismatches"]
    assert f"In {group.fingerprint} (50 jobs)." in verdict.reasons[0].full


def test_too_little_data_says_how_much_is_enough():
    """The reader knows for what to wait."""
    assert "It takes about 299 jobs at this rate." in found(verdict_on(jobs(100)), "mismatches").sentence


def test_noise_and_allowed_groups_are_left_out_of_the_rate():
    """What the baseline shows as well, and what somebody allowed, counts as agreement."""
    clock = (changed("$.clock"),)
    noisy = [mismatched(*clock, baseline_differences=clock)] * 100
    known = [mismatched(changed("$.title"))] * 100
    (allowed,) = report_of(known).experiments[0].groups

    verdict = verdict_on([*jobs(800), *noisy, *known], allowed=frozenset({allowed.fingerprint}))

    assert verdict.standing is PASS
    told = found(verdict, "mismatches").sentence
    assert "0 of 1,000 compared jobs mismatched (0 %), 100 noise and 100 allowed left out" in told


def test_what_may_be_noise_fails_nothing_yet():
    """A path of which the baseline says too little is a reason to wait."""
    clock = (changed("$.clock"),)
    noisy = [mismatched(*clock, baseline_differences=clock if number < 1 else ()) for number in range(5)]
    both = [replayed(baseline_differences=())] * 95

    assert found(verdict_on([*noisy, *both]), "mismatches").standing is WANTING
    assert found(verdict_on([*noisy, *both, *jobs(0, 2)]), "mismatches").standing is FAIL


@pytest.mark.parametrize(("expired", "standing"), [(False, PASS), (True, FAIL)])
def test_an_acknowledged_group_is_allowed_until_it_expires(expired, standing):
    """Then it counts again, and the reason says why."""
    report = report_of(jobs(900, 100), balanced(1000))
    (experiment,) = report.experiments
    note = Acknowledgement(note="known", at="…", until="…", expired=expired)
    groups = tuple(attrs.evolve(group, acknowledged=note) for group in experiment.groups)

    verdict = judge(attrs.evolve(report, experiments=(attrs.evolve(experiment, groups=groups),)), Policy())

    assert verdict.standing is standing
    assert ("has expired" in found(verdict, "mismatches").sentence) is expired


def test_one_refusal_fails():
    """A replay that went for what no route names is no matter of rates."""
    verdict = verdict_on(jobs(10_000, refused=1))

    assert [one.rule for one in verdict.reasons] == ["refusals"]


@pytest.mark.parametrize(
    ("failed", "unknown", "standing"), [(0, 0, PASS), (5, 5, PASS), (6, 5, FAIL), (0, 11, FAIL), (11, 0, FAIL)]
)
def test_failed_and_unknown_are_bounded_together(failed, unknown, standing):
    """Of those that ran on B: what was skipped did not."""
    verdict = verdict_on(jobs(1000 - failed - unknown, failed=failed, unknown=unknown, skipped=5000))

    assert found(verdict, "failures").standing is standing


def timed(b, n=40, **more):
    return [replayed(control_seconds=0.1, candidate_seconds=b, **more)] * n


@pytest.mark.parametrize(
    ("replays", "standing"),
    [
        (timed(0.11), PASS),
        (timed(0.15), FAIL),
        (timed(0.15, 19), WANTING),
        (timed(0.15, 20), FAIL),
        (jobs(skipped=3), WANTING),
        ([*timed(0.11), *[replayed("failed", reason="timeout")] * 2], PASS),
        ([*timed(0.11), *[replayed("failed", reason="timeout")] * 3], FAIL),
    ],
)
def test_slowdown_is_the_ratio_of_p95(replays, standing):
    """Of twenty jobs or more; and where more than one in twenty timed out, p95 is among these."""
    assert found(verdict_on(replays, max_slowdown=1.2), "speed").standing is standing


def test_failed_jobs_stand_in_the_sentence_on_speed():
    """They are in no quantile, and not forgotten."""
    verdict = verdict_on([*timed(0.11), replayed("failed", reason="unreachable")], max_slowdown=1.2)

    assert "1 job failed, 0 of them by timeout, and are not in it." in found(verdict, "speed").sentence


def test_nobody_asked_for_speed():
    """Without a limit there is no finding."""
    assert "speed" not in {one.rule for one in verdict_on(timed(9.0)).findings}


@pytest.mark.parametrize("capture", [{"called": 11}, {"pending": 1}])
def test_books_that_do_not_balance_fail(capture):
    """Whatever else they say: some call is unaccounted for."""
    verdict = verdict_on(jobs(1000), capture=balanced(1000, **capture))

    assert verdict.standing is FAIL
    assert "The accounts do not add up" in verdict.reasons[0].full


def test_each_experiment_needs_its_jobs():
    """One busy experiment does not stand for another."""
    replays = [*jobs(1000), *[replayed(experiment="shop.put")] * 499]

    verdict = verdict_on(replays, min_jobs=500)

    assert [(one.rule, one.experiment) for one in verdict.reasons] == [("jobs", "shop.put")]
    assert verdict_on(replays, min_jobs=500, optional=frozenset({"shop.put"})).standing is PASS


def test_an_optional_experiment_can_fail():
    """It may have too few jobs; what they show counts."""
    assert verdict_on(jobs(1, 9), optional=frozenset({"shop.get"})).standing is FAIL


def test_what_is_declared_must_have_run():
    """An operation that nobody exercised was not tested."""
    verdict = verdict_on(jobs(1000), declared=["shop.get", "shop.delete"])

    assert found(verdict, "coverage").standing is PASS
    assert found(verdict, "coverage", "shop.delete").standing is WANTING
    assert verdict.standing is WANTING
    assert verdict_on(jobs(1000), ["shop.delete"], optional=frozenset({"shop.delete"})).standing is PASS


def answered(status, n):
    side = {"value": 1, "exchanges": [{"status": 301}, {"status": status}]}
    return [replayed(control=side, candidate=side)] * n


def test_classes_of_status_are_covered():
    """So many errors of A must have been compared as well as successes."""
    replays = [*answered(200, 900), *answered(404, 19)]

    wanting = verdict_on(replays, min_status_jobs={"2xx": 900, "4xx": 20})
    assert [one.sentence for one in wanting.reasons] == [
        "19 jobs were compared in which A answered 4xx; 20 are demanded."
    ]
    assert verdict_on([*replays, *answered(410, 1)], min_status_jobs={"2xx": 900, "4xx": 20}).standing is PASS


def test_nothing_is_not_enough():
    """An environment in which nothing was settled passes nothing."""
    assert verdict_on([]).standing is WANTING


def test_what_cannot_be_read_is_not_passed():
    """A newer worker's counters may say anything."""
    report = report_of(jobs(1000), balanced(1000))

    assert judge(attrs.evolve(report, unread=1), Policy()).standing is WANTING


def test_a_failure_outweighs_want_of_data():
    """What is known to be wrong does not get right by more of it."""
    verdict = verdict_on(jobs(1, 9), declared=["shop.delete"])

    assert verdict.standing is FAIL
    assert {one.standing for one in verdict.findings} == {PASS, FAIL, WANTING}


def test_the_verdict_is_json():
    """The word, the reasons, the policy and every finding."""
    told = json.loads(json.dumps(verdict_on(jobs(100, 50), allowed=frozenset({"b", "a"})).to_json()))

    assert list(told)[:5] == ["schema", "namespace", "environment", "generated_at", "verdict"]
    assert told["verdict"] == "fail"
    assert told["policy"]["allowed"] == ["a", "b"]
    assert told["reasons"][0].startswith("shop.get: 50 of 150")
    assert {"rule": "jobs", "experiment": "shop.get", "standing": "pass"}.items() <= told["findings"][-1].items()
