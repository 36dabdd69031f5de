"""Beginning anew: an environment whose data was restored, or replaced."""

from __future__ import annotations

import json

import pytest

from sidecar_science.errors import LeaseLost, UsageError
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import LATEST, Settlement
from tests.journal.steps import LONG, fill, joined, owned, taken, texts
from tests.twins import RedisTwin, Twin


def test_a_reset_moves_every_partition_to_an_instant(journal_twin: Twin) -> None:
    """What was settled since is read again; what lies before is counted so, and nothing else is counted."""
    keeper, journal = joined(journal_twin, "keeper"), joined(journal_twin)
    fill(journal_twin, "before")
    journal_twin.pass_time(0.02)
    instant = journal_twin.now()
    journal_twin.pass_time(0.02)
    fill(journal_twin, "after", "later")
    fill(journal_twin, "else", partition=2)
    lease = owned(journal)
    a, b, c = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry, add={"n": 1}), Settlement(entry=b.entry)])
    journal.bury(lease, c.entry, "poison", c.data, taint={"k": "dead"})

    told = journal.reset(instant, "e2")

    assert (told.new, told.start, told.epoch) == (False, instant, "e2")
    accounts = journal.accounts()
    assert (accounts.before_start, accounts.pending, accounts.settled, accounts.dead) == (1, 3, 0, 0)
    assert journal.dead(10) == []
    lease = owned(journal, "w2")
    assert journal.tainted(lease) == {}
    assert texts(taken(journal, lease)) == ["after", "later"]
    assert texts(taken(journal, owned(journal, "w2", partition=2))) == ["else"]
    assert journal.tainted(lease) == {}
    assert keeper.accounts().pending == 4
    [own] = [each for each in journal.environments() if each.name == "b"]
    assert (own.start, own.epoch) == (instant, "e2")


def test_a_reset_voids_every_lease(journal_twin: Twin) -> None:
    """What a worker has in hand at a forced reset is its own no more."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    journal.start(lease, a.entry, limit=1)
    journal.beat("w1", partitions=1, ttl=LONG)

    journal.reset(force=True)

    with pytest.raises(LeaseLost):
        journal.settle(lease, [Settlement(entry=a.entry)])
    again = owned(journal, "w1")
    assert again.fence > lease.fence
    [claimed] = taken(journal, again)
    assert (claimed.data, claimed.attempts) == (b"a", 0)
    assert journal.start(again, claimed.entry, limit=1).go


def test_a_reset_is_refused_while_workers_live(journal_twin: Twin) -> None:
    """Nobody's work is taken out of their hands by accident."""
    journal = joined(journal_twin)
    journal.beat("w1", partitions=1, ttl=LONG)
    fill(journal_twin, "a")

    with pytest.raises(UsageError, match="1 workers are at work in environment 'b'; stop them"):
        journal.reset(LATEST)

    assert journal.accounts().pending == 1
    journal.leave("w1")
    assert journal.reset(LATEST).epoch is None
    assert (journal.accounts().pending, journal.accounts().before_start) == (0, 1)


def test_what_was_freed_lies_before_the_start(journal_twin: Twin) -> None:
    """A reset to the beginning finds what is still there, and says how much is not."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    a, *_ = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry)])

    journal.reset()

    assert (journal.accounts().before_start, journal.accounts().pending) == (1, 2)
    assert texts(taken(journal, owned(journal), first=2)) == ["b", "c"]


@pytest.mark.parametrize(("start", "match"), [("yesterday", "no position"), (1e12, "in the future")])
def test_a_reset_to_nowhere_is_refused(journal_twin: Twin, start: float, match: str) -> None:
    """A position that cannot be changes nothing."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")

    with pytest.raises(UsageError, match=match):
        journal.reset(start)

    assert journal.accounts().pending == 1


def test_an_unknown_environment_cannot_be_reset(journal_twin: Twin) -> None:
    """A misspelled name is told, and makes nothing."""
    with pytest.raises(UsageError, match="'typo' is not known"):
        journal_twin.journal("typo").reset()

    assert journal_twin.journal().environments() == []


@pytest.mark.realserver
def test_an_interrupted_reset_is_told_and_can_be_repeated(real_journal: RedisTwin) -> None:
    """Half the partitions at one place and half at another is no state to work in."""
    journal = joined(real_journal)
    keys = Keys(real_journal.namespace)
    told = json.loads(real_journal.link.command("HGET", keys.environments, "b"))
    real_journal.link.command("HSET", keys.environments, "b", json.dumps({**told, "resetting": True}))

    with pytest.raises(UsageError, match="was interrupted: run it again"):
        journal.join()

    journal.reset(LATEST)
    assert not journal.join().new
