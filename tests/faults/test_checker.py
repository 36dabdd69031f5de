"""The checker sees what it is there to see: for each broken promise, the smallest history that breaks it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.faults.checker import check, unflagged
from tests.faults.history import App, Call, Ending, Execution, History

_CAPTURE = {
    "called": 2, "sampled_out": 0, "recorded": 2, "dropped": {},
    "before_start": 0, "settled": 2, "pending": 0, "dead": 0, "expired": 0,
}  # fmt: skip


def _call(job: str, start: float, **more: Any) -> Call:
    facts = {"app": "app1", "effect": "write", "key": "k", "sequence": int(start), "end": start + 0.5, **more}
    return Call(job=job, start=start, **facts)


def _ran(job: str, at: float, effect: str = "write") -> Execution:
    return Execution(job=job, effect=effect, key="k", call=f"call-of-{job}", at=at)


def _ended(job: str, outcome: str = "matched", reason: str | None = None) -> Ending:
    return Ending(job=job, outcome=outcome, reason=reason, worker="worker1")


GOOD = History(
    calls=(_call("a", 1), _call("b", 2)),
    executions=(_ran("a", 10), _ran("b", 11)),
    endings=(_ended("a"), _ended("b")),
    apps=(App(name="app1", producer="p", stats={"dropped": {}}, shipped=True),),
    capture=_CAPTURE,
)


def _kinds(history: History, **options: Any) -> list[str]:
    return [finding.kind for finding in check(history, **options)]


def test_a_good_history_has_no_findings() -> None:
    """Two calls, run once each and in order, with an outcome each, and counted."""
    assert check(GOOD) == []


def test_a_write_that_ran_twice_is_seen() -> None:
    """Also under another job's id, as after a copy that nobody recognized."""
    same = attrs.evolve(GOOD, executions=(*GOOD.executions, _ran("a", 12)))
    other = attrs.evolve(
        GOOD, executions=(*GOOD.executions, attrs.evolve(_ran("c", 12), call="call-of-a")), calls=(*GOOD.calls,)
    )

    assert _kinds(same) == ["twice"]
    assert _kinds(other) == ["twice", "ghost"]


def test_a_read_may_run_twice_and_no_more() -> None:
    """A read that was interrupted is tried once more."""
    reads = tuple(_ran("a", at, effect="read") for at in (9.0, 9.5))
    twice = attrs.evolve(GOOD, executions=(*reads, _ran("b", 11)))
    thrice = attrs.evolve(GOOD, executions=(*reads, _ran("a", 9.7, effect="read"), _ran("b", 11)))

    assert _kinds(twice) == []
    assert _kinds(thrice) == ["reads"]


def test_a_repeated_read_under_another_idempotency_key_is_seen() -> None:
    """B could not tell that it had been there."""
    again = attrs.evolve(_ran("a", 10.5, effect="read"), idempotency_key="other")

    assert _kinds(attrs.evolve(GOOD, executions=(_ran("a", 10, effect="read"), again, _ran("b", 11)))) == ["key"]


def test_a_broken_order_is_seen() -> None:
    """The call that completed first reached B last."""
    history = attrs.evolve(GOOD, executions=(_ran("b", 10), _ran("a", 11)))

    [finding] = check(history)

    assert (finding.kind, finding.job, finding.flagged) == ("order", "a", False)


@pytest.mark.parametrize(("outcome", "reason"), [("incomparable", "late"), ("unknown", None)])
def test_a_broken_order_that_the_outcome_admits_is_flagged(outcome: str, reason: str | None) -> None:
    """It is a finding all the same: whoever wants none at all can ask for none at all."""
    endings = (_ended("a", outcome, reason), _ended("b"))
    history = attrs.evolve(GOOD, executions=(_ran("b", 10), _ran("a", 11)), endings=endings)

    [finding] = check(history)

    assert finding.flagged
    assert unflagged([finding]) == []


def test_calls_that_overlap_have_no_order() -> None:
    """Nobody can say which of them completed first."""
    calls = (_call("a", 1, end=3.0), _call("b", 2))

    assert _kinds(attrs.evolve(GOOD, calls=calls, executions=(_ran("b", 10), _ran("a", 11)))) == []


def test_the_second_run_of_a_read_breaks_no_order() -> None:
    """It changes nothing, and its first run was in order."""
    executions = (_ran("a", 10, effect="read"), _ran("b", 11), _ran("a", 12, effect="read"))

    assert _kinds(attrs.evolve(GOOD, executions=executions)) == []


def test_two_outcomes_of_one_job_are_seen() -> None:
    """Whatever the counters say."""
    assert "outcomes" in _kinds(attrs.evolve(GOOD, endings=(*GOOD.endings, _ended("a", "unknown"))))


def test_more_outcomes_than_are_counted_are_seen() -> None:
    """An outcome in a log that the journal does not know."""
    capture = {**_CAPTURE, "recorded": 1, "settled": 1, "called": 1}

    assert "outcomes" in _kinds(attrs.evolve(GOOD, capture=capture))


def test_a_lost_job_is_seen() -> None:
    """A call of an app that ended well, with no outcome and no counter."""
    capture = {**_CAPTURE, "called": 1, "recorded": 1, "settled": 1}

    kinds = _kinds(attrs.evolve(GOOD, endings=(_ended("a"),), capture=capture))

    assert kinds == ["lost", "balance"]


def test_an_outcome_that_only_the_counters_know_is_not_lost() -> None:
    """The worker was killed between settling and logging."""
    assert _kinds(attrs.evolve(GOOD, endings=(_ended("a"),))) == []


def test_a_call_that_was_dropped_and_counted_is_not_lost() -> None:
    """Its app said so."""
    apps = (App(name="app1", producer="p", stats={"dropped": {"buffer_full": 1}}, shipped=True),)
    capture = {**_CAPTURE, "recorded": 1, "settled": 1, "dropped": {"buffer_full": 1}}

    history = attrs.evolve(GOOD, endings=(_ended("a"),), executions=(_ran("a", 10),), apps=apps, capture=capture)

    assert _kinds(history) == []


def test_a_killed_app_may_lose_a_few() -> None:
    """As many as its bound says, and no more."""
    apps = (App(name="app1", producer="p"),)
    capture = {**_CAPTURE, "called": 1, "recorded": 1, "settled": 1}
    history = attrs.evolve(GOOD, endings=(_ended("a"),), apps=apps, capture=capture)

    assert _kinds(history, loss_bound=1) == []
    assert _kinds(history, loss_bound=0) == ["lost"]


@pytest.mark.parametrize(
    "change", [{"recorded": 3}, {"called": 3}, {"settled": 1}, {"expired": 1}, {"dropped": {"too_large": 1}}]
)
def test_accounts_that_do_not_add_up_are_seen(change: dict[str, Any]) -> None:
    """Each identity, whichever side of it is off."""
    assert "balance" in _kinds(attrs.evolve(GOOD, capture={**_CAPTURE, **change}))


def test_what_is_still_pending_is_seen() -> None:
    """After the end nothing should wait."""
    capture = {**_CAPTURE, "settled": 1, "pending": 1}

    assert "pending" in _kinds(attrs.evolve(GOOD, capture=capture))
    assert "pending" not in _kinds(attrs.evolve(GOOD, capture=capture), drained=False)


@pytest.mark.parametrize("outcome", ["matched", "mismatched", "ignored", "incomparable"])
def test_an_answer_that_b_never_gave_is_seen(outcome: str) -> None:
    """An outcome that rests on an answer needs a request in B's book."""
    history = attrs.evolve(GOOD, executions=(_ran("a", 10),), endings=(_ended("a"), _ended("b", outcome)))

    assert _kinds(history) == ["claim"]


def test_a_skipped_job_that_ran_is_seen() -> None:
    """What was skipped must not have reached B."""
    endings = (_ended("a", "skipped", "write_not_allowed"), _ended("b"))

    assert _kinds(attrs.evolve(GOOD, endings=endings)) == ["claim"]
