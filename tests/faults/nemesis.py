"""Random faults from a seed: workers, Redis, apps and B are stopped, ended and killed while they work.

Everything happens in the thread that started the processes, since they end with it. A seed gives the same faults in
the same order; what they meet depends on the machine.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Literal

import attrs

from sidecar_science.errors import JournalError
from tests.faults.checker import Finding, check
from tests.faults.history import History
from tests.faults.processes import Process
from tests.faults.rig import ASKED_LEASE, Rig

Consumer = Literal["worker", "textbook"]

LOSS_BOUND: Final = 12
"""How many calls an app that is killed may lose, while Redis is well."""

_AFTERMATH: Final = 6.0
"""Seconds after a trouble of Redis in which an app may not have shipped yet what it kept meanwhile."""

_TICK: Final = 0.02
_SET_UP: Final = 3
"""The exit code of a worker that could not start, as while Redis is away."""


@attrs.frozen(kw_only=True)
class Plan:
    """What a run is made of. ``seconds`` are those during which calls are made; ``more`` faults are those of B and of
    the clock of Redis."""

    seed: int
    jobs: int
    seconds: float
    workers: int = 3
    consumer: Consumer = "worker"
    kill_app: bool = False
    faults: bool = True
    more: bool = False
    pause: tuple[float, float] = (0.2, 1.0)
    drain_seconds: float = 60.0
    environ: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Result:
    """What came of a run."""

    plan: Plan
    faults: Counter[str]
    history: History
    findings: list[Finding]
    seconds: float

    def __str__(self) -> str:
        outcomes = Counter(ending.full for ending in self.history.endings)
        lines = [
            f"seed {self.plan.seed}: {len(self.history.calls)} calls, {len(self.history.executions)} executions,"
            f" {sum(self.faults.values())} faults {dict(self.faults)}, {self.seconds:.0f} s",
            f"  outcomes {dict(outcomes)}",
            *(f"  {finding}" for finding in self.findings[:40]),
        ]
        return "\n".join(lines)


class Nemesis:
    """Breaks one rig by one plan."""

    def __init__(self, rig: Rig, plan: Plan) -> None:
        self._rig = rig
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._redis_is_well = True
        self._trouble_began = self._trouble_ended = -_AFTERMATH
        self._loss_bound = LOSS_BOUND
        self._crew: list[Process] = []
        self._unexpected: list[Finding] = []
        self._lease = ASKED_LEASE
        self._apps_to_kill = int(plan.kill_app)
        self.faults: Counter[str] = Counter()

    def run(self) -> Result:
        """Make calls and faults, undo the faults, wait until all is done, and check."""
        begun = time.monotonic()
        for _ in range(self._plan.workers):
            self._start_consumer(ready=self._plan.consumer == "worker")
        self._lease = self._rig.lease if self._plan.consumer == "worker" else ASKED_LEASE
        self._calls(self._plan.jobs)
        fault_at = time.monotonic() + 0.5
        while any(app.code is None for app in self._rig.apps):
            self._tend()
            if self._plan.faults and time.monotonic() >= fault_at:
                self._break_something()
                fault_at = time.monotonic() + self._chance.uniform(*self._plan.pause)
            time.sleep(_TICK)
        self._mend()
        drained = self._drain()
        self._end_crew()
        history = self._rig.history(balance=self._plan.consumer == "worker")
        findings = self._unexpected + check(history, drained=drained, loss_bound=self._loss_bound)
        if not drained:
            findings.append(Finding(kind="stuck", text=f"not drained within {self._plan.drain_seconds:g} s"))
        return Result(
            plan=self._plan, faults=self.faults, history=history, findings=findings, seconds=time.monotonic() - begun
        )

    # -- calls and consumers ---------------------------------------------------------------------------------------

    def _calls(self, count: int) -> None:
        rate = self._plan.jobs / self._plan.seconds
        seed = self._chance.randrange(1_000_000)
        self._rig.start_app("--count", str(count), "--rate", str(rate), "--seed", str(seed))

    def _start_consumer(self, *, ready: bool = False) -> None:
        if self._plan.consumer == "textbook":
            self._crew.append(self._rig.start_textbook())
        else:
            self._crew.append(self._rig.start_worker(ready=ready, environ=dict(self._plan.environ)))

    def _tend(self) -> None:
        """Do what is due, and start another consumer for each that ended by itself."""
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()
        for consumer in [each for each in self._crew if each.code is not None]:
            self._crew.remove(consumer)
            if consumer.code != _SET_UP or self._plan.consumer == "textbook":
                text = f"{consumer.log.stem} ended by itself with {consumer.code}"
                self._unexpected.append(Finding(kind="crash", text=text))
            self._after(0.3, self._start_consumer)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), act))

    # -- faults ----------------------------------------------------------------------------------------------------

    def _break_something(self) -> None:
        faults: list[tuple[float, Callable[[], Any]]] = [
            (4, self._kill_worker),
            (3, self._stop_worker),
            (2, self._end_worker),
            (2, self._stop_redis),
            (2, self._kill_redis),
            (1, self._kill_app),
            (2 * self._plan.more, self._kill_b),
            (2 * self._plan.more, self._end_leases),
        ]
        weights, acts = zip(*faults, strict=True)
        [act] = self._chance.choices(acts, weights)
        if act():
            self.faults[act.__name__[1:]] += 1

    def _victim(self) -> Process | None:
        running = [each for each in self._crew if each.code is None and not each.is_stopped]
        return self._chance.choice(running) if running else None

    def _kill_worker(self) -> bool:
        victim = self._victim()
        if victim is None:
            return False
        self._crew.remove(victim)
        victim.kill()
        self._after(self._chance.uniform(0.0, 0.8), self._start_consumer)
        return True

    def _stop_worker(self) -> bool:
        """Past its lease, then on with it: it does not know that it was away."""
        victim = self._victim()
        if victim is None:
            return False
        victim.stop()
        self._after(self._lease * self._chance.uniform(1.1, 2.0), victim.go_on)
        return True

    def _end_worker(self) -> bool:
        victim = self._victim()
        if victim is None:
            return False
        self._crew.remove(victim)
        victim.terminate()
        self._start_consumer()
        return True

    def _stop_redis(self) -> bool:
        if not self._redis_is_well:
            return False
        self._redis_fails()
        self._rig.redis.stop()
        self._after(self._lease * self._chance.uniform(0.1, 1.5), self._redis_goes_on)
        return True

    def _kill_redis(self) -> bool:
        if not self._redis_is_well:
            return False
        self._redis_fails()
        self._rig.redis.kill()
        self._after(self._chance.uniform(0.1, 0.8), self._redis_starts)
        return True

    def _kill_app(self) -> bool:
        """Once; another one makes as many calls as were left."""
        app = self._rig.apps[-1]
        if not self._apps_to_kill or app.code is not None:
            return False
        self._apps_to_kill -= 1
        app.kill()
        calls = self._rig.history().calls
        if not self._redis_is_well or time.monotonic() < self._trouble_ended + _AFTERMATH:
            self._loss_bound += sum(call.start >= self._trouble_began for call in calls)
        self._calls(max(1, self._plan.jobs - len(calls)))
        return True

    def _kill_b(self) -> bool:
        if self._rig.b.code is not None:
            return False
        self._rig.b.kill()
        self._after(self._chance.uniform(0.1, 1.0), self._rig.start_b)
        return True

    def _end_leases(self) -> bool:
        """As when the clock of Redis jumps: every lease ends at once, and its holder does not know."""
        if not self._redis_is_well:
            return False
        with contextlib.suppress(JournalError):
            self._rig.link.command("DEL", *[self._rig.key(n, "lease") for n in range(self._rig.partitions)])
        return True

    def _redis_fails(self) -> None:
        self._redis_is_well = False
        if time.monotonic() >= self._trouble_ended + _AFTERMATH:
            self._trouble_began = time.monotonic()

    def _redis_is_back(self) -> None:
        self._redis_is_well = True
        self._trouble_ended = time.monotonic()

    def _redis_goes_on(self) -> None:
        self._rig.redis.go_on()
        self._redis_is_back()

    def _redis_starts(self) -> None:
        self._rig.redis.start()
        self._redis_is_back()

    # -- the end -----------------------------------------------------------------------------------------------------

    def _mend(self) -> None:
        """Undo what is not undone, and see to it that somebody works."""
        while self._later:
            heapq.heappop(self._later)[2]()
        self._tend()

    def _drain(self) -> bool:
        deadline = time.monotonic() + self._plan.drain_seconds
        while time.monotonic() < deadline:
            self._tend()
            if self._is_drained():
                return True
            time.sleep(0.1)
        return False

    def _is_drained(self) -> bool:
        if self._plan.consumer == "textbook":
            lengths = self._rig.link.batch([("XLEN", self._rig.jobs(n)) for n in range(self._rig.partitions)])
            return not any(lengths)
        return self._rig.pending() == 0

    def _end_crew(self) -> None:
        for worker in self._crew:
            worker.terminate()
        for worker in self._rig.workers:
            if self._plan.consumer == "textbook":
                worker.kill()
            code = worker.ended()
            if self._plan.consumer == "worker" and not _as_asked(worker, code):
                self._unexpected.append(Finding(kind="crash", text=f"{worker.log.stem} ended with {code}"))
            for killed in worker.events("process.killed"):
                self._unexpected.append(Finding(kind="crash", text=f"{worker.log.stem} ended a process: {killed}"))


def _as_asked(worker: Process, code: int) -> bool:
    """Whether a worker's end is one that we brought about; before it has started it may end by the signal itself."""
    return code in (0, _SET_UP, -signal.SIGKILL) or (code == -signal.SIGTERM and not worker.has("worker.started"))
