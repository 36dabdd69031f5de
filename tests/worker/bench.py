"""A worker's parts around a journal in memory, and jobs that are made by hand."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from sidecar_science.clock import Clock
from sidecar_science.codec.keys import Keyring
from sidecar_science.comparison.origins import Origins
from sidecar_science.journal.job import Call, Job, Stamp, seal
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.protocol import Claimed, Entry, Lease
from sidecar_science.reports.outcome import Replayed
from sidecar_science.reports.records import Report
from sidecar_science.reports.store import report_of
from sidecar_science.routing.current import Current
from sidecar_science.sidecar import Sidecar
from sidecar_science.testing import FakeClock
from sidecar_science.translation.memory import MemoryIds
from sidecar_science.worker.calling import Adapters, Caller
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.judging import Judging
from sidecar_science.worker.plan import Plan, Planner
from sidecar_science.worker.queue import PartitionQueue, Waiting
from sidecar_science.worker.replay import Replay, Ticket
from sidecar_science.worker.surrounding import Surrounding
from sidecar_science.worker.translating import Translating
from sidecar_science.worker.worker import Worker

A_URL = "http://a.test"
B_URL = "http://b.test"
KEY = "a key of the bench, long enough"


class Events:
    """A log that remembers: ``(level, event, fields)``."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Any:
        if level not in ("debug", "info", "warning", "error"):
            raise AttributeError(level)
        return lambda event, **fields: self.all.append((level, event, fields))

    @property
    def names(self) -> list[str]:
        return [event for _, event, _ in self.all]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for _, event, fields in self.all if event == name]


class Bench:
    """One application's declarations, a journal in memory, and the parts of a worker on demand."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        partitions: int = 1,
        targets: Mapping[str, str] | None = None,
        allow_writes: Iterable[str] = ("shop",),
        signing_key: Any = None,
        max_job_bytes: int = 1024 * 1024,
    ) -> None:
        self.clock = clock or FakeClock()
        self.targets = {"shop": B_URL} if targets is None else dict(targets)
        self.allow_writes = frozenset(allow_writes)
        self.events = Events()
        self.sidecar = Sidecar(
            "bench", partitions=partitions, enabled=False, clock=self.clock, logger=self.events,
            signing_key=signing_key, max_job_bytes=max_job_bytes,
        )  # fmt: skip
        self.server = MemoryServer(partitions=partitions, clock=self.clock)
        self.journal = self.journal_of("b-1")
        self.journal.join()
        self.ids: MemoryIds | None = MemoryIds(self.server.ids, "b-1")
        self.current = Current()
        self.told: list[Replayed] = []
        self._ids = itertools.count(1)
        self._sequences: dict[tuple[str, int], int] = {}

    def journal_of(self, environment: str) -> MemoryJournal:
        """The journal as the workers of another environment see it."""
        return MemoryJournal(self.server, environment)

    # -- jobs ----------------------------------------------------------------------------------------------------

    def job(
        self,
        function: str,
        *args: Any,
        experiment: str | None = None,
        calls: Iterable[Call] | None = None,
        value: Any = None,
        error: Any = None,
        exchanges: Any = None,
        context: Any = None,
        at: float = 1000.0,
        **fields: Any,
    ) -> Job:
        """A recorded call of ``function``; ``fields`` are the job's own."""
        id_ = f"job-{next(self._ids)}"
        made = {"id": id_, "service": "shop", "effect": "read", "key": None, "duration": 0.25, "cpu_time": 0.01}
        return Job(
            experiment=experiment or function,
            completed_at=at,
            calls=tuple(calls) if calls is not None else (self.call(function, *args),),
            value=None if error is not None and "consumed" not in fields else self.encode(value),
            error=None if error is None else self.encode(error),
            exchanges=None if exchanges is None else self.encode(exchanges),
            context=None if context is None else self.encode(context),
            **{**made, "sent": True, **fields},
        )

    def call(self, function: str, *args: Any, behavior: str = "candidate", **kwargs: Any) -> Call:
        return Call(behavior=behavior, function=function, arguments=self.encode([list(args), kwargs]))

    def encode(self, value: Any) -> bytes:
        return self.sidecar.codec.encode(value)

    def seal(self, job: Job, *, producer: str = "p", partition: int = 0, keyring: Keyring | None = None) -> bytes:
        """The job as the next entry of ``producer`` in ``partition``."""
        sequence = self._sequences[producer, partition] = self._sequences.get((producer, partition), 0) + 1
        stamp = Stamp(producer=producer, partition=partition, sequence=sequence)
        return seal(job, stamp, keyring or self.sidecar.keyring)

    def append(self, *jobs: Job, producer: str = "p", partition: int = 0) -> None:
        self.put(*(self.seal(job, producer=producer, partition=partition) for job in jobs), partition=partition)

    def put(self, *entries: bytes, partition: int = 0) -> None:
        """Append bytes as they are."""
        MemoryLog(self.server).append([Entry(partition=partition, data=data) for data in entries])

    # -- parts ---------------------------------------------------------------------------------------------------

    def planner(self) -> Planner:
        return Planner(
            experiments=self.sidecar.experiments,
            targets=self.targets,
            allow_writes=self.allow_writes,
            codec=self.sidecar.codec,
        )

    def plan(self, job: Job) -> Plan:
        return self.planner().plan(job)

    def caller(self) -> Caller:
        return Caller(Adapters(self.sidecar.services, self.targets), self.clock)

    def judging(self) -> Judging:
        services = {name: service.base_urls for name, service in self.sidecar.services.items()}
        return Judging(
            codec=self.sidecar.codec,
            keyring=self.sidecar.keyring,
            origins=Origins(services, self.targets),
            translating=self.translating(),
        )

    def translating(self) -> Translating:
        return Translating(self.sidecar.experiments.values(), self.ids, self.clock)

    def replay(self, deadlines: Deadlines | None = None) -> Replay:
        return Replay(
            environment="b-1",
            planner=self.planner(),
            caller=self.caller(),
            judging=self.judging(),
            translating=self.translating(),
            surrounding=Surrounding(self.sidecar.ambients, self.sidecar.codec),
            current=self.current,
            codec=self.sidecar.codec,
            clock=self.clock,
            deadline=deadlines.bound if deadlines is not None else None,
        )

    def replayed(self, job: Job, *, late: bool = False, key_id: bytes = b"") -> Replayed:
        """What comes of one job, dispatched without a journal."""
        return self.replay().replay(Ticket(job=job, late=late, key_id=key_id), lambda plan: None)

    def intake(self, count: int = 64) -> Intake:
        return Intake(
            journal=self.journal, keyring=self.sidecar.keyring, clock=self.clock, log=self.events, count=count
        )

    def lease(self, partition: int = 0, worker: str = "w", ttl: float = 10.0) -> Lease:
        lease = self.journal.acquire(partition, worker, ttl)
        assert lease is not None
        return lease

    def queue(self, partition: int = 0, *, window: float = 0.0, ttl: float = 10.0) -> PartitionQueue:
        return PartitionQueue(self.lease(partition, ttl=ttl), window, self.clock.monotonic() + ttl)

    def filled(self, *jobs: Job, window: float = 0.0) -> PartitionQueue:
        """A queue into which ``jobs`` have been read from the journal."""
        self.append(*jobs)
        queue = self.queue(window=window)
        self.intake().fill([queue], 0.0)
        return queue

    def read(self, count: int = 64) -> PartitionQueue:
        """A queue into which everything that there is has been read, a portion at a time."""
        queue, intake = self.queue(), self.intake(count)
        while intake.fill([queue], 0.0):
            pass
        return queue

    def worker(
        self, *, lanes: int = 2, lease: float = 10.0, replay: Any = None, intake: Any = None, **more: Any
    ) -> Worker:
        return Worker(
            name="w", journal=self.journal, intake=intake or self.intake(), replay=replay or self.replay, lanes=lanes,
            lease=lease, renew_every=lease / 3, window=0.0, clock=self.clock, log=self.events,
            told=self.told.append, **more,
        )  # fmt: skip

    # -- what came of it -----------------------------------------------------------------------------------------

    @property
    def outcomes(self) -> list[str]:
        """How the jobs ended that a worker told of, in the order of their settlement."""
        return [each.full_reason or each.outcome.value for each in self.told]

    def report(self) -> Report:
        return report_of(self.journal, namespace="bench", generated_at=self.clock.wall())

    @property
    def reasons(self) -> list[str]:
        """Why entries were buried."""
        return [letter.reason for letter in self.journal.dead(1000)]

    def pending(self) -> int:
        return self.journal.accounts().pending


def waiting(job: Job, *, producer: str = "p", sequence: int = 1, arrived: float = 0.0) -> Waiting:
    """A claimed job that no journal knows."""
    claimed = Claimed(partition=0, entry=f"{sequence}-0", data=b"", age=0.0)
    return Waiting(
        claimed=claimed,
        job=job,
        stamp=Stamp(producer=producer, partition=0, sequence=sequence),
        arrived=arrived,
    )


@attrs.define
class Gate:
    """Where a thread of the code under test waits until the test lets it go on."""

    reached: threading.Event = attrs.field(factory=threading.Event)
    opened: threading.Event = attrs.field(factory=threading.Event)

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(20), "nobody opened the gate"

    def await_arrival(self) -> None:
        assert self.reached.wait(20), "nobody came to the gate"

    def open(self) -> None:
        self.opened.set()
