"""Taking entries: in order, again after a crash, and never past a lost body."""

from __future__ import annotations

import threading

from sidecar_science.journal.protocol import Settlement
from tests.journal.steps import LONG, PARTITION, fill, joined, owned, taken, texts
from tests.twins import MemoryTwin, Twin


def test_a_claim_gives_so_many_of_each_partition_and_the_next_one_goes_on(journal_twin: Twin) -> None:
    """The count bounds each partition, and no entry is given twice under one lease."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c", partition=0)
    fill(journal_twin, "d", "e", partition=2)
    leases = [owned(journal, partition=0), owned(journal, partition=2)]

    first = journal.claim(leases, 2)
    second = journal.claim(leases, 2)
    third = journal.claim(leases, 2)

    assert sorted(texts(first)) == ["a", "b", "d", "e"]
    assert (texts(second), third) == (["c"], [])
    assert {each.partition for each in first} == {0, 2}


def test_what_arrives_later_is_claimed_later(journal_twin: Twin) -> None:
    """A partition that was found empty is looked at again, with other partitions or alone."""
    journal = joined(journal_twin)
    leases = [owned(journal, partition=n) for n in range(3)]
    assert journal.claim(leases, 10) == []

    fill(journal_twin, "a", partition=0)
    assert texts(journal.claim(leases, 10)) == ["a"]
    fill(journal_twin, "b", partition=2)
    fill(journal_twin, "c", partition=0)
    assert sorted(texts(journal.claim(leases, 10, block=0.05))) == ["b", "c"]
    assert journal.claim(leases, 10, block=0.01) == []


def test_a_busy_partition_does_not_hide_a_quiet_one(journal_twin: Twin) -> None:
    """Partitions that were found empty are looked at in every claim, also while another one is full."""
    journal = joined(journal_twin)
    leases = [owned(journal, partition=n) for n in range(2)]
    fill(journal_twin, "a", "b", "c", partition=0)
    assert texts(journal.claim(leases, 1)) == ["a"]

    fill(journal_twin, "quiet", partition=1)

    assert sorted(texts(journal.claim(leases, 1))) == ["b", "quiet"]


def test_a_waiting_claim_ends_when_something_arrives(real_journal: Twin) -> None:
    """A blocked claim gets the entry that comes while it waits."""
    journal = joined(real_journal)
    leases = [owned(journal, partition=n) for n in range(3)]
    journal.claim(leases, 10)
    threading.Timer(0.1, fill, (real_journal, "a")).start()

    assert texts(journal.claim(leases, 10, block=5.0)) == ["a"]


def test_a_waiting_claim_on_memory_ends_when_something_arrives() -> None:
    """The memory twin wakes a waiting claim, though its clock stands still."""
    twin = MemoryTwin()
    journal = joined(twin)
    lease = owned(journal)

    def arrive(event: threading.Event, timeout: float) -> bool:
        fill(twin, "a")
        return event.is_set()

    twin.clock.wait = arrive  # type: ignore[method-assign]

    assert texts(journal.claim([lease], 10, block=5.0)) == ["a"]


def test_claiming_without_leases_gives_nothing(journal_twin: Twin) -> None:
    """A worker without a share claims nothing and does not wait."""
    assert joined(journal_twin).claim([], 10, block=0.01) == []


def test_age_is_counted_by_the_server_since_appending(journal_twin: Twin) -> None:
    """The age of an entry is the server's, whose clock stamped it."""
    journal = joined(journal_twin)
    lease = owned(journal)
    fill(journal_twin, "a")
    journal_twin.pass_time(0.05)

    [claimed] = journal.claim([lease], 1)

    assert 0.045 <= claimed.age < 5.0


def test_a_successor_finds_what_its_predecessor_left_before_anything_new(journal_twin: Twin) -> None:
    """After a crash the next owner gets the unsettled entries first, in order, with their attempts."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c", "d")
    dead = owned(journal)
    a, b, c, d = taken(journal, dead)
    journal.start(dead, b.entry, limit=1)
    journal.settle(dead, [Settlement(entry=a.entry), Settlement(entry=c.entry)])
    fill(journal_twin, "e")
    journal_twin.end_lease(dead)

    other = journal_twin.journal()
    lease = owned(other, "w2")
    left = other.claim([lease], 10)

    assert [(each.entry, each.attempts) for each in left] == [(b.entry, 1), (d.entry, 0)]
    assert texts(other.claim([lease], 10)) == ["e"]


def test_recovering_gives_again_what_is_unsettled_and_nothing_new(journal_twin: Twin) -> None:
    """An owner that lost track reads its own list again; what it has not claimed stays where it is."""
    journal = joined(journal_twin)
    fill(journal_twin, *"abc")
    lease = owned(journal)
    a, b, c = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=b.entry)])
    fill(journal_twin, "d")

    assert texts(journal.recover(lease)) == ["a", "c"]
    assert texts(journal.recover(lease)) == ["a", "c"]
    assert texts(journal.claim([lease], 10)) == ["d"]
    assert (a.partition, c.partition) == (PARTITION, PARTITION)


def test_recovering_gives_everything_however_much_it_is(journal_twin: Twin) -> None:
    """A long list is read in portions, and complete."""
    journal = joined(journal_twin)
    fill(journal_twin, *(str(n) for n in range(230)))
    lease = owned(journal)
    journal.claim([lease], 230)

    assert texts(journal.recover(lease)) == [str(n) for n in range(230)]


def test_a_claim_is_given_again_when_its_reply_was_lost(journal_twin: Twin) -> None:
    """An entry that the server gave out and nobody received is given again by the next claim of that lease."""
    journal, elsewhere = joined(journal_twin), journal_twin.journal()
    fill(journal_twin, "a")
    lease = owned(journal)
    assert texts(elsewhere.claim([lease], 10)) == ["a"]

    assert texts(journal.claim([lease], 10)) == ["a"]


def test_an_entry_whose_bytes_are_gone_expires(journal_twin: Twin) -> None:
    """What was deleted under us is counted, taken off the list, and stops nobody."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    first = owned(journal)
    a, b, _ = taken(journal, first)
    journal_twin.lose_bytes(PARTITION, a.entry)
    journal_twin.lose_bytes(PARTITION, b.entry)
    journal_twin.end_lease(first)

    left = journal.claim([owned(journal, "w2", ttl=LONG)], 2)

    assert texts(left) == ["c"]
    accounts = journal.accounts()
    assert (accounts.expired, accounts.pending) == (2, 1)
