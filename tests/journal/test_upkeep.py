"""What stays, for how long, and who no longer holds it back."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalMisconfigured, UsageError
from sidecar_science.journal import layout
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import Admission, Journal, Settlement
from tests.journal.steps import LONG, PAST_SHORT, SHORT, fill, joined, owned, taken, texts
from tests.twins import RedisTwin, Twin


def _settle_all(journal: Journal, *, partition: int = 1, first: int = 1) -> list[str]:
    lease = owned(journal, partition=partition)
    claimed = taken(journal, lease, first=first)
    journal.settle(lease, [Settlement(entry=each.entry) for each in claimed])
    journal.release(lease)
    return texts(claimed)


@pytest.fixture(autouse=True)
def _at_every_trim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "UPKEEP_SECONDS", 0.0)


def test_what_is_settled_stays_for_the_retention(journal_twin: Twin) -> None:
    """Another B-branch can begin at an instant within it; after it nothing is left."""
    journal = journal_twin.journal()
    journal.configure("retention", str(SHORT))
    journal.join()
    fill(journal_twin, "old")
    journal_twin.pass_time(0.02)
    instant = journal_twin.now()
    journal_twin.pass_time(0.02)
    fill(journal_twin, "a", "b")

    assert _settle_all(journal) == ["old", "a", "b"]
    assert (journal.trim(), journal_twin.held()) == (0, 3)
    second = journal_twin.journal("second")
    second.join(instant)
    assert (second.accounts().before_start, _settle_all(second)) == (1, ["a", "b"])

    journal_twin.pass_time(PAST_SHORT)
    assert (journal.trim(), journal_twin.held()) == (3, 0)
    assert (journal.accounts().settled, journal.accounts().expired) == (3, 0)


def test_the_retention_frees_nothing_that_is_unread(journal_twin: Twin) -> None:
    """However old, an entry stays until every environment has settled it."""
    journal = journal_twin.journal()
    journal.configure("retention", "0.01")
    journal.join()
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry)])
    journal_twin.pass_time(0.05)

    assert (journal.trim(), journal_twin.held()) == (1, 1)
    journal.settle(lease, [Settlement(entry=b.entry)])
    assert (journal.trim(), journal_twin.held()) == (1, 0)


def test_every_way_of_settling_keeps_to_the_retention(journal_twin: Twin) -> None:
    """Duplicates, dead letters and foreign entries stay as long as anything else; without it they are gone."""
    journal = joined(journal_twin)

    def handle_all() -> int:
        fill(journal_twin, "a", "a", "dead", "foreign")
        lease = owned(journal)
        first, again, dead, foreign = journal.claim([lease], 10)
        for entry in (first, again):
            journal.admit(lease, [Admission(entry=entry.entry, producer="p", sequence=1)])
        journal.settle(lease, [Settlement(entry=first.entry)])
        journal.bury(lease, dead.entry, "poison", dead.data)
        journal.foreign(lease, foreign.entry, "undecodable", foreign.data)
        journal.release(lease)
        return journal_twin.held()

    assert handle_all() == 0
    journal.configure("retention", "60")
    assert handle_all() == 4
    journal.configure("retention", None)
    journal.trim()
    assert handle_all() == 0


def test_a_worker_learns_of_a_retention_while_it_works(journal_twin: Twin) -> None:
    """The setting is read again with every trim."""
    journal = joined(journal_twin)
    journal_twin.journal("other").configure("retention", "60")
    journal.trim()
    fill(journal_twin, "a")

    _settle_all(journal)

    assert journal_twin.held() == 1


@pytest.mark.parametrize("name", ["retention", "environment_ttl"])
@pytest.mark.parametrize("value", ["a week", "-1", "nan", "inf"])
def test_a_setting_that_is_no_time_is_refused(journal_twin: Twin, name: str, value: str) -> None:
    """What cannot be followed is not kept."""
    journal = joined(journal_twin)

    with pytest.raises(UsageError, match=f"the setting {name} is .*expected seconds"):
        journal.configure(name, value)

    assert journal.settings() == {}


def test_an_idle_environment_expires_and_holds_nothing_back(journal_twin: Twin) -> None:
    """Its unread jobs are counted, their bytes are freed, and whoever works goes on."""
    journal, idle = joined(journal_twin), joined(journal_twin, "idle")
    fill(journal_twin, "a", "b", "c")
    lease = owned(idle)
    idle.settle(lease, [Settlement(entry=taken(idle, lease)[0].entry)])
    idle.release(lease)
    _settle_all(journal)
    journal.configure("environment_ttl", str(SHORT))
    assert (journal.trim(), journal_twin.held()) == (1, 2)
    journal_twin.pass_time(PAST_SHORT)
    journal.beat("w1", partitions=3, ttl=LONG)

    journal.trim()

    assert journal_twin.held() == 0
    accounts = idle.accounts()
    assert (accounts.settled, accounts.expired, accounts.pending) == (1, 2, 0)
    told = {each.name: each.expired for each in journal.environments()}
    assert told["b"] is None
    assert told["idle"] is not None
    assert abs(told["idle"] - journal_twin.now()) < 5


def test_an_expired_environment_says_so_when_it_comes_back(journal_twin: Twin) -> None:
    """It goes on behind what expired: that is not read, and what came since is, as far as it is still there."""
    journal, idle = joined(journal_twin), joined(journal_twin, "idle")
    journal.configure("retention", "60")
    idle.join()
    fill(journal_twin, "a", "b")
    assert _settle_all(idle) == ["a", "b"]
    fill(journal_twin, "c")
    journal.configure("environment_ttl", str(SHORT))
    journal_twin.pass_time(PAST_SHORT)
    journal.trim()
    fill(journal_twin, "d", "e")
    [gone] = [each for each in journal.peek(10) if each.data == b"d"]
    journal_twin.lose_bytes(1, gone.entry)

    back = journal_twin.journal("idle")
    told = back.join()

    assert (told.new, told.expired is not None) == (False, True)
    assert back.join().expired is None
    assert _settle_all(back, first=5) == ["e"]
    lease = owned(back)
    assert back.claim([lease], 10) == []
    assert back.tainted(lease) == {"*": "expired"}
    accounts = back.accounts()
    assert (accounts.settled, accounts.expired, accounts.pending, accounts.lost) == (3, 2, 0, 0)


def test_an_environment_with_workers_does_not_expire(journal_twin: Twin) -> None:
    """A worker that has promised to live longer is believed."""
    journal, other = joined(journal_twin), joined(journal_twin, "other")
    other.beat("w1", partitions=1, ttl=LONG)
    journal.configure("environment_ttl", "0.01")
    journal_twin.pass_time(0.05)

    journal.trim()

    assert {each.expired for each in journal.environments()} == {None}
    fill(journal_twin, "a")
    assert _settle_all(other) == ["a"]


@pytest.mark.realserver
def test_a_partition_that_is_worked_on_is_not_given_up(real_journal: RedisTwin) -> None:
    """A lease tells that somebody is there, whatever became of the heartbeats; the rest is tried again later."""
    journal, other = joined(real_journal), joined(real_journal, "other")
    lease = owned(other)
    fill(real_journal, "a")
    journal.configure("environment_ttl", "0.01")
    real_journal.pass_time(0.05)

    journal.trim()

    assert {each.expired for each in journal.environments()} == {None}
    assert texts(other.claim([lease], 1)) == ["a"]
    elsewhere = owned(other, partition=0)
    with pytest.raises(JournalMisconfigured, match="deleted or flushed"):
        other.claim([elsewhere], 1)
    other.release(lease)
    other.release(elsewhere)
    real_journal.link.command("HDEL", Keys(real_journal.namespace).heartbeats, "other")
    journal.trim()
    assert {each.name for each in journal.environments() if each.expired} == {"other"}


def test_a_reset_takes_an_expired_environment_up(journal_twin: Twin) -> None:
    """It begins where it is told, and with new accounts."""
    journal, idle = joined(journal_twin), joined(journal_twin, "idle")
    fill(journal_twin, "a")
    journal.configure("environment_ttl", "0.01")
    journal_twin.pass_time(0.05)
    journal.trim()

    idle.reset()

    assert (idle.accounts().pending, idle.accounts().expired) == (1, 0)
    assert idle.join().expired is None
    assert _settle_all(idle) == ["a"]
