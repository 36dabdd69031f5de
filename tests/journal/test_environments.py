"""Several B-branches on one journal: where each begins, what each has counted, and what may be freed."""

from __future__ import annotations

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import LATEST, Journal, Position, Settlement
from tests.journal.steps import LONG, admitted, fill, joined, owned, taken, texts
from tests.twins import Twin


def _settle_all(journal: Journal, *, partition: int = 1) -> list[str]:
    lease = owned(journal, partition=partition)
    claimed = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=each.entry) for each in claimed])
    journal.release(lease)
    return texts(claimed)


def test_environments_read_the_same_entries_apart(journal_twin: Twin) -> None:
    """Each environment has its own position, leases, tallies and accounts."""
    one, two = joined(journal_twin, "one"), joined(journal_twin, "two")
    fill(journal_twin, "a", "b")

    assert _settle_all(one) == ["a", "b"]
    assert (one.accounts().settled, two.accounts().settled, two.accounts().pending) == (2, 0, 2)
    assert _settle_all(two) == ["a", "b"]


def test_a_new_environment_begins_where_it_is_told(journal_twin: Twin) -> None:
    """Earliest, latest, or the instant at which the database of B was copied."""
    joined(journal_twin)
    fill(journal_twin, "before")
    journal_twin.pass_time(0.02)
    instant = journal_twin.now()
    journal_twin.pass_time(0.02)
    fill(journal_twin, "after")

    starts: dict[str, Position] = {"all": "earliest", "none": LATEST, "some": instant, "long-ago": 0.0}
    seen = {}
    for name, start in starts.items():
        journal = journal_twin.journal(name)
        assert journal.join(start).new
        seen[name] = (_settle_all(journal), journal.accounts().before_start)

    assert seen == {
        "all": (["before", "after"], 0),
        "none": ([], 2),
        "some": (["after"], 1),
        "long-ago": (["before", "after"], 0),
    }


def test_before_start_counts_what_is_gone_already(journal_twin: Twin) -> None:
    """Entries that were settled and freed before an environment joined lie before its start, too."""
    first = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(first)
    first.settle(lease, [Settlement(entry=each.entry) for each in taken(first, lease)[:2]])

    second = joined(journal_twin, "second")

    accounts = second.accounts()
    assert (accounts.before_start, accounts.pending) == (2, 1)


def test_many_entries_after_an_instant_are_all_counted(journal_twin: Twin) -> None:
    """Counting goes in portions, and misses none."""
    joined(journal_twin)
    fill(journal_twin, *(str(n) for n in range(7)))
    journal_twin.pass_time(0.02)
    instant = journal_twin.now()
    journal_twin.pass_time(0.02)
    fill(journal_twin, *(str(n) for n in range(401)))

    journal = journal_twin.journal("late")
    journal.join(instant)

    assert (journal.accounts().before_start, journal.accounts().pending) == (7, 401)


def test_a_known_environment_goes_on_where_it_stood(journal_twin: Twin) -> None:
    """Joining again changes no position, whatever start is given; epoch and routes are those of now."""
    fill(journal_twin, "a", "b")
    journal = journal_twin.journal()
    first = journal.join("earliest", epoch="e1", routes={"shop": "http://127.0.0.1:1"})
    lease = owned(journal)
    a, _ = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry)])
    journal.release(lease)

    again = journal_twin.journal()
    second = again.join(LATEST, epoch="e2", routes={"shop": "http://127.0.0.1:2"})
    third = again.join()

    assert (first.new, second.new, third.new) == (True, False, False)
    assert (second.start, second.epoch, third.epoch) == ("earliest", "e2", "e2")
    assert second.created == first.created
    assert texts(again.recover(owned(again))) == ["b"]
    assert again.accounts().settled == 1
    [environment] = again.environments()
    assert environment.routes == {"shop": "http://127.0.0.1:2"}


def test_the_environments_are_listed_with_their_workers(journal_twin: Twin) -> None:
    """Who has joined, where it began, and whether anybody works on it."""
    one, two = joined(journal_twin, "one"), joined(journal_twin, "two")
    one.beat("w1", partitions=0, ttl=LONG)
    one.beat("w2", partitions=0, ttl=LONG)
    two.beat("w1", partitions=0, ttl=LONG)
    two.leave("w1")

    found = {each.name: (each.start, each.workers) for each in one.environments()}

    assert found == {"one": ("earliest", 2), "two": ("earliest", 0)}
    assert all(each.seen is not None and abs(each.seen - journal_twin.now()) < 5 for each in one.environments())


@pytest.mark.parametrize("start", ["yesterday", 1e12])
def test_a_start_that_cannot_be_is_refused(journal_twin: Twin, start: Position) -> None:
    """An instant to come, or a word that is no position, joins nothing."""
    journal = journal_twin.journal()

    with pytest.raises(UsageError, match="earliest"):
        journal.join(start)

    assert journal.environments() == []


def test_nothing_is_freed_before_every_environment_has_settled_it(journal_twin: Twin) -> None:
    """Trimming frees what all have settled, down to nothing, and never what one has not read."""
    one, two = joined(journal_twin, "one"), joined(journal_twin, "two")
    fill(journal_twin, "a", "b", "c")
    _settle_all(one)
    assert (journal_twin.held(), one.trim()) == (3, 0)
    lease = owned(two)
    a, b, c = taken(two, lease)

    two.settle(lease, [Settlement(entry=a.entry), Settlement(entry=c.entry)])
    assert (one.trim(), journal_twin.held()) == (1, 2)
    two.settle(lease, [Settlement(entry=b.entry)])
    fill(journal_twin, "d")
    assert (two.trim(), journal_twin.held()) == (2, 1)

    assert _settle_all(one) == ["d"]


def test_two_environments_leave_no_bytes_of_what_both_have_settled(journal_twin: Twin) -> None:
    """Once all have settled everything, the streams are empty."""
    one, two = joined(journal_twin, "one"), joined(journal_twin, "two")
    for partition in range(journal_twin.partitions):
        fill(journal_twin, *"abc", partition=partition)
        _settle_all(two, partition=partition)
        _settle_all(one, partition=partition)

    assert one.trim() == 9
    assert (journal_twin.held(), one.trim()) == (0, 0)


def test_an_environment_that_starts_later_keeps_what_it_will_read(journal_twin: Twin) -> None:
    """An environment that begins at an instant needs nothing from before, and all from there."""
    one = joined(journal_twin, "one")
    fill(journal_twin, "a")
    journal_twin.pass_time(0.02)
    instant = journal_twin.now()
    journal_twin.pass_time(0.02)
    fill(journal_twin, "b")
    two = journal_twin.journal("two")
    two.join(instant)
    _settle_all(one)

    assert one.trim() == 1
    assert _settle_all(two) == ["b"]


def test_trimming_a_journal_that_nobody_reads_frees_nothing(journal_twin: Twin) -> None:
    """Without an environment, everything is unread."""
    fill(journal_twin, "a")

    assert (journal_twin.journal().trim(), journal_twin.held()) == (0, 1)


def test_every_entry_is_in_one_of_the_accounts(journal_twin: Twin) -> None:
    """Recorded entries are before the start, settled, pending, dead or expired; the others stand outside."""
    early = joined(journal_twin, "early")
    fill(journal_twin, "x", "y")
    _settle_all(early)
    early.trim()
    journal_twin.pass_time(0.01)
    journal = journal_twin.journal()
    journal.join(LATEST)
    fill(journal_twin, *"abcde", "a", "foreign")
    log = journal_twin.log()
    log.report("p", {"called": 11, "sampled_out": 3, "recorded": 7, "dropped": {"buffer_full": 1}})
    log.report("q", {"called": 2, "recorded": 0, "dropped": {"buffer_full": 1, "shutdown": 1}})
    lease = owned(journal)
    a, b, c, d, e, again, foreign = journal.claim([lease], 10)
    journal.foreign(lease, foreign.entry, "undecodable", foreign.data)
    admitted(journal, lease, [a, b, c, d, e])
    admitted(journal, lease, [again])
    journal.settle(lease, [Settlement(entry=a.entry)])
    journal.bury(lease, b.entry, "poison", b.data)
    journal_twin.lose_bytes(1, c.entry)
    journal.recover(lease)

    accounts = journal.accounts()

    assert (accounts.called, accounts.sampled_out, accounts.recorded) == (13, 3, 7)
    assert accounts.dropped == {"buffer_full": 2, "shutdown": 1}
    assert accounts.called == accounts.sampled_out + accounts.recorded + sum(accounts.dropped.values())
    assert (accounts.before_start, accounts.settled, accounts.dead, accounts.expired) == (2, 1, 1, 1)
    assert (accounts.pending, accounts.duplicates, accounts.foreign) == (2, 1, 1)
    assert accounts.recorded == (
        accounts.before_start + accounts.settled + accounts.pending + accounts.dead + accounts.expired
    )


def test_the_oldest_entries_can_be_looked_at(journal_twin: Twin) -> None:
    """Peeking takes nothing, and shows what has waited longest first."""
    journal = joined(journal_twin)
    for n, text in enumerate("abc"):
        fill(journal_twin, text, partition=n)
        journal_twin.pass_time(0.005)

    waiting = journal.peek(2)

    assert [(each.partition, each.data) for each in waiting] == [(0, b"a"), (1, b"b")]
    assert waiting[0].age > waiting[1].age > 0
    assert journal.accounts().pending == 3
    journal.close()
    assert len(journal.peek(10)) == 3


def test_a_journal_knows_whose_it_is(journal_twin: Twin) -> None:
    """What the worker shows of it is what it was opened with."""
    journal = journal_twin.journal("b-42")

    assert (journal.environment, journal.partitions) == ("b-42", 3)
