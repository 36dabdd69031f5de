"""What is kept of one replay when its job is settled."""

from __future__ import annotations

import json

import pytest

from sidecar_science.journal.protocol import Settlement
from sidecar_science.reports.outcome import REASONS, Outcome
from sidecar_science.reports.tally import tally

from .bench import changed, mismatched, replayed


def test_a_match_is_a_few_counters():
    """A matched job adds its outcome, its seconds, their ratio and the classes of status, and leaves nothing else."""
    kept = tally(replayed(control_seconds=0.5, candidate_seconds=1.0, queue_delay=0.0))

    assert dict(kept.add) == {
        "1|outcome|matched|shop.get": 1,
        "1|seconds|control|-34|shop.get": 1,
        "1|seconds|candidate|0|shop.get": 1,
        "1|seconds|queue_delay|-1037|shop.get": 1,
        "1|ratio|35|shop.get": 1,
        "1|status|none|none|shop.get": 1,
    }
    assert [kept.first, kept.last, kept.samples] == [{}, {}, {}]


@pytest.mark.parametrize("outcome", list(REASONS))
def test_reasons_are_counted_beside_their_outcome(outcome):
    """A reason is counted by its full word."""
    reason = REASONS[outcome][0]

    kept = tally(replayed(outcome, reason=reason))

    assert kept.add[f"1|outcome|{outcome}|shop.get"] == 1
    assert kept.add[f"1|reason|{outcome}.{reason}|shop.get"] == 1


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.MISMATCHED])
def test_only_a_mismatch_is_in_a_group(outcome):
    """Whatever else a job is, its differences form no group."""
    kept = tally(replayed(outcome, differences=(changed(),), control={"value": 1}))

    assert not any("group" in field or "sample" in field for field in [*kept.add, *kept.samples])


def test_a_mismatch_leaves_its_group():
    """Count, places, shape, instants and a sample stand under the group's fingerprint."""
    kept = tally(mismatched(changed("$.a[0]"), changed("$.a[1]"), changed("$.b")))

    fingerprint = next(field for field in kept.first if "shape" in field).split("|")[2]
    assert kept.add[f"1|group|{fingerprint}"] == 1
    assert kept.add[f"1|places|{fingerprint}|0"] == 2
    assert kept.add[f"1|places|{fingerprint}|1"] == 1
    assert kept.first[f"1|first|{fingerprint}"] == kept.last[f"1|last|{fingerprint}"] == "2026-11-23T02:13:20.000Z"
    assert json.loads(kept.samples[f"1|sample|{fingerprint}"])["job"] == "job-1"


def test_a_mismatch_without_differences_is_a_group_too():
    """An experiment's own comparison may say no without saying where."""
    kept = tally(replayed("mismatched"))

    assert sum("1|group|" in field for field in kept.add) == 1


def test_the_sample_shows_the_first_place_of_each_pattern():
    """Of a thousand items that differ alike one is shown."""
    kept = tally(mismatched(*(changed(f"$.a[{n}]") for n in range(1_000)), changed("$.z")))

    sample = json.loads(next(iter(kept.samples.values())))
    assert [one["path"] for one in sample["differences"]] == ["$.a[0]", "$.z"]


def test_a_job_that_was_not_run_on_b_has_no_seconds_of_a():
    """The two distributions are of the same jobs."""
    kept = tally(replayed("skipped", reason="no_route", control_seconds=0.5))

    assert not any("seconds" in field for field in kept.add)


def test_what_is_no_number_of_seconds_is_not_counted():
    """A measurement that went wrong is in no bucket."""
    kept = tally(replayed(candidate_seconds=float("nan")))

    assert not any("seconds" in field for field in kept.add)


def test_a_detail_is_an_example_of_its_reason():
    """What was said of a job is kept, cut, beside its id."""
    kept = tally(replayed("skipped", reason="not_replayable", detail="x" * 2_000))

    told = json.loads(kept.samples["1|example|skipped.not_replayable|shop.get"])
    assert told == {"job": "job-1", "detail": "x" * 500 + "… (1500 bytes more)"}


def test_a_detail_without_a_reason_stands_under_its_outcome():
    """A refusal has no further reason."""
    kept = tally(replayed("refused", detail="10.0.0.1:25"))

    assert list(kept.samples) == ["1|example|refused|shop.get"]


def test_nothing_is_said_of_a_match():
    """A detail of a matched job is nobody's concern."""
    assert not tally(replayed(detail="slow")).samples


@pytest.mark.parametrize("one", [replayed(), mismatched(experiment="a|b@\n%7C", detail="why")])
def test_a_tally_is_a_settlement(one):
    """The journal takes every tally as it is."""
    kept = tally(one)

    Settlement(entry="1-1", add=kept.add, first=kept.first, last=kept.last, samples=kept.samples)
