"""A sidecar that writes to memory, and what came of the calls that were made through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sidecar_science.journal.job import Job, Stamp, unseal
from sidecar_science.journal.memory import MemoryLog, MemoryServer
from sidecar_science.journal.protocol import Log
from sidecar_science.sidecar import Sidecar

PARTITIONS = 4


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.told.append((event, fields))

    info = warning

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.told]


class Desk:
    """One sidecar and the journal that it writes to."""

    def __init__(self, *, log: Callable[[], Log] | None = None, **options: Any) -> None:
        self.server = MemoryServer(partitions=PARTITIONS)
        self.lines = Lines()
        self.sidecar = Sidecar(
            "desk",
            **{
                "partitions": PARTITIONS,
                "log": log or self.log,
                "logger": self.lines,
                "flush_timeout": 10.0,
                **options,
            },
        )

    def log(self) -> MemoryLog:
        return MemoryLog(self.server)

    def experiment(self, name: str = "x", **options: Any) -> Any:
        return self.sidecar.experiment(name, **options)

    def flush(self) -> None:
        assert self.sidecar.flush(), "what was buffered did not arrive"

    @property
    def stamped(self) -> list[tuple[Job, Stamp]]:
        """Every job in the journal with its stamp, in the order of completion; what is buffered is shipped first."""
        self.flush()
        return self.arrived

    @property
    def arrived(self) -> list[tuple[Job, Stamp]]:
        """The same, of what is there already."""
        entries = [
            unseal(data, self.sidecar.keyring, n)
            for n, partition in enumerate(self.server.partitions)
            for data in partition.entries.values()
        ]
        return sorted(entries, key=lambda entry: entry[0].completed_at)

    @property
    def jobs(self) -> list[Job]:
        return [job for job, _ in self.stamped]

    @property
    def job(self) -> Job:
        """The only one."""
        [job] = self.jobs
        return job

    def decode(self, data: bytes | None) -> Any:
        return None if data is None else self.sidecar.codec.decode(data)

    def arguments(self, job: Job) -> Any:
        """What B would be called with: positional arguments and keywords."""
        return self.decode(job.calls[0].arguments)

    def exchanges(self, job: Job) -> list[dict[str, Any]]:
        return self.decode(job.exchanges) or []

    @property
    def stats(self) -> dict[str, Any]:
        return self.sidecar.stats()

    @property
    def accounts(self) -> tuple[int, int, dict[str, int], int]:
        """Called, recorded, dropped and buffered; the books have to balance whenever anybody looks."""
        stats = self.stats
        dropped = sum(stats["dropped"].values())
        assert stats["called"] == stats["sampled_out"] + stats["recorded"] + dropped + stats["buffered"]
        return stats["called"], stats["recorded"], stats["dropped"], stats["buffered"]


def until(condition: Callable[[], Any], seconds: float = 10.0) -> bool:
    """Whether ``condition`` came true in time: for what another thread or process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A sidecar that records everything into memory."""
    made = Desk()
    yield made
    made.sidecar.close(5.0)
