"""What every test of a fault ends with."""

from __future__ import annotations

from tests.faults.checker import check, unflagged
from tests.faults.rig import Rig


def assert_kept(rig: Rig, *, loss_bound: int = 0) -> None:
    """Drain the journal; then every promise has been kept."""
    rig.drain()
    found = unflagged(check(rig.history(balance=True), loss_bound=loss_bound))
    assert not found, "\n".join(map(str, found))


def assert_ended(rig: Rig, job: str, outcome: str, executed: int) -> None:
    """``job`` has this one outcome, and B was asked to do it so many times."""
    assert (rig.outcomes(job), rig.executed(job)) == ([outcome], executed)
