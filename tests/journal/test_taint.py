"""Keys of which a write was lost: noted in the step that loses it, kept for the environment and epoch, and healed."""

from __future__ import annotations

import pytest

from sidecar_science.errors import LeaseLost
from sidecar_science.journal import layout
from sidecar_science.journal.protocol import Admission, Journal, Lease, Settlement
from tests.journal.steps import admitted, fill, joined, owned, taken
from tests.twins import RedisTwin, Twin


def _taint(journal: Journal, lease: Lease, entry: str, **taint: str) -> None:
    journal.settle(lease, [Settlement(entry=entry, taint=taint)])


def test_a_settlement_taints_keys_and_says_why(journal_twin: Twin) -> None:
    """The digest and its reason are there for whoever takes the partition next; the first reason stays."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)

    _taint(journal, lease, a.entry, k1="unknown", k2="dead | or so")
    _taint(journal, lease, b.entry, k1="skipped")
    journal_twin.end_lease(lease)

    assert journal.tainted(owned(journal, "w2")) == {"k1": "unknown", "k2": "dead | or so"}


def test_settling_again_taints_nothing(journal_twin: Twin) -> None:
    """What had been settled is not settled by halves."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry)])

    _taint(journal, lease, a.entry, k1="unknown")

    assert journal.tainted(lease) == {}


def test_a_taint_is_healed_by_a_settlement(journal_twin: Twin) -> None:
    """A write that sets all of a key anew ends its taint, and no other; healing comes before tainting."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    _taint(journal, lease, a.entry, k1="unknown", k2="unknown", k3="unknown")

    journal.settle(lease, [Settlement(entry=b.entry, heal=["k1", "k3", "k9"], taint={"k3": "skipped"})])

    assert journal.tainted(lease) == {"k2": "unknown", "k3": "skipped"}


def test_taints_of_some_keys_can_be_asked_for(journal_twin: Twin) -> None:
    """Whoever has a difference to judge asks for its key, and is told of the whole partition, too."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    _taint(journal, lease, a.entry, k1="unknown", k2="unknown")

    assert journal.tainted(lease, ["k1", "k9"]) == {"k1": "unknown"}
    _taint(journal, lease, b.entry, **{"*": "gap"})
    assert journal.tainted(lease, ["k9"]) == {"*": "gap"}


def test_a_dead_letter_taints_its_key(journal_twin: Twin) -> None:
    """Burying and tainting are one step."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)

    assert journal.bury(lease, a.entry, "poison", a.data, taint={"k1": "dead"})
    assert not journal.bury(lease, a.entry, "poison", a.data, taint={"k2": "dead"})

    assert journal.tainted(lease) == {"k1": "dead"}


def test_taints_belong_to_one_environment_and_partition(journal_twin: Twin) -> None:
    """Another B-branch has other data."""
    journal, other = joined(journal_twin), joined(journal_twin, "c")
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)

    _taint(journal, lease, a.entry, k1="unknown")

    assert other.tainted(owned(other)) == {}
    assert journal.tainted(owned(journal, partition=2)) == {}


def test_only_the_owner_reads_taints(journal_twin: Twin) -> None:
    """A worker that has lost the partition would read what is old already."""
    journal = joined(journal_twin)
    lease = owned(journal)
    journal_twin.end_lease(lease)

    with pytest.raises(LeaseLost):
        journal.tainted(lease)


def test_beyond_so_many_keys_the_partition_is_tainted(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is bounded: what does not fit any more is said of every key."""
    monkeypatch.setattr(layout, "TAINTED_KEYS", 2)
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)

    _taint(journal, lease, a.entry, k1="one", k2="two")
    _taint(journal, lease, b.entry, k2="known", k3="three", k4="four")

    assert journal.tainted(lease) == {"k1": "one", "k2": "two", "*": "three"}


def test_a_new_epoch_begins_without_taints(journal_twin: Twin) -> None:
    """Other data: what was not known of the old one counts no more; joining the same epoch again keeps it."""
    journal = journal_twin.journal()
    journal.join(epoch="e1")
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    _taint(journal, lease, a.entry, k1="unknown")

    journal.join(epoch="e1")
    journal.join()
    assert journal.tainted(lease) == {"k1": "unknown"}
    journal.join(epoch="e2")
    assert journal.tainted(lease) == {}
    _taint(journal, lease, b.entry, k2="unknown")
    journal_twin.journal().join(epoch="e2")
    assert journal.tainted(lease) == {"k2": "unknown"}


def test_entries_that_are_gone_taint_the_partition(journal_twin: Twin) -> None:
    """Of which key the lost bytes were nobody knows, so every key may be concerned."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, _ = taken(journal, lease)
    journal_twin.lose_bytes(1, a.entry)

    journal.recover(lease)

    assert journal.tainted(lease) == {"*": "expired"}


def test_a_jump_of_a_sequence_taints_the_partition(journal_twin: Twin) -> None:
    """Numbers that a producer has used and nobody has seen are entries that are lost."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    a, b, c = journal.claim([lease], 10)
    admitted(journal, lease, [a, b])
    assert journal.tainted(lease) == {}

    admitted(journal, lease, [c], first=4)

    assert journal.tainted(lease) == {"*": "lost"}


def test_gaps_taint_when_the_job_that_carries_them_is_let_in(journal_twin: Twin) -> None:
    """The recorder lost writes of these keys; a job that comes a second time tells nothing new."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "a")
    lease = owned(journal)
    a, b, again = journal.claim([lease], 10)

    duplicates = journal.admit(
        lease,
        [
            Admission(entry=a.entry, producer="p", sequence=1, gaps=("k1", "k2")),
            Admission(entry=b.entry, producer="p", sequence=2),
            Admission(entry=again.entry, producer="p", sequence=1, gaps=("k3",)),
        ],
    )

    assert duplicates == {again.entry}
    assert journal.tainted(lease) == {"k1": "gap", "k2": "gap"}


def test_a_producer_that_began_before_the_environment_taints_nothing(journal_twin: Twin) -> None:
    """What lies before the start is not lost."""
    joined(journal_twin)
    fill(journal_twin, "a", "b")
    journal = journal_twin.journal("late")
    journal.join("latest")
    fill(journal_twin, "c")
    lease = owned(journal)

    taken(journal, lease, first=3)

    assert journal.tainted(lease) == {}
    assert journal.accounts().lost == 0


@pytest.mark.parametrize("wrong", [{"taint": {"@epoch": "x"}}, {"heal": ["@epoch"]}])
def test_the_journals_own_fields_are_no_keys(wrong: dict[str, object]) -> None:
    """A digest cannot be taken for what the journal keeps beside them."""
    with pytest.raises(ValueError, match="digests"):
        Settlement(entry="1-0", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="digests"):
        Admission(entry="1-0", producer="p", sequence=1, gaps=("@epoch",))


@pytest.mark.realserver
def test_taints_are_kept_as_documented(real_journal: RedisTwin) -> None:
    """The hash holds the digest, and with it the reason and when."""
    journal = joined(real_journal)
    fill(real_journal, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    _taint(journal, lease, a.entry, k1="unknown")

    kept = real_journal.link.command("HGETALL", layout.Keys(real_journal.namespace).of(1, "taint", "b"))

    assert list(kept) == [b"k1"]
    assert kept[b"k1"].startswith(b"unknown|1")
