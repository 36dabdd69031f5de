"""Letting entries in: each producer's sequence once."""

from __future__ import annotations

import pytest

from sidecar_science.journal.protocol import Admission, Settlement
from tests.journal.steps import admitted, fill, joined, owned, taken
from tests.twins import Twin


def test_a_batch_that_was_sent_twice_is_admitted_once(journal_twin: Twin) -> None:
    """What a producer sent again, since it did not know that it had arrived, is recognized, counted and gone."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "a", "b", "c")
    lease = owned(journal)
    claimed = journal.claim([lease], 10)
    sequences = [1, 2, 1, 2, 3]

    duplicates = journal.admit(
        lease,
        [Admission(entry=each.entry, producer="p", sequence=n) for each, n in zip(claimed, sequences, strict=True)],
    )

    assert duplicates == {claimed[2].entry, claimed[3].entry}
    assert (journal.accounts().duplicates, journal.accounts().pending) == (2, 3)
    assert len(journal.recover(lease)) == 3


def test_a_duplicate_is_recognized_after_the_first_one_was_settled(journal_twin: Twin) -> None:
    """A genuine entry that is added again later does not run, also under a later owner."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [first] = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=first.entry)])
    journal_twin.end_lease(lease)
    fill(journal_twin, "a")

    lease = owned(journal, "w2")
    again = journal.claim([lease], 10)

    assert admitted(journal, lease, again) == {again[0].entry}


def test_admitting_again_what_is_admitted_changes_nothing(journal_twin: Twin) -> None:
    """After a lost reply, or under a new owner, an admitted entry is no duplicate of itself."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "b")
    lease = owned(journal)
    a, b, c = journal.claim([lease], 10)
    batch = [Admission(entry=each.entry, producer="p", sequence=n) for each, n in ((a, 1), (b, 2), (c, 2))]
    assert journal.admit(lease, batch) == {c.entry}
    assert journal.admit(lease, batch) == {c.entry}
    journal_twin.end_lease(lease)

    later = owned(journal, "w2")

    assert admitted(journal, later, journal.recover(later)) == set()
    assert journal.accounts().duplicates == 1


def test_sequences_count_per_producer_partition_and_environment(journal_twin: Twin) -> None:
    """The same number from elsewhere is another job."""
    journal, other = joined(journal_twin), joined(journal_twin, "c")
    fill(journal_twin, "a", "b")
    fill(journal_twin, "c", partition=2)
    lease, far, theirs = owned(journal), owned(journal, partition=2), owned(other)
    a, b = journal.claim([lease], 10)

    assert admitted(journal, lease, [a], producer="p") == set()
    assert admitted(journal, lease, [b], producer="q") == set()
    assert admitted(journal, far, journal.claim([far], 10), producer="p") == set()
    assert admitted(other, theirs, other.claim([theirs], 10)[:1], producer="p") == set()


def test_a_producer_may_leave_numbers_out(journal_twin: Twin) -> None:
    """A jump forward is no duplicate, and what comes late after it is."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = journal.claim([lease], 10)

    assert admitted(journal, lease, [a], first=10) == set()
    assert admitted(journal, lease, [b], first=9) == {b.entry}


@pytest.mark.parametrize("sequence", [-1, 2**53])
def test_a_sequence_that_a_script_cannot_count_is_refused(sequence: int) -> None:
    """Numbers beyond what the server's scripts hold exactly never reach them."""
    with pytest.raises(ValueError, match="sequence"):
        Admission(entry="1-0", producer="p", sequence=sequence)


def test_a_producer_that_was_silent_for_a_day_is_forgotten(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of producers does not grow for ever: trimming forgets those of long ago."""
    monkeypatch.setattr("sidecar_science.journal.layout.REMEMBER_SECONDS", 0.05)
    monkeypatch.setattr("sidecar_science.journal.layout.UPKEEP_SECONDS", 0.0)
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = journal.claim([lease], 10)
    admitted(journal, lease, [a])
    journal.trim()
    journal_twin.pass_time(0.1)

    journal.trim()

    assert admitted(journal, lease, [b]) == set()


def test_a_producer_that_lives_is_remembered_however_rarely_it_writes(
    journal_twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that gets an entry of a process every other day still knows what it has seen of it."""
    monkeypatch.setattr("sidecar_science.journal.layout.REMEMBER_SECONDS", 0.05)
    monkeypatch.setattr("sidecar_science.journal.layout.UPKEEP_SECONDS", 0.0)
    journal = joined(journal_twin)
    fill(journal_twin, "a", "a")
    journal_twin.log().report("p", {"called": 1, "recorded": 1})
    lease = owned(journal)
    a, again = journal.claim([lease], 10)
    admitted(journal, lease, [a])
    journal_twin.pass_time(0.1)

    journal.trim()

    assert admitted(journal, lease, [again]) == {again.entry}
