"""A lane that is run by hand, with replays that end as a test says."""

from __future__ import annotations

import threading

from sidecar_science.errors import JournalUnavailable
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.testing import FakeClock
from sidecar_science.worker.circuit import Circuit
from sidecar_science.worker.lane import Lane
from tests.worker.bench import Bench


def shop():
    """A bench with a read, a write, and a write that B recognizes."""
    bench = mending()

    @bench.sidecar.experiment("shop.replace", service="shop", effect="write", idempotent=True)
    def replace(item):
        return item

    return bench


def mending(partitions=1):
    """A bench with a read, a write, and a write that heals its key."""
    bench = Bench(clock=FakeClock(), partitions=partitions)

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item):
            return item

        @bench.sidecar.experiment("shop.put", service="shop", effect="write")
        def put(self, item):
            return item

        @bench.sidecar.experiment("shop.set", service="shop", effect="write", heals=True)
        def set(self, item):
            return item

    bench.sidecar.service("shop", "http://a.test", lambda base_url: Shop())
    return bench


class Scripted:
    """Stands where a `Replay` stands: each job's attempts end as the script says, ``matched`` when it says nothing.

    An exception is raised after the dispatch, as if it came of sending.
    """

    def __init__(self, bench, script=None):
        self.sent = []
        self.tickets = []
        self.closed = False
        self.asked = []
        self.happened = False
        self._bench = bench
        self.script(script or {})

    def script(self, script):
        self._script = {job: iter(endings) for job, endings in script.items()}

    def replay(self, ticket, dispatch):
        job = ticket.job
        self.tickets.append(ticket)
        plan = self._bench.plan(job)
        try:
            dispatch(plan)
        except Exception as error:
            if not hasattr(error, "outcome"):
                raise
            return ended(job, error.outcome, error.reason)
        self.sent.append(job.id)
        ending = next(self._script.get(job.id, iter(())), None)
        if callable(ending):
            ending = ending()
        if isinstance(ending, BaseException):
            raise ending
        ticket.answered(ending == "failing")
        ending = Outcome.MISMATCHED if ending == "failing" else ending or Outcome.MATCHED
        return ended(job, Outcome.INCOMPARABLE, "late") if ticket.late else ended(job, ending)

    def reads(self, job):
        return self._bench.planner().reads(job)

    def has_happened(self, job):
        self.asked.append(job.id)
        return self.happened

    def close(self):
        self.closed = True


def ended(job, outcome, reason=None):
    seconds = 0.5 if outcome is Outcome.MATCHED else None
    return Replayed(job=job.id, experiment=job.experiment, outcome=outcome, reason=reason, candidate_seconds=seconds)


class Hall:
    """One lane, run by hand in the test's own thread."""

    def __init__(self, bench, script=None, *, pace=None, lease=10.0):
        self.bench = bench
        self.replay = Scripted(bench, script)
        self.circuit = Circuit(bench.clock)
        self.quiet = threading.Event()
        self.settled = []
        self.returned = []
        self.work = []
        self.lane = Lane(
            number=0, journal=bench.journal, replay=self.replay, circuit=self.circuit, clock=bench.clock,
            log=bench.events, next_partition=lambda: self.work.pop(0) if self.work else None,
            done=self.returned.append, progress=self.settled.append, quiet=self.quiet, pace=pace, lease=lease,
        )  # fmt: skip

    def turn(self, *queues):
        """Let the lane work on these partitions once, one after the other."""
        self.work[:] = queues
        self.lane.run()
        return self

    @property
    def outcomes(self):
        return [each.full_reason or each.outcome.value for each in self.settled]


def marks(bench):
    """What the journal holds of dispatched entries: attempts made, in the order of the entries."""
    group = bench.server.partitions[0].groups["b-1"]
    return [marker.attempt for _, marker in sorted(group.inflight.items())]


def skipping(replay, skipped):
    def replay_or_skip(ticket, dispatch):
        if ticket.job.id == skipped:
            return ended(ticket.job, Outcome.SKIPPED, "unknown_experiment")
        return replay(ticket, dispatch)

    return replay_or_skip


class Flaky:
    """Makes a verb of the journal happen without its reply, a number of times."""

    def __init__(self, bench, verb, times):
        self.bench = bench
        left = [times]
        real = getattr(bench.journal, verb)

        def flaky(*args, **kwargs):
            if left[0] > 0:
                left[0] -= 1
                real(*args, **kwargs)
                raise JournalUnavailable("the reply was lost")
            return real(*args, **kwargs)

        setattr(bench.journal, verb, flaky)


class Tripping(list):
    """A list that raises before it takes anything."""

    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def append(self, item):
        if self.errors:
            raise self.errors.pop()
        super().append(item)
