"""Processes that die with entries in hand: suspects, quarantine, and who is guilty."""

from __future__ import annotations

import pytest

from sidecar_science.errors import LeaseLost
from sidecar_science.journal.layout import QUARANTINE_SECONDS
from sidecar_science.journal.protocol import Claimed, Journal, Lease, Settlement, Started
from tests.journal.steps import LONG, PARTITION, admitted, fill, joined, owned, taken, texts
from tests.twins import MemoryTwin, Twin


def crash(journal: Journal, *entries: Claimed, worker: str = "w1", alone: bool = False) -> set[int]:
    """``worker`` has died with these in hand."""
    return journal.crashed(worker, {PARTITION: [each.entry for each in entries]}, alone=alone)


def quarantined(journal: Journal, worker: str = "q1") -> Lease:
    """The lease of the partition in quarantine."""
    lease = journal.acquire(PARTITION, worker, LONG, quarantine=True)
    assert lease is not None
    return lease


def test_what_a_dead_worker_held_is_free_at_once(journal_twin: Twin) -> None:
    """Nobody waits for its leases: it had nothing in hand."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lost = owned(journal)
    taken(journal, lost)

    assert journal.crashed("w1", {}) == set()

    assert texts(journal.recover(owned(journal, "w2"))) == ["a"]
    with pytest.raises(LeaseLost):
        journal.recover(lost)


def test_a_suspect_is_in_quarantine(journal_twin: Twin) -> None:
    """No other worker gets its partition, and only one for the quarantine does; other partitions are free."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    before = owned(journal)
    a, _ = taken(journal, before)
    owned(journal, partition=2)

    assert crash(journal, a) == {PARTITION}

    assert journal.acquire(PARTITION, "w2", LONG) is None
    assert journal.acquire(2, "w2", LONG) is not None
    lease = quarantined(journal)
    assert lease.fence > before.fence + 1
    assert journal.acquire(PARTITION, "q2", LONG, quarantine=True) is None
    assert [each.is_suspect for each in journal.recover(lease)] == [True, False]


def test_only_what_is_in_quarantine_is_taken_for_it(journal_twin: Twin) -> None:
    """A free partition is not, and neither is one that somebody works on."""
    journal = joined(journal_twin)
    owned(journal)

    assert journal.acquire(PARTITION, "q", LONG, quarantine=True) is None
    assert journal.acquire(2, "q", LONG, quarantine=True) is None


def test_a_partition_that_comes_out_of_quarantine_is_free(journal_twin: Twin) -> None:
    """The suspect is settled, and what stood behind it goes on."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    [a, _] = taken(journal, owned(journal))
    crash(journal, a)
    lease = quarantined(journal)

    journal.settle(lease, [Settlement(entry=a.entry)])
    journal.release(lease)

    assert texts(journal.recover(owned(journal, "w2"))) == ["b"]


def test_an_innocent_read_is_started_again(journal_twin: Twin) -> None:
    """Its first attempt counts; its crash stays known when it is started and withdrawn."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.start(lease, a.entry, limit=2)
    crash(journal, a)
    lease = quarantined(journal)

    assert journal.start(lease, a.entry, limit=2) == Started(go=True, attempt=2, number=2)
    journal.withdraw(lease, a.entry, 2)

    [again] = journal.recover(lease)
    assert (again.state, again.attempts, again.crashes) == ("admitted", 1, 1)


def test_a_write_that_was_started_is_not_started_again(journal_twin: Twin) -> None:
    """A crash is no reason to send it twice."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.start(lease, a.entry, limit=1)
    crash(journal, a)

    assert journal.start(quarantined(journal), a.entry, limit=1) == Started(go=False, attempt=1)


def test_what_brings_a_process_down_alone_is_guilty(journal_twin: Twin) -> None:
    """It is no suspect any more, so its partition is free: whoever takes it knows."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    [a] = taken(journal, owned(journal))
    crash(journal, a)
    quarantined(journal)

    assert crash(journal, a, worker="q1", alone=True) == set()

    [guilty] = journal.recover(owned(journal, "w2"))
    assert (guilty.is_guilty, guilty.is_suspect, guilty.crashes) == (True, False, 2)


def test_crashes_in_company_make_nobody_guilty(journal_twin: Twin) -> None:
    """However often: it was there, no more is known."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    [a] = taken(journal, owned(journal))
    for worker in ("w1", "w2", "w3"):
        assert crash(journal, a, worker=worker) == {PARTITION}
        journal.release(quarantined(journal))
        owned(journal, f"w{int(worker[1]) + 1}")

    [again] = journal.recover(owned(journal, "w4"))
    assert (again.crashes, again.is_suspect) == (1, True)


def test_an_entry_that_was_being_read_is_a_suspect_too(journal_twin: Twin) -> None:
    """It was not admitted, and is admitted in its order when it turns out to be innocent."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    a, b = journal.claim([owned(journal)], 10)
    crash(journal, b)
    lease = quarantined(journal)
    [_, suspect] = journal.recover(lease)
    assert (suspect.state, suspect.is_suspect) == ("claimed", True)
    assert journal.start(lease, b.entry, limit=9) == Started(go=False, attempt=0)
    journal.release(lease)

    lease = owned(journal, "w2")

    assert admitted(journal, lease, journal.recover(lease)) == set()
    assert [(each.state, each.crashes) for each in journal.recover(lease)] == [("admitted", 0), ("admitted", 1)]
    assert admitted(journal, lease, [a, b]) == set()


def test_what_was_settled_is_no_suspect(journal_twin: Twin) -> None:
    """The process died between the settlement and its next step."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry)])

    assert crash(journal, a) == set()

    assert journal.recover(owned(journal, "w2")) == []
    assert journal.accounts().pending == 0


def test_telling_of_a_crash_again_changes_nothing(journal_twin: Twin) -> None:
    """The reply was lost: the answer is the same, and the crash is counted once."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    [a] = taken(journal, owned(journal))

    assert crash(journal, a, alone=True) == {PARTITION}
    assert crash(journal, a, alone=True) == {PARTITION}

    assert journal.recover(quarantined(journal))[0].crashes == 1


def test_what_the_dead_worker_had_lost_is_left_alone(journal_twin: Twin) -> None:
    """Its successor goes on."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal_twin.end_lease(lease)
    successor = owned(journal, "w2")

    assert crash(journal, a) == set()

    assert [each.crashes for each in journal.recover(successor)] == [0]


def test_a_quarantine_that_nobody_keeps_ends_by_itself() -> None:
    """No partition waits for a supervisor that is gone."""
    twin = MemoryTwin()
    journal = joined(twin)
    fill(twin, "a")
    [a] = taken(journal, owned(journal))
    crash(journal, a)

    twin.pass_time(QUARANTINE_SECONDS)

    assert journal.acquire(PARTITION, "q1", LONG, quarantine=True) is None
    assert journal.recover(owned(journal, "w2"))[0].is_suspect


def test_the_crew_is_as_many_as_have_beaten_and_not_left(journal_twin: Twin) -> None:
    """Who leaves is missed at once."""
    journal = joined(journal_twin)
    journal.beat("w1", partitions=0, ttl=LONG)
    journal.beat("w2", partitions=0, ttl=LONG)

    assert journal.crew() == 2
    journal.leave("w1")
    assert journal.crew() == 1


def test_what_was_marked_and_not_in_hand_is_tried_alone_too(journal_twin: Twin) -> None:
    """Its one attempt that is left is not put at the mercy of whoever brings the next process down."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    a, b, c = taken(journal, lease)
    journal.start(lease, a.entry, limit=2)
    journal.start(lease, b.entry, limit=2)

    crash(journal, a)

    found = journal.recover(quarantined(journal))
    assert [(each.state, each.attempts, each.crashes) for each in found] == [
        ("crashed", 1, 1), ("crashed", 1, 1), ("admitted", 0, 0),
    ]  # fmt: skip
    assert c.entry == found[2].entry


def test_a_suspect_that_has_not_had_its_turn_stays_one(journal_twin: Twin) -> None:
    """The quarantine died with the one before it."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal.start(lease, a.entry, limit=2)
    journal.start(lease, b.entry, limit=2)
    crash(journal, a)
    lease = quarantined(journal)
    journal.start(lease, a.entry, limit=2)

    assert journal.crashed("q1", {a.partition: [a.entry]}, alone=True) == {a.partition}

    found = journal.recover(quarantined(journal))
    assert [(each.is_guilty, each.is_suspect) for each in found] == [(True, False), (False, True)]
