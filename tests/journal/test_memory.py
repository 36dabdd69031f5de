"""What the memory twin adds for tests: trouble at will."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalFull, JournalMisconfigured, JournalUnavailable
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.protocol import Entry

ENTRY = Entry(partition=0, data=b"x")


def test_trouble_is_raised_by_both_sides_until_it_is_over() -> None:
    """A test can take the server away and give it back; nothing happens in between."""
    server = MemoryServer()
    log, journal = MemoryLog(server), MemoryJournal(server, "b")
    journal.join()
    server.trouble = JournalUnavailable("down")

    with pytest.raises(JournalUnavailable, match="down"):
        log.append([ENTRY])
    with pytest.raises(JournalUnavailable, match="down"):
        journal.accounts()

    server.trouble = None
    assert (log.size().entries, journal.accounts().pending) == (0, 0)


def test_a_full_server_refuses_appending_alone() -> None:
    """As with Redis, jobs can be settled while there is no room for new ones."""
    server = MemoryServer()
    journal = MemoryJournal(server, "b")
    server.trouble = JournalFull("full")

    with pytest.raises(JournalFull):
        MemoryLog(server).append([ENTRY])

    assert journal.join().new


def test_an_environment_that_has_not_joined_is_told_so() -> None:
    """Leases are of environments that the journal knows."""
    journal = MemoryJournal(MemoryServer(), "b")

    with pytest.raises(JournalMisconfigured, match="no group of environment 'b'"):
        journal.acquire(0, "w1", 10.0)


def test_a_beat_before_joining_counts_and_is_listed_nowhere() -> None:
    """A heartbeat alone makes no environment."""
    journal = MemoryJournal(MemoryServer(partitions=5), "b")

    assert journal.beat("w1", partitions=0, ttl=10.0) == 1
    assert journal.environments() == []
    assert (journal.environment, journal.partitions) == ("b", 5)


def test_a_duplicate_that_is_settled_already_counts_once() -> None:
    """Nothing is counted for an entry that is on nobody's list."""
    server = MemoryServer()
    journal = MemoryJournal(server, "b")
    journal.join()
    MemoryLog(server).append([ENTRY])
    lease = journal.acquire(0, "w1", 10.0)
    assert lease is not None
    [claimed] = journal.claim([lease], 1)
    journal.bury(lease, claimed.entry, "poison", b"x")

    assert not journal.foreign(lease, claimed.entry, "undecodable", b"x")
    assert journal.accounts().foreign == 0
