"""The supervisor: it keeps so many worker processes running, and finds out what brings them down.

It has one thread, imports nothing of the user's code, and has no connection open when it forks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Journal
from sidecar_science.worker.supervising.child import Child
from sidecar_science.worker.supervising.crash import Crash, Crashes
from sidecar_science.worker.supervising.duty import ChildExit, Standing
from sidecar_science.worker.supervising.forking import UNEXPECTED, Work, fork
from sidecar_science.worker.supervising.post import Post
from sidecar_science.worker.supervising.slots import Slots

_TICK: Final = 0.05
_WEIGH_EVERY: Final = 0.25
_PATIENCE: Final = 5.0
"""Seconds past the deadline after which a process that should have ended is ended."""

_SILENCE: Final = 0.7
"""The share of its lease for which a process may stand still: when the lease has ended, others begin what it has."""

_SHORTEST_SILENCE: Final = 3.0
_LONGEST_SILENCE: Final = 10.0
_STILLBORN: Final = 3
"""So many deaths before any process was ever ready end the run."""


class Supervisor:
    """Runs ``work`` in ``processes`` processes, and in one more while there are suspects.

    The first signal ends them in order, by a deadline of ``drain`` seconds, the second at once. ``memory`` bounds each,
    in bytes; ``lanes`` is how many each has; with ``burst`` a process that is done is not replaced.
    """

    def __init__(
        self,
        *,
        processes: int,
        lanes: int,
        work: Work,
        open_journal: Callable[[Standing], Journal],
        memory: int,
        drain: float,
        burst: bool,
        clock: Clock,
        log: Any,
    ) -> None:
        self._posts = [Post() for _ in range(processes)]
        self._quarantine = Post(quarantine=True)
        self._lanes = lanes
        self._work = work
        self._memory = memory
        self._drain = drain
        self._burst = burst
        self._clock = clock
        self._log = log
        self._crashes = Crashes(open_journal, clock, log)
        self._signals: list[int] = []
        self._never = threading.Event()
        self._ready = False
        self._stillborn = 0
        self._deadline: float | None = None
        self._failure: str | None = None
        self._code = 0
        self._turned_at = self._weigh_at = clock.monotonic()

    def run(self) -> int:
        """Work until told to end, or until the journal is drained; the exit code. Raises `UsageError` for what no
        restart would change."""
        before = {number: signal.signal(number, self._told) for number in (signal.SIGTERM, signal.SIGINT)}
        # One first: what is wrong with the set-up is said once.
        self._posts[0].due = self._clock.monotonic()
        try:
            while not self._is_over():
                self._turn()
        finally:
            self._kill("the supervisor ends")
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failure is not None:
            raise UsageError(self._failure)
        return self._code

    def _told(self, number: int, _: Any) -> None:
        self._signals.append(number)

    @property
    def _is_ending(self) -> bool:
        return self._deadline is not None

    @property
    def _all(self) -> list[Post]:
        return [*self._posts, self._quarantine]

    @property
    def _children(self) -> list[Child]:
        return [post.child for post in self._all if post.child is not None]

    def _is_over(self) -> bool:
        return all(post.child is None and post.due is None for post in self._all)

    def _turn(self) -> None:
        self._fill(self._clock.monotonic())
        self._clock.wait(self._never, _TICK)
        now = self._clock.monotonic()
        # A supervisor that was stopped itself has seen nothing, so nobody was silent.
        elapsed, self._turned_at = min(now - self._turned_at, 2 * _TICK), now
        self._obey(now)
        for post in self._all:
            self._look(post, now)
        self._watch(now, elapsed)
        if self._crashes.tell(now) and not self._is_ending:
            self._quarantine.fill_at(now)

    # -- starting and ending -------------------------------------------------------------------------------------

    def _fill(self, now: float) -> None:
        for post in self._all:
            if post.child is None and post.due is not None and post.due <= now:
                try:
                    post.take(self._forked(post, now))
                except OSError as error:
                    self._log.error("process.not_started", detail=str(error))
                    post.rest(now)

    def _forked(self, post: Post, now: float) -> Child:
        slots = Slots(self._lanes + 1)
        return fork(
            self._work, slots, quarantine=post.quarantine, memory=self._memory, born=now, threads=self._lanes,
            first=not self._ready,
        )  # fmt: skip

    def _obey(self, now: float) -> None:
        if self._signals and not self._is_ending:
            self._end(now)
        if len(self._signals) > 1:
            self._code = UNEXPECTED
            self._kill("a second signal")
        elif self._deadline is not None and now > self._deadline + _PATIENCE:
            self._kill("the deadline")

    def _end(self, now: float) -> None:
        if self._is_ending:
            return
        self._deadline = now + self._drain
        for post in self._all:
            post.due = None
        for child in self._children:
            child.send(signal.SIGTERM)

    def _kill(self, why: str) -> None:
        for child in self._children:
            self._end_at_once(child, why)

    def _end_at_once(self, child: Child, why: str) -> None:
        if not child.killed:
            child.killed = True
            self._log.error("process.killed", pid=child.pid, why=why)
            child.send(signal.SIGKILL)

    # -- looking -------------------------------------------------------------------------------------------------

    def _look(self, post: Post, now: float) -> None:
        child = post.child
        if child is None:
            return
        child.listen()
        if child.standing is not None and not self._ready:
            self._ready = True
            for other in () if self._is_ending else self._posts:
                other.fill_at(now)
        if child.reap():
            post.child = None
            self._gone(post, child, now)

    def _watch(self, now: float, elapsed: float) -> None:
        """End what stands still, and what has grown too large."""
        weigh = now >= self._weigh_at
        if weigh:
            self._weigh_at = now + _WEIGH_EVERY
        for child in self._children:
            child.age(elapsed)
            if child.standing is not None and child.silent_for > _patience(child.standing.lease):
                self._end_at_once(child, "it stands still")
            elif weigh and child.memory() > self._memory:
                self._end_at_once(child, "its memory")

    def _gone(self, post: Post, child: Child, now: float) -> None:
        if child.failed is not None:
            self._has_failed(post, child, child.failed, now)
        elif child.ended is not None:
            self._has_left(post, child, child.ended, now)
        else:
            self._has_died(post, child, now)

    def _has_failed(self, post: Post, child: Child, failed: str, now: float) -> None:
        if self._is_ending:
            return
        if child.passing and self._ready:
            self._log.warning("process.failed", pid=child.pid, detail=failed)
            post.rest(now)
            return
        self._failure = failed
        self._end(now)

    def _has_left(self, post: Post, child: Child, code: int, now: float) -> None:
        if post.quarantine and code != ChildExit.WORN_OUT:
            return
        if not self._is_ending and (code == ChildExit.WORN_OUT or not self._burst):
            self._log.info("process.replaced", pid=child.pid, code=code)
            post.fill_at(now)
        elif code != ChildExit.WORN_OUT:
            self._code = max(self._code, code)

    def _has_died(self, post: Post, child: Child, now: float) -> None:
        held = child.slots.in_hand() if child.standing is not None else {}
        self._tell_of_death(child, held)
        if child.standing is not None:
            self._crashes.add(Crash(child.standing, held, alone=post.quarantine, until=now + child.standing.lease))
        elif not self._ready:
            self._stillborn += 1
        if self._stillborn >= _STILLBORN:
            self._code = UNEXPECTED
            self._end(now)
        if self._is_ending:
            return
        if held:
            post.fill_at(now)
        else:
            post.rest(now)

    def _tell_of_death(self, child: Child, held: dict[int, list[str]]) -> None:
        status = child.status or 0
        how = {"signal": signal.Signals(-status).name} if status < 0 else {"code": status}
        worker = child.standing.name if child.standing is not None else None
        tell = self._log.info if self._is_ending else self._log.error
        tell("process.died", pid=child.pid, worker=worker, in_hand=sum(map(len, held.values())), **how)


def _patience(lease: float) -> float:
    """For how many seconds a process may stand still that holds its partitions by leases of that length."""
    return max(_SHORTEST_SILENCE, min(_LONGEST_SILENCE, lease * _SILENCE))
