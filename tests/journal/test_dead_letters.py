"""Dead letters: another try for what was buried, or an end to it."""

from __future__ import annotations

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.journal import layout
from sidecar_science.journal.protocol import Claimed, Journal, Settlement
from tests.journal.steps import admitted, fill, joined, owned, taken, texts
from tests.twins import Twin


def _buried(journal: Journal, twin: Twin, *words: str) -> list[Claimed]:
    fill(twin, *words)
    lease = owned(journal)
    claimed = taken(journal, lease)
    for each in claimed:
        journal.start(lease, each.entry, limit=1)
        journal.bury(lease, each.entry, "poison", each.data, "j")
        twin.pass_time(0.002)
    journal.release(lease)
    return claimed


def test_a_requeued_letter_is_claimed_admitted_and_settled_once_more(journal_twin: Twin) -> None:
    """Its sequence has been here, and is let in all the same; its attempts begin anew, and the sums come out."""
    journal = joined(journal_twin)
    _buried(journal, journal_twin, "a", "b")
    newest, oldest = journal.dead(10)

    assert journal.requeue([oldest.name]) == 1

    accounts = journal.accounts()
    assert (accounts.dead, accounts.pending) == (1, 1)
    assert [letter.data for letter in journal.dead(10)] == [newest.data]
    lease = owned(journal, "w2")
    [again] = journal.claim([lease], 10)
    assert (again.data, again.attempts) == (b"a", 0)
    assert admitted(journal, lease, [again]) == set()
    assert journal.start(lease, again.entry, limit=1).go
    assert journal.settle(lease, [Settlement(entry=again.entry)]) == [True]
    accounts = journal.accounts()
    assert (accounts.settled, accounts.dead, accounts.pending, accounts.duplicates) == (1, 1, 0, 0)
    assert journal_twin.held() == 0


def test_all_letters_are_requeued_in_their_order(journal_twin: Twin) -> None:
    """What was buried first is tried first; a letter that dies again is a letter again."""
    journal = joined(journal_twin)
    _buried(journal, journal_twin, *"abc")

    assert journal.requeue() == 3
    assert journal.requeue() == 0

    lease = owned(journal)
    claimed = journal.claim([lease], 10)
    assert texts(claimed) == ["a", "b", "c"]
    journal.bury(lease, claimed[1].entry, "poison again", claimed[1].data)
    assert [letter.reason for letter in journal.dead(10)] == ["poison again"]
    assert (journal.accounts().dead, journal.accounts().pending) == (1, 2)


def test_a_requeued_letter_is_for_its_own_environment_alone(journal_twin: Twin) -> None:
    """The others have had that entry, or have it before them: they pass over the second one, and count nothing."""
    journal, other = joined(journal_twin), joined(journal_twin, "other")
    _buried(journal, journal_twin, "a", "b")
    journal.requeue()
    fill(journal_twin, "c")

    lease = owned(other)
    claimed = taken(other, lease)
    assert texts(claimed) == ["a", "b", "c"]
    other.settle(lease, [Settlement(entry=each.entry) for each in claimed])
    assert other.claim([lease], 10) == []

    accounts = other.accounts()
    assert (accounts.settled, accounts.pending, accounts.duplicates, accounts.expired) == (3, 0, 0, 0)
    assert other.tainted(lease) == {}
    assert journal.accounts().pending == 3


def test_an_entry_that_was_taken_for_foreign_can_be_requeued(journal_twin: Twin) -> None:
    """Once the worker has the right key, what it could not verify is let in, though later ones went before it."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    journal_twin.log().report("p", {"called": 2, "recorded": 2}, ended=True)
    lease = owned(journal)
    a, b = journal.claim([lease], 10)
    journal.foreign(lease, a.entry, "wrong_signature", a.data)
    admitted(journal, lease, [b], first=2)
    assert journal.accounts().foreign == 1

    assert journal.requeue() == 1

    [again] = journal.claim([lease], 10)
    assert admitted(journal, lease, [again], first=1) == set()
    journal.settle(lease, [Settlement(entry=again.entry), Settlement(entry=b.entry)])
    accounts = journal.accounts()
    assert (accounts.settled, accounts.foreign, accounts.pending, accounts.expired) == (2, 0, 0, 0)


def test_a_letter_whose_bytes_were_cut_stays(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an entry cannot be replayed."""
    monkeypatch.setattr(layout, "DEAD_BYTES", 4)
    journal = joined(journal_twin)
    _buried(journal, journal_twin, "long text", "abcd")

    assert journal.requeue() == 1

    [letter] = journal.dead(10)
    assert (letter.data, letter.size, letter.is_whole) == (b"long", 9, False)
    assert (journal.accounts().dead, journal.accounts().pending) == (1, 1)


def test_dropped_letters_are_gone_and_stay_counted(journal_twin: Twin) -> None:
    """Nobody will look at them again; that they died is still told."""
    journal = joined(journal_twin)
    _buried(journal, journal_twin, *"abc")
    newest, *_ = journal.dead(10)

    assert journal.drop([newest.name]) == 1
    assert journal.drop([newest.name]) == 0
    assert len(journal.dead(10)) == 2
    assert journal.drop() == 2
    assert journal.drop() == 0

    assert journal.dead(10) == []
    assert (journal.accounts().dead, journal.accounts().pending) == (3, 0)
    assert journal.requeue() == 0


@pytest.mark.parametrize("name", ["1-0", "99:1-0", "x:1-0", "00:one", ""])
def test_what_is_no_name_of_a_letter_is_refused(journal_twin: Twin, name: str) -> None:
    """A misspelled name is told, and not passed over."""
    journal = joined(journal_twin)

    for act in (journal.requeue, journal.drop):
        with pytest.raises(UsageError, match="names no dead letter"):
            act([name])
    assert journal.requeue(["00:1-0"]) == 0
