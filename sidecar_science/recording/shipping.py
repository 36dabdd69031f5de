"""From captures to entries in the journal: redact, stamp, seal, append; and again, until the journal has them.

Everything here runs on the drain thread. A batch that may or may not have arrived is sent again, byte for byte: the
reader recognizes it by (producer, partition, sequence). So a partition's entries never overtake one another.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from sidecar_science.checks.secrecy import Parts, redact
from sidecar_science.clock import Clock
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.errors import JournalError, JournalFull, SidecarError
from sidecar_science.journal.job import Call, Job, Stamp, seal
from sidecar_science.journal.partitions import key_digest, partition_of
from sidecar_science.journal.protocol import Entry, Log
from sidecar_science.recording.buffer import Buffer
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.shield import Shield

BATCH_COUNT: Final = 1000
BATCH_BYTES: Final = 1024 * 1024
_MAX_GAPS: Final = 1000
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_SIZE_EVERY: Final = 1.0


@attrs.define
class _Batch:
    """What is on its way: entries as they are sent, and sent again."""

    entries: list[Entry]
    held: int
    gaps: dict[int, list[str]]


class Shipper:
    """Ships captures in batches. ``log`` makes the connection to the journal when it is first needed."""

    def __init__(
        self,
        *,
        namespace: str,
        partitions: int,
        producer: str,
        buffer: Buffer,
        log: Callable[[], Log],
        keyring: Keyring,
        codec: Codec,
        clock: Clock,
        shield: Shield,
        cap_entries: int,
        cap_bytes: int,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.namespace = namespace
        self.partitions = partitions
        self.producer = producer
        self.buffer = buffer
        self.settings: Mapping[str, str] = {}
        self._make_log = log
        self._log: Log | None = None
        self._keyring = keyring
        self._codec = codec
        self._clock = clock
        self._shield = shield
        self._cap_entries = cap_entries
        self._cap_bytes = cap_bytes
        self._jitter = jitter
        self._sequences: defaultdict[int, int] = defaultdict(int)
        self._gaps: defaultdict[int, list[str]] = defaultdict(list)
        self._batch: _Batch | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._size_at = 0.0
        self._trouble: str | None = None

    def ship(self, *, hurry: bool = False) -> None:
        """Ship what waits, unless the journal is resting after an error (``hurry`` tries all the same).

        Raises nothing of ours: trouble is logged once for every change of state, and tried again later.
        """
        if not hurry and self._clock.monotonic() < self._retry_at:
            return
        try:
            while self._next_batch():
                self._check_room()
                self._append()
        except JournalError as error:
            self._rest(error)

    def call(self, verb: Callable[[Log], Any]) -> Any:
        """Do something else with the journal under the same rules; None when it could not be done."""
        if self._clock.monotonic() < self._retry_at:
            return None
        try:
            return verb(self.log)
        except JournalError as error:
            self._rest(error)
            return None

    @property
    def log(self) -> Log:
        if self._log is None:
            self._log = self._make_log()
            self._log.ensure()
        return self._log

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._batch is None

    def give_up(self) -> None:
        """Count what is on its way as lost: it may have arrived, and nobody is left to find out."""
        if self._batch is not None:
            self.buffer.dropped["gave_up"] += len(self._batch.entries)
            self.buffer.done(self._batch.held, 0)
            self._batch = None

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _next_batch(self) -> bool:
        if self._batch is not None:
            return True
        taken = self.buffer.take(BATCH_COUNT, BATCH_BYTES)
        if not taken:
            return False
        # Threads reach the buffer in nearly the order in which their controls completed; nearly is not enough.
        taken.sort(key=lambda item: item[0].completed_at)
        self._note_gaps()
        batch = _Batch([], sum(size for _, size in taken), {})
        for capture, _ in taken:
            self._add(batch, capture)
        self._batch = batch
        return True

    def _add(self, batch: _Batch, capture: Capture) -> None:
        digest, partition = self._place(capture)
        try:
            job = self._job(capture, digest, tuple(self._gaps.get(partition, ())))
        except Exception as error:  # noqa: BLE001 - fails closed: what cannot be redacted is not shipped
            self._shield.tell("seal", error)
            self.buffer.drop(capture, "hook_failed")
            return
        batch.gaps[partition] = self._gaps.pop(partition, [])
        self._sequences[partition] += 1
        stamp = Stamp(producer=self.producer, partition=partition, sequence=self._sequences[partition])
        batch.entries.append(Entry(partition=partition, data=seal(job, stamp, self._keyring)))

    def _place(self, capture: Capture) -> tuple[str | None, int]:
        """The digest of the capture's key, and the partition in which it has its order."""
        service = capture.experiment.service or ""
        digest = key_digest(self.namespace, service, capture.key) if capture.key is not None else None
        return digest, partition_of(service, digest or capture.id, self.partitions)

    def _job(self, capture: Capture, digest: str | None, gaps: tuple[str, ...]) -> Job:
        experiment = capture.experiment
        calls = capture.calls or [("candidate", experiment.name, capture.arguments, capture.obstacle)]
        parts = redact(
            Parts(
                arguments=[(arguments, experiment.secret_places(function)) for _, function, arguments, _ in calls],
                value=capture.value,
                error=capture.error,
                context=capture.context,
            ),
            capture.exchanges,
            experiment.redactor,
            self._codec,
        )
        return Job(
            id=capture.id,
            experiment=experiment.name,
            service=experiment.service,
            effect=experiment.effect,
            key=digest,
            completed_at=capture.completed_at,
            duration=capture.duration,
            cpu_time=capture.cpu_time,
            sent=any(exchange.sent for exchange in capture.exchanges),
            calls=tuple(
                Call(behavior=name, function=function, arguments=arguments, obstacle=obstacle)
                for (name, function, _, obstacle), (arguments, _) in zip(calls, parts.arguments, strict=True)
            ),
            value=parts.value,
            error=parts.error,
            exchanges=parts.exchanges,
            context=parts.context,
            consumed=capture.consumed,
            exhausted=capture.exhausted,
            gaps=gaps,
        )

    def _note_gaps(self) -> None:
        """Keys whose calls were dropped: the next job of their partition carries the news."""
        lost, beyond = self.buffer.take_lost()
        for capture in lost:
            digest, partition = self._place(capture)
            gaps = self._gaps[partition]
            if digest is not None and capture.experiment.effect == "write" and digest not in gaps:
                gaps.append(digest if len(gaps) < _MAX_GAPS else "*")
        if beyond:
            for partition in range(self.partitions):
                self._gaps[partition] = ["*"]

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

    def _append(self) -> None:
        batch = self._batch
        if batch is None:
            return
        if batch.entries:
            self.log.append(batch.entries)
        self.buffer.done(batch.held, len(batch.entries))
        self._batch = None
        self._recovered()

    def _rest(self, error: SidecarError) -> None:
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2))
        self._retry_at = self._clock.monotonic() + self._pause * (0.5 + self._jitter() / 2)
        self.buffer.full_reason = "journal_full" if isinstance(error, JournalFull) else "buffer_full"
        state = type(error).__name__
        if state != self._trouble:
            self._trouble = state
            self._shield.log.warning("journal.trouble", state=state, detail=str(error), namespace=self.namespace)

    def _recovered(self) -> None:
        self._pause = 0.0
        self._retry_at = 0.0
        self.buffer.full_reason = "buffer_full"
        if self._trouble is not None:
            self._shield.log.info("journal.recovered", after=self._trouble, namespace=self.namespace)
            self._trouble = None
