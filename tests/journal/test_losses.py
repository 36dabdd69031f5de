"""Whatever is lost, in Redis or with a process, is counted: silence is the one thing that must not happen."""

from __future__ import annotations

import random

import pytest

from sidecar_science.journal import layout
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import Accounts, Admission, Claimed, Entry, Journal, Lease, Settlement
from tests.journal.steps import admitted, fill, joined, owned, taken, texts
from tests.twins import RedisTwin, Twin


def _balanced(accounts: Accounts) -> bool:
    parts = (accounts.before_start, accounts.settled, accounts.pending, accounts.dead, accounts.expired)
    calls = accounts.sampled_out + accounts.recorded + sum(accounts.dropped.values())
    return accounts.recorded == sum(parts) and accounts.called == calls


def _recorded(twin: Twin, n: int, *, producer: str = "p", ended: bool = True) -> None:
    twin.log().report(producer, {"called": n, "recorded": n}, ended=ended)


def _settle(journal: Journal, lease: Lease, claimed: list[Claimed]) -> None:
    journal.settle(lease, [Settlement(entry=each.entry) for each in claimed])


def test_entries_that_were_deleted_unread_expire(journal_twin: Twin) -> None:
    """At the end of the stream it shows what has gone from it by hand: it is counted, and no longer waited for."""
    journal = joined(journal_twin)
    fill(journal_twin, *"abcde")
    _recorded(journal_twin, 5)
    held = journal.peek(10)
    for each in (held[0], held[2], held[4]):
        journal_twin.lose_bytes(1, each.entry)
    lease = owned(journal)

    _settle(journal, lease, taken(journal, lease))
    assert journal.claim([lease], 10) == []

    accounts = journal.accounts()
    assert (accounts.settled, accounts.expired, accounts.pending, accounts.lost) == (2, 3, 0, 0)
    assert _balanced(accounts)
    assert journal.tainted(lease) == {"*": "expired"}


def test_what_is_in_hand_has_not_expired(journal_twin: Twin) -> None:
    """Entries that were claimed and not settled are pending, however often the end of the stream is reached."""
    journal = joined(journal_twin)
    fill(journal_twin, *"ab")
    lease = owned(journal)
    taken(journal, lease)

    for _ in range(2):
        assert journal.claim([lease], 10) == []

    assert (journal.accounts().pending, journal.accounts().expired) == (2, 0)


@pytest.mark.realserver
@pytest.mark.parametrize("read", [0, 1, 4, 7])
def test_a_stream_that_was_deleted_is_counted(real_journal: RedisTwin, read: int) -> None:
    """Whatever was settled, in hand or unread when it went, the sum comes out once its producer goes on."""
    journal = joined(real_journal)
    fill(real_journal, *"abcdefg")
    lease = owned(journal)
    claimed = journal.claim([lease], read) if read else []
    if claimed:
        admitted(journal, lease, claimed)
    _settle(journal, lease, claimed[: read // 2])
    real_journal.link.command("DEL", real_journal.jobs(1))
    fill(real_journal, "h", "i")
    _recorded(real_journal, 9)

    assert not journal.join().new
    later = journal.claim([lease], 10)
    admitted(journal, lease, later, first=8)
    _settle(journal, lease, later)

    accounts = journal.accounts()
    assert texts(later) == ["h", "i"]
    assert (accounts.settled, accounts.pending) == (2 + read // 2, 0)
    assert accounts.expired == 7 - read // 2
    assert _balanced(accounts)
    assert "*" in journal.tainted(lease)


@pytest.mark.realserver
def test_two_deleted_streams_are_counted_both(real_journal: RedisTwin) -> None:
    """A loss that is known already is not counted again, and not forgotten."""
    journal = joined(real_journal)
    lease = owned(journal)
    sequence = 1
    for batch in ("abc", "de", "fgh"):
        fill(real_journal, *batch, "lost")
        claimed = journal.claim([lease], len(batch))
        admitted(journal, lease, claimed, first=sequence)
        _settle(journal, lease, claimed)
        sequence += len(batch) + 1
        real_journal.link.command("DEL", real_journal.jobs(1))
        journal.join()
    fill(real_journal, "i")
    _settle(journal, lease, taken(journal, lease, first=sequence))
    _recorded(real_journal, sequence)

    accounts = journal.accounts()

    assert (accounts.settled, accounts.expired, accounts.lost, accounts.pending) == (9, 3, 3, 0)
    assert _balanced(accounts)


@pytest.mark.realserver
def test_a_deleted_stream_whose_producer_has_ended_is_counted(real_journal: RedisTwin) -> None:
    """No later sequence tells of the loss, and what the producer has told does."""
    journal = joined(real_journal)
    fill(real_journal, *"abc")
    lease = owned(journal)
    _settle(journal, lease, taken(journal, lease)[:1])
    real_journal.link.command("DEL", real_journal.jobs(1))
    _recorded(real_journal, 3)
    journal.join()

    accounts = journal.accounts()

    assert (accounts.settled, accounts.expired, accounts.pending) == (1, 2, 0)
    assert _balanced(accounts)


@pytest.mark.realserver
def test_a_group_that_was_destroyed_is_made_again_and_nothing_counts_twice(real_journal: RedisTwin) -> None:
    """What was settled comes back as a duplicate, what was in hand is run, what was unread is read."""
    other, journal = joined(real_journal, "other"), joined(real_journal)
    fill(real_journal, *"abcd")
    _recorded(real_journal, 4)
    lease = owned(journal)
    claimed = journal.claim([lease], 3)
    admitted(journal, lease, claimed)
    journal.start(lease, claimed[2].entry, limit=2)
    _settle(journal, lease, claimed[:2])
    real_journal.link.command("XGROUP", "DESTROY", real_journal.jobs(1), "b")

    journal.join()
    again = journal.recover(lease) + journal.claim([lease], 10)
    duplicates = admitted(journal, lease, again)
    left = [each for each in again if each.entry not in duplicates]
    _settle(journal, lease, left)

    assert [(each.data, each.attempts) for each in left] == [(b"c", 1), (b"d", 0)]
    accounts = journal.accounts()
    assert (accounts.settled, accounts.duplicates, accounts.expired, accounts.pending) == (4, 2, 0, 0)
    assert _balanced(accounts)
    assert other.accounts().pending == 4


@pytest.mark.realserver
@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_a_flushed_server_is_counted(real_journal: RedisTwin, start: str) -> None:
    """All that is known is gone; what the producers write next says how much that was."""
    journal = joined(real_journal)
    fill(real_journal, *"abcdef")
    lease = owned(journal)
    _settle(journal, lease, taken(journal, lease)[:2])
    real_journal.link.command("DEL", *real_journal.link.command("KEYS", f"sidecar:{{{real_journal.namespace}*"))

    fill(real_journal, "g")
    journal = real_journal.journal()
    assert journal.join(start).new  # type: ignore[arg-type]
    fill(real_journal, "h")
    lease = owned(journal)
    claimed = taken(journal, lease, first=7 if start == "earliest" else 8)
    _settle(journal, lease, claimed)
    _recorded(real_journal, 8)

    accounts = journal.accounts()
    assert accounts.lost == 6
    assert accounts.before_start + accounts.settled == 2
    assert _balanced(accounts)


@pytest.mark.realserver
def test_a_trimmed_stream_is_counted(real_journal: RedisTwin) -> None:
    """Somebody cuts the stream under a reader, in hand and ahead of it."""
    journal = joined(real_journal)
    fill(real_journal, *"abcdefgh")
    _recorded(real_journal, 8)
    lease = owned(journal)
    first = journal.claim([lease], 2)
    admitted(journal, lease, first)
    real_journal.link.command("XTRIM", real_journal.jobs(1), "MAXLEN", "2")

    journal.recover(lease)
    rest = journal.claim([lease], 10)
    admitted(journal, lease, rest, first=7)
    _settle(journal, lease, rest)
    journal.claim([lease], 10)

    accounts = journal.accounts()
    assert (accounts.settled, accounts.expired, accounts.lost, accounts.pending) == (2, 6, 0, 0)
    assert _balanced(accounts)


@pytest.mark.realserver
@pytest.mark.parametrize("seed", range(8))
def test_the_accounts_balance_whatever_is_deleted(real_journal: RedisTwin, seed: int) -> None:
    """Random work, and random harm: at the end each recorded entry is in one account."""
    chance = random.Random(seed)
    journal = joined(real_journal)
    lease, sequence = owned(journal), 0
    known: dict[bytes, int] = {}
    for _ in range(60):
        step = chance.choice("aaaassssttxdg")
        if step == "a":
            batch = [b"%d" % (sequence + n) for n in range(1, 1 + chance.randrange(1, 4))]
            known |= {data: int(data) for data in batch}
            sequence += len(batch)
            real_journal.log().append([Entry(partition=1, data=data) for data in batch])
        elif step == "t":
            journal.trim()
        elif step == "x" and (held := journal.peek(100)):
            real_journal.lose_bytes(1, chance.choice(held).entry)
        elif step in "dg" and chance.random() < 0.5:
            word = ("DEL",) if step == "d" else ("XGROUP", "DESTROY")
            real_journal.link.command(*word, real_journal.jobs(1), *(["b"] if step == "g" else []))
            journal.join()
        elif step == "s":
            _work(journal, lease, known, chance.randrange(1, 4), chance.random() < 0.3)
    real_journal.log().append([Entry(partition=1, data=b"%d" % (sequence + 1))])
    known[b"%d" % (sequence + 1)] = sequence + 1
    while _work(journal, lease, known, 10, False):
        pass
    _recorded(real_journal, sequence + 1)

    accounts = journal.accounts()

    assert accounts.pending == 0
    assert _balanced(accounts), accounts


def _work(journal: Journal, lease: Lease, known: dict[bytes, int], count: int, stop: bool) -> bool:
    """Claim, admit and settle; ``stop`` leaves what was admitted in hand."""
    claimed = journal.recover(lease) + journal.claim([lease], count)
    admissions = [Admission(entry=each.entry, producer="p", sequence=known[each.data]) for each in claimed]
    duplicates = journal.admit(lease, admissions)
    if not stop:
        _settle(journal, lease, [each for each in claimed if each.entry not in duplicates])
    return bool(claimed)


def test_what_a_living_producer_has_not_told_yet_is_in_the_sums(journal_twin: Twin) -> None:
    """A process tells now and then; in between, the journal knows of more entries than it has told of."""
    joined(journal_twin)
    fill(journal_twin, *"abc")
    journal_twin.log().report("p", {"called": 9, "sampled_out": 2, "recorded": 1, "dropped": {"too_large": 1}})

    accounts = journal_twin.journal().accounts()

    assert _balanced(accounts)
    assert (accounts.recorded, accounts.unreported, accounts.buffered, accounts.unclean) == (3, 2, 5, 0)
    assert accounts.called == 6


def test_a_producer_that_went_silent_is_unclean_and_its_loss_is_told(
    journal_twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its buffer held when it last told, and is not in the journal, has gone with it."""
    monkeypatch.setattr(layout, "SILENT_SECONDS", 0.05)
    journal = joined(journal_twin)
    fill(journal_twin, *"abc")
    journal_twin.log().report("killed", {"called": 9, "sampled_out": 2, "recorded": 1})
    journal_twin.log().report("ended", {"called": 1, "sampled_out": 1}, ended=True)
    assert not any(each.unclean for each in journal.producers())
    journal_twin.pass_time(0.1)

    accounts = journal.accounts()

    assert {each.id: (each.unclean, each.outstanding) for each in journal.producers()} == {
        "killed": (True, 6),
        "ended": (False, 0),
    }
    assert _balanced(accounts)
    assert (accounts.recorded, accounts.dropped, accounts.unclean) == (3, {"unclean": 4}, 1)
    assert accounts.called == 10


def test_a_sum_that_does_not_come_out_is_not_hidden(journal_twin: Twin) -> None:
    """When every producer has said goodbye, the accounts say what is, and not what should be."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    _recorded(journal_twin, 3)

    assert not _balanced(journal.accounts())


def test_the_time_of_a_report_is_the_servers(journal_twin: Twin) -> None:
    """A host whose clock is off is not taken for a silent one."""
    joined(journal_twin)
    _recorded(journal_twin, 0, ended=False)

    [producer] = journal_twin.journal().producers()

    assert abs(producer.at - journal_twin.now()) < 5


def test_producers_that_ended_long_ago_become_one(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list does not grow for ever, and no sum changes."""
    monkeypatch.setattr(layout, "UPKEEP_SECONDS", 0.0)
    monkeypatch.setattr(layout, "REMEMBER_SECONDS", 0.5)
    journal, log = joined(journal_twin), journal_twin.log()
    fill(journal_twin, *"abcd")
    log.report("p1", {"called": 3, "sampled_out": 1, "recorded": 1, "dropped": {"shutdown": 1}}, ended=True)
    log.report("p2", {"called": 2, "recorded": 1, "dropped": {"too_large": 1}}, ended=True)
    log.report("alive", {"called": 1, "recorded": 1})
    before = journal.accounts()
    journal_twin.pass_time(0.55)
    log.report("p3", {"called": 1, "recorded": 1}, ended=True)

    journal.trim()
    assert {each.id for each in journal.producers()} == {"@folded", "alive", "p3"}
    journal_twin.pass_time(0.55)
    journal.trim()

    told = {each.id: each for each in journal.producers()}
    assert set(told) == {"@folded", "alive"}
    assert (told["@folded"].called, told["@folded"].dropped) == (6, {"shutdown": 1, "too_large": 1})
    accounts = journal.accounts()
    assert (accounts.called, accounts.recorded, accounts.dropped) == (before.called, 4, before.dropped)
    journal.trim()
    assert len(journal.producers()) == 2


@pytest.mark.realserver
def test_two_that_fold_at_once_count_once(real_journal: RedisTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second finds that things have changed, and changes nothing."""
    joined(real_journal)
    keys = Keys(real_journal.namespace)
    real_journal.link.command("HSET", keys.producers, "p1", "one", "p2", "two")

    def fold(*words: str) -> int:
        return int(real_journal.link.run("fold", [keys.producers], layout.FOLDED, *words))

    assert fold("", "sum of both", "p1", "one", "p2", "other") == 0
    assert fold("", "sum of both", "p1", "one", "p2", "two") == 1
    assert fold("", "sum of both", "p1", "one", "p2", "two") == 0
    assert fold("sum of both", "more", "p1", "one") == 0
    assert real_journal.link.command("HGETALL", keys.producers) == {b"@folded": b"sum of both"}
