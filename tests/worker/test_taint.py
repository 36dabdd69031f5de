"""What was lost of a key makes its later differences say nothing, until it is healed."""

from __future__ import annotations

import attrs
import pytest

from sidecar_science.reports.outcome import Outcome
from sidecar_science.translation import Id, TranslatedIds
from sidecar_science.worker.endings import Broken
from sidecar_science.worker.taint import taints
from tests.worker.hall import Hall, ended, mending


@pytest.fixture
def bench():
    return mending()


@pytest.fixture
def jobs(bench):
    """Makes jobs, one after the other, of the key ``k`` where nothing else is said."""
    at = iter(range(1, 100))

    def made(function, **fields):
        return bench.job(function, "tea", at=float(next(at)), **{"key": "k", **fields})

    return made


MISMATCHED, MATCHED = Outcome.MISMATCHED, Outcome.MATCHED


def run(bench, *jobs_and_endings):
    """The outcomes of jobs that end as it is said, in one turn of a lane."""
    jobs, endings = jobs_and_endings[::2], jobs_and_endings[1::2]
    hall = Hall(bench, {job.id: [ending] for job, ending in zip(jobs, endings, strict=True)})
    return hall.turn(bench.filled(*jobs)).outcomes


def tainted(bench):
    return bench.server.partitions[0].groups["b-1"].taint


def test_a_difference_after_a_lost_write_is_a_gap(bench, jobs):
    """One that agrees has matched all the same; another key is judged as ever."""
    found = run(
        bench,
        jobs("shop.put"), Broken("reset"),
        jobs("shop.get"), MISMATCHED,
        jobs("shop.get"), MATCHED,
        jobs("shop.get", key="other"), MISMATCHED,
        jobs("shop.get", key=None), MISMATCHED,
    )  # fmt: skip

    assert found == ["unknown", "incomparable.gap", "matched", "mismatched", "mismatched"]
    assert tainted(bench) == {"k": "unknown"}


def test_a_gap_is_in_no_group_and_says_why(bench, jobs):
    """It is counted, with an example that tells what was lost."""
    run(bench, jobs("shop.put"), Broken("reset"), jobs("shop.get"), MISMATCHED)

    [experiment] = [each for each in bench.report().experiments if each.name == "shop.get"]
    assert (experiment.outcomes["incomparable"], experiment.groups) == (1, ())


def test_a_lost_read_taints_nothing(bench, jobs):
    """B has all that it should have."""
    broken = jobs("shop.get")
    hall = Hall(bench, {broken.id: [Broken("reset"), Broken("reset")]}).turn(bench.filled(broken))

    assert hall.outcomes == ["failed.unreachable"]
    assert tainted(bench) == {}


def test_a_write_is_not_judged_by_its_own_loss(bench, jobs):
    """What differs before anything was lost is a mismatch."""
    found = run(bench, jobs("shop.put"), MISMATCHED, jobs("shop.put"), Broken("x"), jobs("shop.put"), MISMATCHED)

    assert found == ["mismatched", "unknown", "incomparable.gap"]


def test_a_write_that_sets_everything_heals(bench, jobs):
    """Only when it matched, and only its own key; what is lost after it is lost."""
    found = run(
        bench,
        jobs("shop.put"), Broken("x"),
        jobs("shop.put", key="other"), Broken("x"),
        jobs("shop.set"), MISMATCHED,
        jobs("shop.get"), MISMATCHED,
        jobs("shop.set"), MATCHED,
        jobs("shop.get"), MISMATCHED,
    )  # fmt: skip

    assert found == ["unknown", "unknown", "incomparable.gap", "incomparable.gap", "matched", "mismatched"]
    assert tainted(bench) == {"other": "unknown"}


def test_a_gap_of_the_recorder_taints_what_comes_after_it(bench, jobs):
    """The job that brings the news is judged by it, also when an earlier write heals the key in between."""
    found = run(
        bench,
        jobs("shop.set"), MATCHED,
        jobs("shop.get", gaps=("k", "other")), MISMATCHED,
        jobs("shop.get", key="other"), MISMATCHED,
    )  # fmt: skip

    assert found == ["matched", "incomparable.gap", "incomparable.gap"]
    assert tainted(bench) == {"k": "gap", "other": "gap"}


def test_a_write_that_brings_a_gap_and_sets_everything_heals_it(bench, jobs):
    """It came after what was lost."""
    found = run(bench, jobs("shop.set", gaps=("k", "other")), MATCHED, jobs("shop.get"), MISMATCHED)

    assert found == ["matched", "mismatched"]
    assert tainted(bench) == {"other": "gap"}


def test_any_key_of_the_partition_may_be_concerned(bench, jobs):
    """Nobody knows which keys were lost: a difference of any of them says nothing."""
    found = run(bench, jobs("shop.get", gaps=("*",), key="other"), MATCHED, jobs("shop.get"), MISMATCHED)

    assert found == ["matched", "incomparable.gap"]


def test_only_who_has_a_difference_asks(bench, jobs):
    """A job that matched costs no further round trip."""
    asked = []
    real = bench.journal.tainted
    bench.journal.tainted = lambda lease, keys: asked.append(list(keys)) or real(lease, keys)

    run(bench, jobs("shop.get"), MATCHED, jobs("shop.get"), MISMATCHED, jobs("shop.get", key=None), MISMATCHED)

    assert asked == [["k"]]


LOST = [
    (Outcome.UNKNOWN, None), (Outcome.REFUSED, None), (Outcome.FAILED, "timeout"), (Outcome.FAILED, "worker_error"),
    (Outcome.SKIPPED, "not_replayable"), (Outcome.SKIPPED, "write_not_allowed"), (Outcome.INCOMPARABLE, "late"),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "reason"), LOST)
def test_endings_that_leave_b_without_a_write_taint(bench, jobs, outcome, reason):
    """With that ending as the reason; a read does not."""
    replayed = ended(jobs("shop.put"), outcome, reason)

    assert taints(jobs("shop.put", effect="write"), replayed, None) == {"k": replayed.full_reason or outcome.value}
    assert taints(jobs("shop.get"), replayed, None) == {}
    assert taints(jobs("shop.put", effect="write", key=None), replayed, None) == {}


KEPT = [
    (Outcome.MATCHED, None, True), (Outcome.MISMATCHED, None, True), (Outcome.IGNORED, None, True),
    (Outcome.INCOMPARABLE, "gap", True), (Outcome.SKIPPED, "control_not_sent", False),
    (Outcome.SKIPPED, "not_consumed", False),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "reason", "sent"), KEPT)
def test_endings_that_leave_b_like_a_do_not(bench, jobs, outcome, reason, sent):
    """B was asked to do it, or A never was."""
    job = jobs("shop.put", effect="write", sent=sent)

    assert taints(job, ended(job, outcome, reason), None) == {}


def test_what_was_sent_and_not_consumed_is_lost(bench, jobs):
    """The request went out before anybody took an item."""
    job = jobs("shop.put", effect="write", sent=True)

    assert taints(job, ended(job, Outcome.SKIPPED, "not_consumed"), None) == {"k": "skipped.not_consumed"}


def test_a_write_whose_id_nobody_knew_taints_its_key(bench, jobs):
    """It was done to nothing, or to something else. One that only tells of an unknown id was done."""
    replayed = ended(jobs("shop.put"), Outcome.INCOMPARABLE, "unmapped_id")
    plan = bench.plan(jobs("shop.put"))
    names_one = attrs.evolve(plan, sent=TranslatedIds(unmapped=frozenset({Id("item", "5")})))

    assert taints(jobs("shop.put"), replayed, names_one) == {"k": "incomparable.unmapped_id"}
    assert taints(jobs("shop.put"), replayed, plan) == {}
    assert taints(jobs("shop.get"), replayed, attrs.evolve(bench.plan(jobs("shop.get")), sent=names_one.sent)) == {}


def test_a_write_whose_version_b_refused_taints_its_key(bench, jobs):
    """B is without it."""
    refused = ended(jobs("shop.put"), Outcome.INCOMPARABLE, "precondition")

    assert taints(jobs("shop.put"), refused, bench.plan(jobs("shop.put"))) == {"k": "incomparable.precondition"}
