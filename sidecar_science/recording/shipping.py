"""From captures to entries in the journal: redact, stamp, seal, append; and again, until the journal has them.

Everything here runs on the drain thread. A batch that may or may not have arrived is sent again, byte for byte: the
reader recognizes it by (producer, partition, sequence). So a partition's entries never overtake one another.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalError, JournalFull, JournalMisconfigured, SidecarError, TooLarge
from sidecar_science.journal.job import Stamp
from sidecar_science.journal.protocol import Entry, Log
from sidecar_science.recording.buffer import Buffer, Taken
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.gaps import Gaps
from sidecar_science.recording.sealing import Sealing
from sidecar_science.recording.shield import Shield

BATCH_COUNT: Final = 1000
BATCH_BYTES: Final = 1024 * 1024
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_LONGEST_PAUSE_MISCONFIGURED: Final = 30.0
_SIZE_EVERY: Final = 1.0


@attrs.define
class _Batch:
    """What is on its way: entries as they are sent, and sent again, and the bytes that their captures held."""

    entries: list[Entry]
    held: int
    has_waited: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= BATCH_COUNT or self.held >= BATCH_BYTES


class Shipper:
    """Ships captures in batches. ``log`` makes the connection to the journal when it is first needed."""

    def __init__(
        self,
        *,
        producer: str,
        sealing: Sealing,
        buffer: Buffer,
        log: Callable[[], Log],
        clock: Clock,
        shield: Shield,
        cap_entries: int,
        cap_bytes: int,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.producer = producer
        self.buffer = buffer
        self._sealing = sealing
        self._make_log = log
        self._log: Log | None = None
        self._is_ensured = False
        self._clock = clock
        self._shield = shield
        self._cap_entries = cap_entries
        self._cap_bytes = cap_bytes
        self._jitter = jitter
        self._sequences: defaultdict[int, int] = defaultdict(int)
        self._gaps = Gaps(sealing.partitions)
        self._batch: _Batch | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._size_at = 0.0
        self._trouble: str | None = None

    def ship(self, *, hurry: bool = False) -> bool:
        """Ship one batch, unless the journal is resting after an error (``hurry`` tries all the same).

        Whether it was shipped, and another one is due. A few captures can wait until they are more: a small batch
        costs nearly as much as a large one. Raises nothing: trouble is logged once for every change of state, and
        tried again later.
        """
        if self._is_resting and not hurry:
            return False
        try:
            if not self._next_batch():
                return False
            self._check_room()
            return self._append()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the drain thread comes back to it later
            self._rest(error)
            return False

    def call(self, verb: Callable[[Log], Any]) -> Any:
        """Do something else with the journal under the same rules; None when it could not be done."""
        if self._is_resting:
            return None
        try:
            return verb(self.log)
        except JournalMisconfigured as error:
            # Perhaps this alone is not allowed to us: jobs may arrive all the same.
            self._shield.tell("journal", error, detail=str(error))
        except Exception as error:  # noqa: BLE001 - as above
            self._rest(error)
        return None

    @property
    def log(self) -> Log:
        if self._log is None:
            self._log = self._make_log()
        if not self._is_ensured:
            self._log.ensure()
            self._is_ensured = True
        return self._log

    def give_up(self) -> None:
        """Count what is on its way as lost: it may have arrived, and nobody is left to find out."""
        if self._batch is not None:
            self.buffer.give_up(len(self._batch.entries), self._batch.held)
            self._batch = None

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    @property
    def _is_resting(self) -> bool:
        return self._clock.monotonic() < self._retry_at

    def _next_batch(self) -> bool:
        if self._batch is not None:
            self._batch.has_waited = True
            return True
        taken = self.buffer.take(BATCH_COUNT, BATCH_BYTES)
        if not taken:
            return False
        # Threads reach the buffer in nearly the order in which their controls completed; nearly is not enough.
        taken.sort(key=_ended)
        self._note_gaps()
        batch = _Batch([], 0)
        for capture, size in taken:
            self._add(batch, capture, size)
        self._batch = batch
        return True

    def _add(self, batch: _Batch, capture: Capture, size: int) -> None:
        digest, partition = self._sealing.place(capture)
        stamp = Stamp(producer=self.producer, partition=partition, sequence=self._sequences[partition] + 1)
        try:
            data = self._sealing.seal(capture, digest, stamp, self._gaps.of(partition))
        except Exception as error:  # noqa: BLE001 - fails closed: what cannot be redacted is not shipped
            self._shield.tell("seal", error, experiment=capture.experiment.name)
            self.buffer.drop(capture, size, "too_large" if isinstance(error, TooLarge) else "hook_failed")
            # Now, since jobs of the same key may follow in this batch.
            self._note_gaps()
            return
        self._sequences[partition] += 1
        self._gaps.carried(partition)
        batch.entries.append(Entry(partition=partition, data=data))
        batch.held += size

    def _note_gaps(self) -> None:
        lost, more = self.buffer.take_lost()
        for capture in lost:
            digest, partition = self._sealing.place(capture)
            if digest is not None and capture.experiment.effect == "write":
                self._gaps.note(partition, digest)
        if more:
            self._gaps.note_any()

    def _check_room(self) -> None:
        now = self._clock.monotonic()
        if now < self._size_at:
            return
        size = self.log.size()
        if size.entries >= self._cap_entries or size.bytes >= self._cap_bytes:
            raise JournalFull(
                f"the journal holds {size.entries:,} jobs ({size.bytes:,} bytes); its cap is "
                f"{self._cap_entries:,} jobs and {self._cap_bytes:,} bytes: "
                "start a worker, or remove an environment that is no longer read"
            )
        self._size_at = now + _SIZE_EVERY

    def _append(self) -> bool:
        batch = self._batch
        if batch is None:
            return False
        if batch.entries:
            self.log.append(batch.entries)
            self._recovered()
        self.buffer.shipped(len(batch.entries), batch.held)
        self._batch = None
        return batch.is_full or batch.has_waited

    def _rest(self, error: Exception) -> None:
        longest = _LONGEST_PAUSE_MISCONFIGURED if isinstance(error, JournalMisconfigured) else _LONGEST_PAUSE
        self._pause = min(longest, max(_FIRST_PAUSE, self._pause * 2))
        self._retry_at = self._clock.monotonic() + self._pause * (0.5 + self._jitter() / 2)
        self.buffer.full_reason = "journal_full" if isinstance(error, JournalFull) else "buffer_full"
        if not isinstance(error, JournalError):
            self._shield.tell("drain", error)
        state = type(error).__name__
        if state != self._trouble:
            self._trouble = state
            # What others raise may quote anything.
            detail = str(error) if isinstance(error, SidecarError) else ""
            self._shield.warn("journal.trouble", state=state, detail=detail, namespace=self._sealing.namespace)

    def _recovered(self) -> None:
        self._pause = 0.0
        self._retry_at = 0.0
        self.buffer.full_reason = "buffer_full"
        if self._trouble is not None:
            self._shield.inform("journal.recovered", after=self._trouble, namespace=self._sealing.namespace)
            self._trouble = None


def _ended(taken: Taken) -> float:
    return taken[0].ended
