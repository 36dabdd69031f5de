"""From entries to jobs: opened, checked, admitted in their order; or buried, and never run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sidecar_science.clock import Clock
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import (
    JournalError,
    LeaseLost,
    Undecodable,
    UnknownDictionary,
    UnsupportedVersion,
    WrongSignature,
)
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.journal.job import header_of, unseal
from sidecar_science.journal.protocol import Admission, Claimed, Journal, Settlement
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.tally import tally
from sidecar_science.worker import poison
from sidecar_science.worker.queue import PartitionQueue, Waiting
from sidecar_science.worker.supervising.slots import Slot, Slots
from sidecar_science.worker.training import Training

UNKNOWN_EXPERIMENT_NAME = "(unreadable)"


class Intake:
    """Claims entries and hands them to their partitions' queues."""

    def __init__(
        self,
        *,
        journal: Journal,
        keyring: Keyring,
        clock: Clock,
        log: Any,
        count: int = 64,
        slot: Slot | None = None,
        dictionaries: Dictionaries | None = None,
        training: Training | None = None,
    ) -> None:
        self._journal = journal
        self._dictionaries = dictionaries or Dictionaries(journal, keyring, clock)
        self._training = training
        self._keyring = keyring
        self._clock = clock
        self._log = log
        self._count = count
        self._slot = slot or Slots(1).slot(0)

    def fill(self, queues: Sequence[PartitionQueue], block: float) -> int:
        """Claim for ``queues``, waiting up to ``block`` seconds for a first entry; how many entries came."""
        if not queues:
            return 0
        started = self._clock.monotonic()
        claimed = self._journal.claim([queue.lease for queue in queues], self._count, block)
        now = self._clock.monotonic()
        by_partition: defaultdict[int, list[Claimed]] = defaultdict(list)
        for entry in claimed:
            by_partition[entry.partition].append(entry)
        for queue in queues:
            entries = by_partition[queue.partition]
            # Where something came there may be more: then all that is known is what arrived before the last of it.
            read_until = now - entries[-1].age if entries else started
            try:
                queue.add(self._admitted(queue, entries, now), read_until=read_until)
            except LeaseLost:
                queue.lost = True
        return len(claimed)

    def _admitted(self, queue: PartitionQueue, entries: Sequence[Claimed], now: float) -> list[Waiting]:
        waiting = self.open(queue, entries, now)
        if not waiting:
            return []
        admissions = [
            Admission(
                entry=one.claimed.entry, producer=one.stamp.producer, sequence=one.stamp.sequence, gaps=one.job.gaps
            )
            for one in waiting
        ]
        duplicates = self._journal.admit(queue.lease, admissions)
        for entry in duplicates:
            self._log.info("job.duplicate", partition=queue.partition, entry=entry)
        return [one for one in waiting if one.claimed.entry not in duplicates]

    def open(self, queue: PartitionQueue, entries: Sequence[Claimed], now: float) -> list[Waiting]:
        """The jobs in ``entries``, as far as they can be read; of the others each has its end now."""
        return [opened for entry in entries if (opened := self._open(queue, entry, now)) is not None]

    def _open(self, queue: PartitionQueue, claimed: Claimed, now: float) -> Waiting | None:
        if poison.is_unread(claimed):
            self._journal.bury(queue.lease, claimed.entry, poison.REASON, claimed.data)
            self._log.warning("entry.buried", partition=queue.partition, entry=claimed.entry, reason="poison")
            return None
        self._slot.take(queue.partition, claimed.entry)
        try:
            return self._read(queue, claimed, now)
        finally:
            self._slot.clear()

    def _read(self, queue: PartitionQueue, claimed: Claimed, now: float) -> Waiting | None:
        try:
            job, stamp = unseal(claimed.data, self._keyring, queue.partition, self._dictionaries.get)
        except UnknownDictionary as error:
            job, stamp = header_of(error, queue.partition)
            return Waiting(claimed=claimed, job=job, stamp=stamp, arrived=now - claimed.age, lacks=str(error))
        except JournalError:
            raise
        except UnsupportedVersion as error:
            self._skip(queue, claimed, error)
            return None
        except Undecodable as error:
            reason = "wrong_signature" if isinstance(error, WrongSignature) else "undecodable"
            self._bury(queue, claimed, reason, str(error))
            return None
        except Exception as error:  # noqa: BLE001 - whatever bytes do to their reader, they are not read twice
            self._bury(queue, claimed, "undecodable", f"reading it raised {type(error).__name__}")
            return None
        if self._training is not None:
            self._training.see(job)
        return Waiting(claimed=claimed, job=job, stamp=stamp, arrived=now - claimed.age)

    def _bury(self, queue: PartitionQueue, claimed: Claimed, reason: str, detail: str) -> None:
        """What no recorder wrote, as far as anybody can tell, is kept to be looked at, and never run."""
        self._journal.foreign(queue.lease, claimed.entry, f"{reason}: {detail}", claimed.data)
        self._log.warning("entry.buried", partition=queue.partition, entry=claimed.entry, reason=reason, detail=detail)

    def _skip(self, queue: PartitionQueue, claimed: Claimed, error: UnsupportedVersion) -> None:
        replayed = Replayed(
            job=claimed.entry,
            experiment=UNKNOWN_EXPERIMENT_NAME,
            outcome=Outcome.SKIPPED,
            reason="unsupported_version",
            detail=str(error),
            settled_at=self._clock.wall(),
        )
        kept = tally(replayed)
        self._journal.settle(
            queue.lease,
            [Settlement(entry=claimed.entry, add=kept.add, first=kept.first, last=kept.last, samples=kept.samples)],
        )
        self._log.warning("job.skipped", partition=queue.partition, entry=claimed.entry, reason=str(error))
