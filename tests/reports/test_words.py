"""A report in sentences."""

from __future__ import annotations

import pytest

from sidecar_science.reports.outcome import REASONS, Outcome
from sidecar_science.reports.records import Latency, Quantiles
from sidecar_science.reports.render import advice, words
from sidecar_science.reports.render.summary import next_step, summarized

from .bench import balanced, changed, mismatched, replayed, report_of


def quantiles(seconds, count=100):
    return Quantiles(count=count, p50=seconds, p95=seconds * 2, p99=seconds * 3)


def latency(control, candidate, count=100):
    return Latency(control=quantiles(control, count), candidate=quantiles(candidate, count))


def sentences(jobs, capture=None):
    return list(summarized(report_of(jobs, capture), str).sentences)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (0, 0, "0 %"),
        (1, 3, "33 %"),
        (1, 100_000, "< 0.1 %"),
        (99_999, 100_000, "> 99.9 %"),
        (995, 1_000, "99.5 %"),
        (3, 100, "3.0 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part, whole, text):
    """100 % means every one."""
    assert words.percent(part, whole) == text


def test_a_share_can_have_its_tenths():
    """In a column all shares have the same digits."""
    assert words.percent(1, 3, exact=True) == "33.3 %"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.000_05, "50 µs"),
        (0.001_24, "1.2 ms"),
        (0.012, "12 ms"),
        (0.0996, "100 ms"),
        (1.0, "1.0 s"),
        (90, "90 s"),
        (150, "2.5 min"),
        (86_400, "24 h"),
    ],
)
def test_seconds_are_told_in_the_unit_that_suits(seconds, text):
    """Two or three digits, in the unit that needs no zeros."""
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("control", "candidate", "text"),
    [
        (0.010, 0.014, "B 1.4x slower at p95 (20 ms → 28 ms)"),
        (0.010, 0.0108, "B 1.08x slower at p95 (20 ms → 22 ms)"),
        (0.020, 0.010, "B 2.0x faster at p95 (40 ms → 20 ms)"),
        (0.010, 0.0101, "B as fast as A at p95 (20 ms → 20 ms)"),
        (0.0, 0.0101, ""),
    ],
)
def test_speed_is_said_in_half_a_sentence(control, candidate, text):
    """Within five per cent, two sides are equally fast."""
    assert words.speed(latency(control, candidate)) == text


def test_of_few_jobs_the_median_is_told():
    """The 95th percentile of seven measurements says nothing."""
    assert "p50 (10 ms → 20 ms)" in words.speed(latency(0.010, 0.020, count=7))


def test_without_a_measurement_nothing_is_said_of_speed():
    """No seconds of B, no sentence."""
    assert words.speed(Latency(control=quantiles(1.0))) == ""


def test_the_headline_tells_jobs_agreement_and_groups():
    """Jobs that were not compared are taken out of the share first."""
    jobs = [*(replayed(job=f"{n}") for n in range(3)), mismatched()]

    assert words.headline(report_of(jobs).experiments[0]) == "4 jobs, 75 % matched, 1 group"
    jobs.append(replayed("skipped", reason="no_route"))
    assert words.headline(report_of(jobs).experiments[0]) == "5 jobs, 4 compared, 75 % of these matched, 1 group"


def test_the_headline_tells_when_nothing_was_compared():
    """No comparison is no agreement."""
    report = report_of([replayed("skipped", reason="no_route")])

    assert words.headline(report.experiments[0]) == "1 job, none compared"


def test_more_ways_than_are_told_are_counted():
    """A group that differs at many paths shows a few of them."""
    group = report_of([mismatched(*(changed(f"$.k{n}") for n in range(9)))]).experiments[0].groups[0]

    assert [way.text for way in words.ways(group, str, 2)] == [
        "value $.k0 changed",
        "value $.k1 changed",
        "… and 7 more",
    ]


def test_a_truncated_group_says_that_there_are_more():
    """Past fifty nobody counted."""
    group = report_of([mismatched(*(changed(f"$.k{n:02}") for n in range(60)))]).experiments[0].groups[0]

    assert words.ways(group, str, 50)[-1].text == "… and at least 1 more"


def test_a_group_without_paths_says_who_told_it():
    """A comparison of the experiment's own need not say where."""
    group = report_of([replayed("mismatched")]).experiments[0].groups[0]

    assert words.ways(group, str, 5)[0].text == "the experiment's own comparison tells them apart"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("changed", "value $.a changed"),
        ("missing", "value $.a missing on B"),
        ("extra", "value $.a only on B"),
        ("type", "value $.a of another type"),
        ("order", "value $.a in another order"),
        ("length", "value $.a of another length"),
    ],
)
def test_each_kind_of_difference_has_its_words(kind, text):
    """A difference reads as half a sentence."""
    difference = report_of([mismatched(changed("$.a", kind=kind))]).experiments[0].groups[0].differences[0]

    assert words.difference(difference, str) == text


@pytest.mark.parametrize(
    ("place", "control", "candidate"),
    [
        ({"kind": "changed", "control": {"b": 1}, "candidate": "x"}, '{"b": 1}', '"x"'),
        ({"kind": "missing", "control": 1}, "1", "(nothing there)"),
        ({"kind": "extra", "candidate": 1}, "(nothing there)", "1"),
        ({"kind": "changed"}, "(not shown)", "(not shown)"),
        ({"kind": "length", "control": 1, "candidate": 2}, "1 item", "2 items"),
    ],
)
def test_a_side_says_what_it_holds(place, control, candidate):
    """Absent and withheld are two things."""
    assert (words.side(place, "control"), words.side(place, "candidate")) == (control, candidate)


def test_a_group_tells_when_it_was_seen():
    """On one day the date is told once."""
    day = 86_400
    at = [1_795_400_000.0, 1_795_400_001.0, 1_795_400_000.0 + day]

    def seen(*instants):
        return words.seen(report_of([mismatched(settled_at=one) for one in instants]).experiments[0].groups[0])

    assert seen(at[0]) == "seen 2026-11-23 02:13:20"
    assert seen(at[0], at[1]) == "first seen 2026-11-23 02:13:20, last 02:13:21"
    assert seen(at[0], at[2]) == "first seen 2026-11-23 02:13:20, last 2026-11-24 02:13:20"


def test_several_places_a_job_are_told():
    """A difference in every item of a list says in how many."""
    jobs = [mismatched(*(changed(f"$.a[{at}]") for at in range(n))) for n in (1, 4)]

    group = report_of(jobs).experiments[0].groups[0]

    assert words.ways(group, str, 5)[0].text == "value $.a[*] changed, at 2.5 places a job"


def test_what_was_not_compared_is_told_by_reason():
    """Outcomes without a reason stand under their own word; the most frequent comes first."""
    jobs = [replayed("skipped", reason="no_route")] * 2 + [replayed("refused"), replayed("failed", reason="timeout")]

    assert words.uncompared(report_of(jobs).experiments[0]) == [
        ("skipped.no_route", 2),
        ("failed.timeout", 1),
        ("refused", 1),
    ]


def test_every_word_that_a_worker_may_use_is_explained():
    """No outcome, reason or drop is left to be guessed."""
    known = [f"{outcome.value}.{reason}" for outcome, reasons in REASONS.items() for reason in reasons]

    assert set(known) == set(advice.REASONS)
    assert {outcome.value for outcome in Outcome} == {*advice.OUTCOMES, "matched", "mismatched", "skipped"}
    assert set(advice.DROPPED) == {
        "buffer_full", "too_large", "journal_full", "gave_up", "shutdown", "reentrant", "hook_failed",
        "switched_off", "no_thread", "interrupted", "unclean",
    }  # fmt: skip


def test_a_word_of_another_release_is_explained_as_such():
    """A reason that is not known is told by its outcome, or as unknown."""
    assert advice.of_reason("failed.eclipse") == advice.OUTCOMES["failed"]
    assert advice.of_reason("eclipse") == advice.UNKNOWN_WORD
    assert advice.of_dropped("eclipse") == advice.UNKNOWN_WORD


def test_the_summary_of_agreement_is_good():
    """When all agree and the accounts balance, nothing asks for a look."""
    summary = summarized(report_of([replayed(), replayed()], balanced(2)), str)

    assert summary.good
    assert summary.sentences == ("B agreed with A in all 2 jobs compared.", "Every call is accounted for.")


def test_the_summary_tells_of_rules_that_explained():
    """Ignored is not matched."""
    assert sentences([replayed("ignored")]) == ["B agreed with A in the one job compared, in 1 by an ignore rule."]


def test_the_summary_tells_differences_speed_and_what_nobody_saw():
    """Each experiment that differs or is slower has its sentence; what is no evidence is counted."""
    slow = {"control_seconds": 0.1, "candidate_seconds": 0.2}
    jobs = [mismatched(**slow), replayed("refused"), replayed("failed", reason="timeout"), replayed("unknown")]

    assert sentences(jobs, balanced(4, called=9, dropped={"buffer_full": 5}, pending=0)) == [
        "shop.get: B differs in 1 way, in 1 of 1 compared job.",
        "shop.get: B 2.0x slower at p50 (99 ms → 200 ms).",
        "The guard stopped 1 replay on the way to what no route names.",
        "2 jobs say nothing about B: 1 failed, 1 unknown.",
        "5 calls never came to B: 5 dropped.",
        "Every call is accounted for.",
    ]


def test_an_imbalance_is_told_with_both_sums():
    """Whichever side is larger, the difference is told."""
    told = sentences([], {"called": 9, "recorded": 7, "settled": 8})

    assert told == [
        "The accounts do not add up: 9 called, BUT 0 sampled out + 7 recorded + 0 dropped = 7; "
        "2 of them are unaccounted for.",
        "The accounts do not add up: 7 recorded, BUT 0 before start + 8 settled + 0 pending + 0 dead + 0 expired = 8; "
        "1 is counted that nobody recorded.",
    ]


def test_fields_of_another_release_are_told():
    """A report that cannot read everything says so."""
    from sidecar_science.reports.report import build

    report = build("shop", "b-1", 0.0, {}, [{"1|noise|x": "1"}])

    assert summarized(report, str).sentences == ("1 stored field is of another release: upgrade this one.",)


@pytest.mark.parametrize(
    ("capture", "beginning"),
    [
        ({}, "Nothing has been recorded yet."),
        ({"called": 4, "sampled_out": 4}, "The app made 4 calls, and none was recorded"),
        (balanced(0, called=1, recorded=1, pending=1), "1 job waits, and no worker has settled any yet"),
        ({"called": 2, "recorded": 2, "before_start": 2}, "Nothing was replayed"),
    ],
)
def test_an_empty_report_says_what_to_do_next(capture, beginning):
    """It depends on how far the calls have come."""
    assert next_step(report_of([], capture), str).startswith(beginning)


def test_contradicting_ids_are_told_in_every_form():
    """How often, by kind; summed up over all jobs of an experiment."""
    jobs = [mismatched(changed("$.id"), id_conflicts={"subscriber": 2}), mismatched(id_conflicts={"subscriber": 1})]
    [experiment] = report_of(jobs).experiments

    assert experiment.id_conflicts == {"subscriber": 3}
    [told] = words.contradictions(experiment, str)
    assert told.startswith("3 answers told another id of a subscriber than was known")


def test_a_request_that_diverged_is_told_as_such():
    """It is not B's answer that differs."""
    jobs = [mismatched(changed("$[0].body.at", where="exchange"), changed("$[0].status", where="exchange"))]
    [group] = report_of(jobs).experiments[0].groups

    assert [way.text for way in words.ways(group, str, 8)] == [
        "exchange $[*].body.at changed (request diverged)",
        "exchange $[*].status changed",
    ]
