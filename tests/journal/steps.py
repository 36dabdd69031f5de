"""Steps that the contract's tests have in common."""

from __future__ import annotations

from sidecar_science.journal.protocol import Admission, Claimed, Entry, Journal, Lease
from tests.twins import Twin

PARTITION = 1
LONG = 60.0
SHORT = 0.4
PAST_SHORT = 0.45


def fill(twin: Twin, *texts: str, partition: int = PARTITION) -> None:
    """Append entries to one partition."""
    twin.log().append([Entry(partition=partition, data=text.encode()) for text in texts])


def joined(twin: Twin, environment: str = "b") -> Journal:
    """A journal that has joined from the start."""
    journal = twin.journal(environment)
    journal.join()
    return journal


def owned(journal: Journal, worker: str = "w1", *, partition: int = PARTITION, ttl: float = LONG) -> Lease:
    """The lease of a partition that nobody holds."""
    lease = journal.acquire(partition, worker, ttl)
    assert lease is not None
    return lease


def taken(journal: Journal, lease: Lease, *, producer: str = "p", first: int = 1) -> list[Claimed]:
    """What can be claimed, admitted as one producer's entries."""
    claimed = journal.claim([lease], 100)
    admitted(journal, lease, claimed, producer=producer, first=first)
    return claimed


def admitted(
    journal: Journal, lease: Lease, claimed: list[Claimed], *, producer: str = "p", first: int = 1
) -> set[str]:
    """Admit ``claimed`` as ``producer``'s entries, counted from ``first``; the duplicates."""
    return journal.admit(
        lease,
        [Admission(entry=each.entry, producer=producer, sequence=first + n) for n, each in enumerate(claimed)],
    )


def texts(claimed: list[Claimed]) -> list[str]:
    """What was appended, as text."""
    return [each.data.decode() for each in claimed]
