"""For users' own tests: a clock that moves when it is told to, a journal in memory, and a replay of all of it.

from sidecar_science.testing import in_memory, replay_all

def test_put_content_is_the_same_on_b(api, b_url):
    with in_memory(sidecar) as recorded:
        api.put_content("c-1", {"title": "A title"})
        replays = replay_all(recorded, {"publishing-api": b_url}, allow_writes=["publishing-api"])
    assert replays.outcomes == {"matched": 1}
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import structlog

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.journal.job import Job, unseal
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.recording.rates import Rates
from sidecar_science.reports.outcome import Replayed
from sidecar_science.reports.records import Report
from sidecar_science.reports.store import report_of
from sidecar_science.routing.current import Current
from sidecar_science.routing.marking import Marking
from sidecar_science.routing.rerouting import Rerouting
from sidecar_science.routing.routes import Routes
from sidecar_science.sidecar import Sidecar
from sidecar_science.translation.memory import MemoryIds
from sidecar_science.worker.assembly import Settings, replay_factory
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.worker import Worker

__all__ = ["FakeClock", "Recorded", "Replays", "in_memory", "replay_all"]


class FakeClock:
    """A clock that stands still until it is told to ``advance``. Seconds; waiting moves it and takes no time."""

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._wall = wall
        self._monotonic = 1000.0
        self._cpu = 0.0
        self._lock = threading.Lock()

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def cpu(self) -> float:
        return self._cpu

    def process_cpu(self) -> float:
        return self._cpu

    def wait(self, event: threading.Event, timeout: float) -> bool:
        if not event.is_set():
            self.advance(timeout)
        return event.is_set()

    def advance(self, seconds: float, *, cpu: float = 0.0) -> None:
        """Let ``seconds`` pass, ``cpu`` of them at work."""
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds
            self._cpu += cpu


class Recorded:
    """What a sidecar records while it writes to memory. ``server`` is the journal's other half."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self.server = MemoryServer(partitions=sidecar.partitions)

    def log(self) -> MemoryLog:
        return MemoryLog(self.server)

    def journal(self, environment: str = "test") -> MemoryJournal:
        """The journal as workers of ``environment`` see it; what is still buffered is shipped first."""
        self.sidecar.flush()
        return MemoryJournal(self.server, environment)

    def ids(self, environment: str = "test") -> MemoryIds:
        """What ``environment`` has learned of its ids; see `docs/ids.md`."""
        return MemoryIds(self.server.ids, environment)

    @property
    def jobs(self) -> list[Job]:
        """The jobs that were recorded and are not settled everywhere, in the order of their completion."""
        entries = self.journal().peek(1_000_000)
        jobs = [unseal(entry.data, self.sidecar.keyring, entry.partition)[0] for entry in entries]
        return sorted(jobs, key=lambda job: job.completed_at)


@contextlib.contextmanager
def in_memory(sidecar: Sidecar) -> Iterator[Recorded]:
    """Within the block ``sidecar`` records every call, into memory: no Redis is needed, and nothing leaves the process.

    A sidecar that is switched off, as it should be in the rest of a test suite, is on in the block; shares are not
    regarded, since a call that the sample leaves out would fail the test.
    """
    recorded, recorder, enabled = Recorded(sidecar), sidecar.recorder, sidecar.recorder.enabled
    recorded.server.settings["sample"] = "1"
    before = recorder.redirect(recorded.log)
    recorder.rates = Rates.read(recorded.server.settings)
    recorder.enabled = recorder.recording = True
    try:
        yield recorded
    finally:
        recorder.redirect(before)
        recorder.enabled = recorder.recording = enabled


@attrs.frozen(kw_only=True)
class Replays:
    """What came of a replay of everything: each job's ending, and the report on all of them."""

    replayed: tuple[Replayed, ...]
    report: Report

    @property
    def outcomes(self) -> Counter[str]:
        """How many jobs ended in which way, by the outcome's name."""
        return Counter(each.outcome.value for each in self.replayed)


def replay_all(
    recorded: Recorded,
    routes: Mapping[str, str],
    *,
    allow_writes: Iterable[str] = (),
    environment: str = "test",
) -> Replays:
    """Replay everything that was recorded, in this process: ``routes`` gives each service's base URL on B.

    Requests are rerouted as in a worker, and there is no guard: an audit hook cannot be taken away again, and this is
    a test's process. So use addresses on which nothing real listens. Raises `UsageError` and `DeclarationError`.
    """
    sidecar, current = recorded.sidecar, Current()
    sidecar.check()
    journal = recorded.journal(environment)
    journal.join()
    settings = Settings(environment=environment, targets=routes, allow_writes=frozenset(allow_writes))
    known = Routes({name: service.base_urls for name, service in sidecar.services.items()}, routes)
    replayed: list[Replayed] = []
    worker = _worker(sidecar, journal, settings, current, replayed, recorded.ids(environment))
    rerouting, marking = Rerouting(known, current), Marking(current)
    rerouting.install()
    marking.install()
    try:
        worker.run(burst=True)
        worker.stop(SYSTEM_CLOCK.monotonic() + 60.0)
    finally:
        marking.undo()
        rerouting.undo()
    report = report_of(
        journal,
        namespace=sidecar.namespace,
        generated_at=SYSTEM_CLOCK.wall(),
        declared=sidecar.rules_as_text,
    )
    return Replays(replayed=tuple(replayed), report=report)


def _worker(
    sidecar: Sidecar,
    journal: MemoryJournal,
    settings: Settings,
    current: Current,
    replayed: list[Replayed],
    ids: MemoryIds,
) -> Worker:
    log: Any = structlog.get_logger("sidecar_science.testing")
    return Worker(
        name="test",
        journal=journal,
        intake=Intake(journal=journal, keyring=sidecar.keyring, clock=SYSTEM_CLOCK, log=log),
        replay=replay_factory(sidecar, settings, current, SYSTEM_CLOCK, ids=ids),
        lanes=1,
        lease=settings.lease,
        renew_every=settings.renew_every,
        window=0.0,
        clock=SYSTEM_CLOCK,
        log=log,
        told=replayed.append,
    )
