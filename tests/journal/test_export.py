"""Moving recorded traffic between places, as lines of text."""

from __future__ import annotations

import json

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.journal import export
from sidecar_science.journal.protocol import Admission, Entry, Settlement
from tests.journal.steps import fill, joined, owned, texts
from tests.twins import MemoryTwin, RedisTwin, Twin


def test_what_is_exported_is_imported_elsewhere(journal_twin: Twin) -> None:
    """Bytes, partitions and their order are kept, and the accounts there come out."""
    fill(journal_twin, *(str(n) for n in range(450)))
    journal_twin.log().append([Entry(partition=2, data=b"\x00\xff\n")])
    lines = list(journal_twin.journal().export())
    there = MemoryTwin()

    assert there.journal().import_(lines) == 451

    journal = joined(there)
    assert texts(journal.claim([owned(journal)], 1000)) == [str(n) for n in range(450)]
    assert [each.data for each in journal.claim([owned(journal, partition=2)], 10)] == [b"\x00\xff\n"]
    accounts = journal.accounts()
    assert (accounts.called, accounts.recorded, accounts.pending) == (451, 451, 451)


def test_importing_twice_counts_once(journal_twin: Twin) -> None:
    """The second time is recognized when it is claimed, and by its lines."""
    source = MemoryTwin()
    fill(source, "a", "b")
    lines = [line.decode() for line in source.journal().export()]
    journal = joined(journal_twin)

    assert (journal.import_(lines), journal.import_(lines)) == (2, 2)

    lease = owned(journal)
    claimed = journal.claim([lease], 10)
    numbers = [1, 2, 1, 2]
    journal.admit(
        lease,
        [Admission(entry=each.entry, producer="p", sequence=n) for each, n in zip(claimed, numbers, strict=True)],
    )
    journal.settle(lease, [Settlement(entry=each.entry) for each in claimed])
    accounts = journal.accounts()
    assert (accounts.recorded, accounts.settled, accounts.duplicates, accounts.expired) == (2, 2, 2, 0)
    assert len(journal.producers()) == 1


def test_an_export_can_be_bounded_by_instants(journal_twin: Twin) -> None:
    """From an instant on, until just before another one."""
    instants = []
    for text in "abc":
        journal_twin.pass_time(0.02)
        instants.append(journal_twin.now())
        journal_twin.pass_time(0.02)
        fill(journal_twin, text)
    journal = journal_twin.journal()

    def found(*bounds: float | None) -> int:
        return len(list(journal.export(*bounds))) - 1

    assert (found(), found(instants[1]), found(None, instants[1]), found(instants[1], instants[2])) == (3, 2, 1, 1)
    assert found(instants[2], instants[1]) == 0


def test_requeued_letters_are_not_exported(journal_twin: Twin) -> None:
    """They are another try of one environment, and no recorded call of their own."""
    keeper, journal = joined(journal_twin, "keeper"), joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = journal.claim([lease], 1)
    journal.bury(lease, a.entry, "poison", a.data)
    journal.requeue()

    assert [json.loads(line).get("entry") for line in keeper.export()] == [None, a.entry]


_HEAD = export.head(3)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([], "line 1"),
        ([b"{}\n"], "line 1 does not begin an export"),
        ([b'{"sidecar":2,"partitions":3}'], "a later release"),
        ([export.head(64)], "has 64 partitions, and this journal 3"),
        ([_HEAD, b"[]"], "line 2"),
        ([_HEAD, b'{"partition":1'], "line 2"),
        ([_HEAD, b'{"partition":1,"data":"!"}'], "line 2"),
        ([_HEAD, b'{"partition":3,"data":"YQ=="}'], "line 2"),
        ([_HEAD, b'{"data":"YQ=="}'], "line 2"),
    ],
)
def test_what_is_no_export_is_refused(journal_twin: Twin, lines: list[bytes], match: str) -> None:
    """The line is named, and nothing is appended."""
    journal = journal_twin.journal()

    with pytest.raises(UsageError, match=match):
        journal.import_(lines)

    assert journal_twin.held() == 0


@pytest.mark.realserver
def test_the_size_is_known_after_a_restart(real_journal: RedisTwin) -> None:
    """A process that has appended nothing yet knows from the others how large an entry is here."""
    log = real_journal.log()
    log.ensure()
    for _ in range(20):
        log.append([Entry(partition=n % 3, data=b"x" * 5000) for n in range(100)])
    log.report("p", {"called": 2000, "recorded": 2000})

    fresh = real_journal.log()
    fresh.ensure()

    size = fresh.size()
    assert size.entries == 2000
    assert 0.9 < size.bytes / (2000 * 5000) < 1.1
    assert size.bytes == pytest.approx(log.size().bytes, rel=0.01)
