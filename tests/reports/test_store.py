"""Where a report comes from."""

from __future__ import annotations

from types import SimpleNamespace

from sidecar_science.journal.memory import MemoryJournal, MemoryLog
from sidecar_science.journal.memory_server import MemoryServer
from sidecar_science.journal.protocol import Admission, Entry, Settlement
from sidecar_science.reports.store import report_of
from sidecar_science.reports.tally import tally

from .bench import START, mismatched, replayed


def test_a_journal_is_a_store():
    """What workers settle in a journal is what its report tells."""
    server = MemoryServer("shop", partitions=1)
    log, journal = MemoryLog(server), MemoryJournal(server, "b-1")
    log.ensure()
    journal.join()
    log.append([Entry(partition=0, data=b"%d" % n) for n in range(7)])
    log.report("p", {"called": 8, "sampled_out": 1, "recorded": 7, "dropped": {}})
    lease = journal.acquire(0, "w", 60)
    claimed = journal.claim([lease], 7)
    journal.admit(lease, [Admission(entry=one.entry, producer="p", sequence=n) for n, one in enumerate(claimed)])

    for number, one in enumerate(claimed[:6]):
        kept = tally(mismatched(job=f"job-{number}") if number else replayed())
        settlement = Settlement(entry=one.entry, add=kept.add, first=kept.first, last=kept.last, samples=kept.samples)
        assert journal.settle(lease, [settlement]) == [True]

    report = report_of(journal, namespace="shop", generated_at=START)
    assert report.environment == "b-1"
    assert report.capture.balanced
    assert (report.capture.settled, report.capture.pending) == (6, 1)
    assert report.experiments[0].groups[0].count == 5
    assert len(report.experiments[0].groups[0].samples) == 5
    assert report.unread == 0


def test_accounts_may_know_less():
    """An older store has no duplicates to tell of."""
    store = SimpleNamespace(
        environment="b-1", tallies=list, notes=dict, accounts=lambda: SimpleNamespace(called=1, recorded=1)
    )

    assert report_of(store, namespace="shop", generated_at=START).capture.called == 1
