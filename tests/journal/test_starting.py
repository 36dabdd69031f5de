"""The mark that is made before anything is sent, and what it allows after a crash."""

from __future__ import annotations

import pytest

from sidecar_science.errors import LeaseLost
from sidecar_science.journal.protocol import Settlement, Start, Started
from tests.journal.steps import fill, joined, owned, taken
from tests.twins import Twin


def test_an_admitted_entry_starts_once(journal_twin: Twin) -> None:
    """The first start goes, and asking again (the reply was lost) gives the same answer."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)

    assert journal.start(lease, a.entry, limit=1) == Started(go=True, attempt=1, number=1)
    assert journal.start(lease, a.entry, limit=1) == Started(go=True, attempt=1, number=1)


def test_a_write_that_an_earlier_owner_started_is_not_started_again(journal_twin: Twin) -> None:
    """With a limit of one, nobody sends what somebody may have sent."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal.start(lease, a.entry, limit=1)
    journal_twin.end_lease(lease)

    successor = owned(journal, "w2")

    assert journal.start(successor, a.entry, limit=1) == Started(go=False, attempt=1)
    assert journal.start(successor, b.entry, limit=1) == Started(go=True, attempt=1, number=1)


def test_a_read_is_started_as_often_as_its_limit_allows(journal_twin: Twin) -> None:
    """Attempts count over all owners."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.start(lease, a.entry, limit=2)
    journal_twin.end_lease(lease)
    second = owned(journal, "w2")
    assert journal.start(second, a.entry, limit=2) == Started(go=True, attempt=2, number=2)
    journal_twin.end_lease(second)

    third = owned(journal, "w3")

    assert journal.start(third, a.entry, limit=2) == Started(go=False, attempt=2)


def test_one_more_attempt_under_the_same_lease_is_asked_for(journal_twin: Twin) -> None:
    """Naming the attempt that ended makes the next start a new one, up to the limit."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.start(lease, a.entry, limit=2)

    assert journal.start(lease, a.entry, limit=2, after=1) == Started(go=True, attempt=2, number=2)
    assert journal.start(lease, a.entry, limit=2, after=1) == Started(go=True, attempt=2, number=2)
    assert journal.start(lease, a.entry, limit=2, after=2) == Started(go=False, attempt=2)


def test_a_start_that_sent_nothing_is_withdrawn(journal_twin: Twin) -> None:
    """B refused the connection: the attempt does not count, for this owner or the next one."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    started = journal.start(lease, a.entry, limit=1)

    journal.withdraw(lease, a.entry, started.number)
    journal.withdraw(lease, a.entry, started.number)
    journal_twin.end_lease(lease)

    assert journal.start(owned(journal, "w2"), a.entry, limit=1) == Started(go=True, attempt=1, number=2)


def test_a_withdrawal_that_comes_late_takes_no_later_start_back(journal_twin: Twin) -> None:
    """It names the start that it takes back, and the entry may have been started again since."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    first = journal.start(lease, a.entry, limit=1)
    journal.withdraw(lease, a.entry, first.number)
    journal.start(lease, a.entry, limit=1)

    journal.withdraw(lease, a.entry, first.number)
    journal_twin.end_lease(lease)

    assert not journal.start(owned(journal, "w2"), a.entry, limit=1).go


def test_only_the_own_start_is_withdrawn(journal_twin: Twin) -> None:
    """What an earlier owner started stays started."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    started = journal.start(lease, a.entry, limit=1)
    journal_twin.end_lease(lease)
    successor = owned(journal, "w2")

    journal.withdraw(successor, a.entry, started.number)

    assert not journal.start(successor, a.entry, limit=1).go


def test_what_was_never_admitted_does_not_start(journal_twin: Twin) -> None:
    """An entry without a mark is not sent: it is unknown, settled already, or its mark is lost."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = journal.claim([lease], 10)
    taken(journal, lease)
    journal.settle(lease, [Settlement(entry=b.entry)])
    journal.withdraw(lease, b.entry, 1)

    assert journal.start(lease, a.entry, limit=9) == Started(go=False, attempt=0)
    assert journal.start(lease, b.entry, limit=9) == Started(go=False, attempt=0)


def test_several_entries_are_started_in_one_trip(journal_twin: Twin) -> None:
    """Each by itself: one that may not be sent again keeps none of the others."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    a, b, c = taken(journal, lease)
    journal.start(lease, b.entry, limit=1)
    journal_twin.end_lease(lease)
    successor = owned(journal, "w2")

    started = journal.start_all(successor, [Start(entry=each.entry, limit=1, key="k") for each in (a, b, c)])

    assert [one.go for one in started] == [True, False, True]
    assert journal.start_all(successor, []) == []
    assert list(journal.dispatched(successor)) == ["k"]


def test_nothing_is_started_under_a_lease_that_is_lost(journal_twin: Twin) -> None:
    """As with one entry."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal_twin.end_lease(lease)
    owned(journal, "w2")

    with pytest.raises(LeaseLost):
        journal.start_all(lease, [Start(entry=each.entry, limit=2) for each in (a, b)])
