"""The journal's twins, as one thing that a test can be written against."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Protocol

import fakeredis

from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.memory_server import parse_entry
from sidecar_science.journal.protocol import Journal, Lease, Log
from sidecar_science.journal.redis import Link, RedisJournal, RedisLog, connect
from tests.servers import user_url


class Twin(Protocol):
    """One journal and the time that it lives in."""

    namespace: str
    partitions: int

    def log(self, *, partitions: int | None = None) -> Log:
        """The A side."""
        ...

    def journal(self, environment: str = "b", *, partitions: int | None = None) -> Journal:
        """The B side of one environment."""
        ...

    def now(self) -> float:
        """The instant by the server's clock."""
        ...

    def pass_time(self, seconds: float) -> None:
        """Let the server's clock go on."""
        ...

    def end_lease(self, lease: Lease, environment: str = "b") -> None:
        """Let a lease end now, as if its time were up."""
        ...

    def lose_bytes(self, partition: int, entry: str) -> None:
        """Delete an entry behind the journal's back."""
        ...

    def held(self) -> int:
        """How many entries the streams hold."""
        ...


class HandClock:
    """A clock that moves when it is told to; waiting moves it by the whole wait."""

    def __init__(self) -> None:
        self._now = 1_000_000.0

    def wall(self) -> float:
        return self._now

    monotonic = cpu = process_cpu = wall

    def wait(self, event: threading.Event, timeout: float) -> bool:
        self._now += timeout
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self._now += seconds


class MemoryTwin:
    """The twin without a server."""

    def __init__(self, partitions: int = 3) -> None:
        self.partitions = partitions
        self.clock = HandClock()
        self.server = MemoryServer(partitions=partitions, clock=self.clock)
        self.namespace = self.server.namespace

    def log(self, *, partitions: int | None = None) -> Log:
        return MemoryLog(self.server, partitions=partitions)

    def journal(self, environment: str = "b", *, partitions: int | None = None) -> Journal:
        return MemoryJournal(self.server, environment, partitions=partitions)

    def now(self) -> float:
        return self.clock.wall()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def end_lease(self, lease: Lease, environment: str = "b") -> None:
        self.server.partitions[lease.partition].groups[environment].ends = self.clock.monotonic()

    def lose_bytes(self, partition: int, entry: str) -> None:
        del self.server.partitions[partition].entries[parse_entry(entry)]

    def held(self) -> int:
        return sum(len(partition.entries) for partition in self.server.partitions)


class RedisTwin:
    """The twin in a server, in a namespace that nobody else uses."""

    def __init__(
        self, link: Link, partitions: int = 3, *, producer: Link | None = None, worker: Link | None = None
    ) -> None:
        self.partitions = partitions
        self.namespace = f"n-{uuid.uuid4().hex[:12]}"
        self.link = link
        self._producer = producer or link
        self._worker = worker or link

    def log(self, *, partitions: int | None = None) -> Log:
        return RedisLog(self._producer, self.namespace, partitions=partitions or self.partitions)

    def journal(self, environment: str = "b", *, partitions: int | None = None) -> Journal:
        return RedisJournal(self._worker, self.namespace, environment, partitions=partitions or self.partitions)

    def now(self) -> float:
        seconds, microseconds = self.link.command("TIME")
        return float(seconds) + float(microseconds) / 1_000_000

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def end_lease(self, lease: Lease, environment: str = "b") -> None:
        self.link.command("DEL", Keys(self.namespace).of(lease.partition, "lease", environment))

    def lose_bytes(self, partition: int, entry: str) -> None:
        self.link.command("XDEL", self.jobs(partition), entry)

    def held(self) -> int:
        return sum(self.link.command("XLEN", self.jobs(partition)) for partition in range(self.partitions))

    def jobs(self, partition: int) -> str:
        """The stream of a partition."""
        return Keys(self.namespace).jobs(partition)


def fake_twin() -> RedisTwin:
    """The twin in fakeredis, which reads no first line of a script."""
    client = fakeredis.FakeRedis(version=(7,), protocol=2)
    return RedisTwin(Link(client, shebang=False))


def real_twin(url: str) -> RedisTwin:
    """The twin in the server at ``url``."""
    return RedisTwin(connect(url, socket_timeout=5.0))


def users_twin(server: EmbeddedServer) -> RedisTwin:
    """The twin in a server that lets each side do only what the shipped users may."""
    sides = {side: connect(user_url(server, side), socket_timeout=5.0) for side in ("producer", "worker")}
    return RedisTwin(connect(server.url, socket_timeout=5.0), **sides)
