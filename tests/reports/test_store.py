"""Where a report comes from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sidecar_science.journal.memory import MemoryJournal, MemoryLog
from sidecar_science.journal.memory_server import MemoryServer
from sidecar_science.journal.protocol import Admission, Entry, Settlement
from sidecar_science.reports.store import report_of
from sidecar_science.reports.tally import tally
from sidecar_science.testing import FakeClock

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
    told = SimpleNamespace(called=1, recorded=1, pending=1)
    store = SimpleNamespace(environment="b-1", tallies=list, notes=dict, accounts=lambda: told, producers=list)

    assert report_of(store, namespace="shop", generated_at=START).capture.called == 1


def test_processes_that_went_silent_are_told_with_what_they_held():
    """One that said goodbye is none of them, nor one that was heard of just now."""
    clock = FakeClock()
    server = MemoryServer("shop", partitions=1, clock=clock)
    log, journal = MemoryLog(server), MemoryJournal(server, "b-1")
    log.report("killed", {"called": 9, "recorded": 2})
    log.report("ended", {"called": 1, "recorded": 1}, ended=True)
    clock.advance(60)
    log.report("alive", {"called": 5, "recorded": 1})
    log.append([Entry(partition=0, data=b"%d" % n) for n in range(4)])

    told = report_of(journal, namespace="shop", generated_at=START).to_json()["capture"]

    [silent] = told["unclean_producers"]
    assert (silent["producer"], silent["buffered"]) == ("killed", 7)
    assert silent["at"].endswith("Z")
    assert (told["unclean"], told["dropped"], told["buffered"]) == (1, {"unclean": 7}, 4)


@pytest.mark.parametrize(("looks", "balanced"), [(1, True), (2, True), (9, False)])
def test_what_does_not_balance_is_looked_at_again(looks, balanced):
    """An app that ships while we look is no defect; what stays is one."""
    told = [SimpleNamespace(called=1, recorded=1, pending=0)] * looks
    told[-1] = SimpleNamespace(called=1, recorded=1, pending=1)
    store = SimpleNamespace(environment="b-1", tallies=list, notes=dict, accounts=iter(told).__next__, producers=list)

    assert report_of(store, namespace="shop", generated_at=START).capture.balanced is balanced
