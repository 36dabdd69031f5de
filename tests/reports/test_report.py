"""The report of an environment, and its schema."""

from __future__ import annotations

import json

import pytest

from sidecar_science.reports.report import Account, Capture

from .bench import balanced, changed, mismatched, replayed, report_of

CAPTURE_KEYS = [
    "called", "sampled_out", "recorded", "dropped", "before_start", "settled", "pending", "dead", "expired", "foreign",
]  # fmt: skip
ADDED_KEYS = ["duplicates", "lost", "unreported", "buffered", "unclean", "unclean_producers", "balanced"]
OUTCOMES = ["matched", "mismatched", "ignored", "incomparable", "skipped", "refused", "failed", "unknown"]


def test_the_schema_has_its_keys_and_types():
    """Other programs read these names; what was added since stands after them."""
    jobs = [
        mismatched(changed("$.a[3].b"), control_seconds=0.1, candidate_seconds=0.2, queue_delay=0.3),
        replayed("skipped", reason="write_not_allowed", detail="publishing-api"),
    ]

    report = report_of(jobs, balanced(2, dropped={"buffer_full": 1})).to_json()

    assert list(report) == [
        "schema", "namespace", "environment", "generated_at", "capture", "experiments", "unread",
    ]  # fmt: skip
    assert report["schema"] == 1
    assert (report["namespace"], report["environment"]) == ("shop", "b-1")
    assert report["generated_at"] == "2026-11-23T02:14:20.000Z"
    assert list(report["capture"]) == [*CAPTURE_KEYS, *ADDED_KEYS]
    assert report["capture"]["dropped"] == {"buffer_full": 1}
    (experiment,) = report["experiments"]
    assert list(experiment) == [
        "name", "outcomes", "reasons", "latency", "groups", "examples", "rules", "statuses", "noise",
        "id_conflicts",
    ]  # fmt: skip
    assert list(experiment["outcomes"]) == OUTCOMES
    assert experiment["reasons"] == {"skipped.write_not_allowed": 1}
    assert experiment["examples"] == {"skipped.write_not_allowed": [{"job": "job-1", "detail": "publishing-api"}]}
    for side in ("control", "candidate", "queue_delay"):
        assert list(experiment["latency"][side]) == ["count", "p50", "p95", "p99"]
        assert experiment["latency"][side]["count"] == 1
        assert isinstance(experiment["latency"][side]["p95"], float)


def test_a_group_has_its_keys_and_types():
    """Fingerprint, counts, instants, differences and samples, by the schema's names."""
    (experiment,) = report_of([mismatched(changed("$.a[3].b", 1, 2))]).to_json()["experiments"]

    (group,) = experiment["groups"]
    assert list(group) == [
        "fingerprint", "count", "first_seen", "last_seen", "differences", "truncated", "samples",
        "statuses", "noise", "undecided", "acknowledged",
    ]  # fmt: skip
    assert group["fingerprint"] == "3edd9d5ec647729f"
    assert group["count"] == 1
    assert group["first_seen"] == group["last_seen"] == "2026-11-23T02:13:20.000Z"
    assert group["differences"] == [
        {"where": "value", "path": "$.a[*].b", "kind": "changed", "count": 1, "places": 1, "side": "response"}
    ]
    assert group["truncated"] is False
    assert group["samples"] == [
        {
            "job": "job-1",
            "control": {"value": {"title": "old"}},
            "candidate": {"value": {"title": "new"}},
            "differences": [{"where": "value", "path": "$.a[3].b", "kind": "changed"}],
        }
    ]


def test_latency_with_nothing_counted_is_null():
    """No measurement is not zero seconds."""
    (experiment,) = report_of([replayed("skipped", reason="no_route")]).to_json()["experiments"]

    assert experiment["latency"] == {
        "control": None, "candidate": None, "queue_delay": None, "paired": None, "failed": 0, "timed_out": 0,
    }  # fmt: skip


def test_an_empty_report_has_every_number():
    """Before anything happened all counts are there and zero."""
    report = report_of([]).to_json()

    assert report["experiments"] == []
    assert all(report["capture"][key] == 0 for key in CAPTURE_KEYS if key != "dropped")
    assert report["capture"]["dropped"] == {}


def test_the_report_is_json():
    """Whatever was recorded, the report is plain JSON data."""
    odd = float("nan")
    jobs = [
        mismatched(changed("$.a", odd, b"\xff"), control={"value": {"a": odd}}, candidate={"value": {"a": b"\xff"}})
    ]

    report = report_of(jobs).to_json()

    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize(
    ("capture", "is_balanced"),
    [
        ({}, True),
        (balanced(7), True),
        ({"called": 10, "sampled_out": 3, "recorded": 5, "dropped": {"a": 1, "b": 1}, "before_start": 1, "settled": 1,
          "pending": 1, "dead": 1, "expired": 1}, True),
        (balanced(7, called=8), False),
        (balanced(7, pending=1), False),
        (balanced(7, foreign=5, duplicates=2), True),
    ],
)  # fmt: skip
def test_accounts_balance_or_they_do_not(capture, is_balanced):
    """Both sums must come out; foreign entries and duplicates stand outside."""
    told = report_of([], capture)

    assert told.capture.balanced is is_balanced
    assert told.to_json()["capture"]["balanced"] is is_balanced


def test_an_account_knows_its_sum():
    """Total and parts are told apart."""
    account = Account(name="called", total=5, parts={"recorded": 3, "dropped": 1})

    assert account.accounted == 4
    assert not account.balanced


def test_numbers_that_nobody_asked_for_are_left_aside():
    """The journal may account for more than this release knows."""
    assert report_of([], {"called": 1, "unheard_of": 2}).capture == Capture(called=1)
