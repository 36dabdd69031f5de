"""Settling and burying: once, atomically, and with everything that is to be kept."""

from __future__ import annotations

import pytest

from sidecar_science.journal import layout
from sidecar_science.journal.protocol import Journal, Settlement
from tests.journal.steps import PARTITION, fill, joined, owned, taken
from tests.twins import Twin


def _tally(journal: Journal) -> dict[str, bytes]:
    return {field: value for field, value in journal.tallies()[PARTITION].items() if not field.startswith("@")}


def test_a_settlement_adds_counters_and_keeps_first_and_last(journal_twin: Twin) -> None:
    """Counters grow, the first of a field stays, the last replaces."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)

    journal.settle(lease, [Settlement(entry=a.entry, add={"n": 2}, first={"f": "10"}, last={"l": "10"})])
    journal.settle(lease, [Settlement(entry=b.entry, add={"n": -5, "m": 1}, first={"f": "20"}, last={"l": "20"})])

    assert _tally(journal) == {"n": b"-3", "m": b"1", "f": b"10", "l": b"20"}


def test_several_entries_are_settled_in_one_step(journal_twin: Twin) -> None:
    """Each settlement of a batch counts by itself, and those settled before count nothing."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    a, b, c = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=b.entry, add={"n": 1})])

    settled = journal.settle(lease, [Settlement(entry=each.entry, add={"n": 10}) for each in (a, b, c)])

    assert settled == [True, False, True]
    assert _tally(journal) == {"n": b"21"}
    assert journal.accounts().settled == 3
    assert journal.recover(lease) == []


def test_settling_again_changes_nothing(journal_twin: Twin) -> None:
    """After a lost reply the same call is made again, and counts once."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    settlement = Settlement(entry=a.entry, add={"n": 1}, samples={"s": b"x"})

    assert journal.settle(lease, [settlement]) == [True]
    assert journal.settle(lease, [settlement]) == [False]
    assert journal.settle(lease, []) == []
    assert _tally(journal) == {"n": b"1", "s|0": b"x"}


def test_samples_fill_five_slots(journal_twin: Twin) -> None:
    """The first five samples of a prefix are kept as they are, the others are not."""
    journal = joined(journal_twin)
    fill(journal_twin, *"abcdefg")
    lease = owned(journal)

    for n, claimed in enumerate(taken(journal, lease)):
        journal.settle(lease, [Settlement(entry=claimed.entry, samples={"s": b"\x00\xff%d" % n, "t": b"t"})])

    tally = _tally(journal)
    assert [tally[f"s|{n}"] for n in range(5)] == [b"\x00\xff%d" % n for n in range(5)]
    assert "s|5" not in tally
    assert len(tally) == 10


def test_text_that_is_no_unicode_is_settled_all_the_same(journal_twin: Twin) -> None:
    """Half a surrogate pair in somebody's error message does not keep a job from being settled."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)

    journal.settle(lease, [Settlement(entry=a.entry, first={"f": "é\ud800"}, last={"l": "\udcff"})])

    assert _tally(journal) == {"f": b"\xc3\xa9\\ud800", "l": b"\\udcff"}


def test_a_settled_entry_leaves_no_bytes_when_nobody_else_reads(journal_twin: Twin) -> None:
    """With one environment, settling frees the entry at once."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, _ = taken(journal, lease)

    journal.settle(lease, [Settlement(entry=a.entry)])

    assert journal_twin.held() == 1


@pytest.mark.parametrize(
    "settlement",
    [
        {"add": {"@settled": 1}},
        {"add": {"a": 1}, "last": {"a": "1"}},
        {"add": {"a": 2**53}},
        {"add": {"a": 1.5}},
        {"add": {"a": True}},
    ],
    ids=["ours", "twice", "too large", "fraction", "bool"],
)
def test_a_settlement_that_would_fail_half_way_is_refused(settlement: dict[str, dict[str, object]]) -> None:
    """A script has no rollback, so what could break one does not get there."""
    with pytest.raises(ValueError):
        Settlement(entry="1-0", **settlement)  # type: ignore[arg-type]


def test_a_buried_entry_is_a_dead_letter(journal_twin: Twin) -> None:
    """Burying settles the entry and keeps it, with its reason, to be looked at."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)

    assert journal.bury(lease, a.entry, "poison", a.data, "job-1")
    assert not journal.bury(lease, a.entry, "poison", a.data, "job-1")

    [letter] = journal.dead(10)
    assert (letter.partition, letter.entry, letter.reason, letter.job) == (PARTITION, a.entry, "poison", "job-1")
    assert (letter.data, letter.size) == (b"a", 1)
    assert abs(letter.at - journal_twin.now()) < 5
    assert [each.entry for each in journal.recover(lease)] == [b.entry]
    assert (journal.accounts().dead, journal.accounts().pending, journal_twin.held()) == (1, 1, 1)


def test_what_no_recorder_wrote_is_counted_apart(journal_twin: Twin) -> None:
    """A foreign entry is kept like a dead letter, and is in neither of the other counts."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = journal.claim([lease], 1)

    assert journal.foreign(lease, a.entry, "undecodable", a.data)

    [letter] = journal.dead(10)
    assert (letter.reason, letter.job) == ("undecodable", None)
    accounts = journal.accounts()
    assert (accounts.foreign, accounts.dead, accounts.pending) == (1, 0, 0)


def test_a_dead_letter_keeps_the_first_64_kilobytes(journal_twin: Twin) -> None:
    """A large entry cannot fill the store of dead letters."""
    journal = joined(journal_twin)
    fill(journal_twin, "x" * 70_000)
    lease = owned(journal)
    [a] = taken(journal, lease)

    journal.bury(lease, a.entry, "poison", a.data)

    [letter] = journal.dead(1)
    assert (len(letter.data), letter.size) == (64 * 1024, 70_000)


def test_the_newest_dead_letters_are_kept(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap the oldest letters go; the count of dead entries does not."""
    monkeypatch.setattr(layout, "DEAD_LETTERS", 3)
    journal = joined(journal_twin)
    fill(journal_twin, *"abcdef")
    lease = owned(journal)

    for claimed in taken(journal, lease):
        journal_twin.pass_time(0.002)
        journal.bury(lease, claimed.entry, "poison", claimed.data)

    assert [letter.data for letter in journal.dead(10)] == [b"f", b"e", b"d"]
    assert [letter.data for letter in journal.dead(1)] == [b"f"]
    assert journal.accounts().dead == 6
