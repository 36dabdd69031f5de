"""The worker: it owns partitions, feeds lanes, and ends by one deadline."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalError
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.outcome import Replayed
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.lane import Lane
from sidecar_science.worker.ownership import Ownership
from sidecar_science.worker.pause import Pauses
from sidecar_science.worker.queue import PartitionQueue
from sidecar_science.worker.replay import Replay

_LOW_WATER: Final = 32
_BLOCK: Final = 0.1
_TICK: Final = 0.02
_TRIM_EVERY: Final = 1.0
_DRAINED_EVERY: Final = 0.25


class Worker:
    """Takes jobs from the journal in their order and replays them, until it is told to end.

    ``quiet()`` takes nothing new; ``stop(deadline)`` waits for what runs until ``deadline`` (monotonic). ``run``
    returns whether everything that it had taken was settled.
    """

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        intake: Intake,
        replay: Callable[[], Replay],
        lanes: int,
        lease: float,
        renew_every: float,
        window: float,
        clock: Clock,
        log: Any,
        pace: Callable[[], None] = lambda: None,
        stuck: Callable[[], Sequence[int]] = lambda: (),
        told: Callable[[Replayed], object] = lambda _: None,
    ) -> None:
        self.settled = 0
        self.outcomes: Counter[str] = Counter()
        self._journal = journal
        self._intake = intake
        self._clock = clock
        self._log = log
        self._stuck = stuck
        self._told = told
        self._quiet = threading.Event()
        self._ending = False
        self._ready: deque[PartitionQueue] = deque()
        self._change = threading.Condition()
        self._ownership = Ownership(
            journal=journal,
            worker=name,
            lease=lease,
            renew_every=renew_every,
            window=window,
            clock=clock,
            log=log,
        )
        pauses = Pauses(clock)
        self._new_lane: Callable[[int], Lane] = lambda number: Lane(
            number=number, journal=journal, replay=replay(), pauses=pauses, clock=clock, log=log,
            next_partition=self._next_partition, done=self._done, progress=self._progress,
            quiet=self._quiet, pace=pace,
        )  # fmt: skip
        self._lanes = [self._new_lane(number) for number in range(lanes)]
        self._trim_at = 0.0
        self._drained_at = 0.0
        self._progress_at = clock.monotonic()

    # -- endings -------------------------------------------------------------------------------------------------

    def quiet(self) -> None:
        """Take nothing new. Safe to call from a signal handler, and more than once."""
        self._quiet.set()

    @property
    def is_quiet(self) -> bool:
        return self._quiet.is_set()

    def stop(self, deadline: float) -> bool:
        """Wait until ``deadline`` (monotonic) for what runs, give all partitions back; whether all of it ended."""
        self._quiet.set()
        with self._change:
            self._ending = True
            self._change.notify_all()
        for lane in self._lanes:
            if lane.thread.is_alive():
                lane.thread.join(max(0.0, deadline - self._clock.monotonic()))
        finished = not any(lane.thread.is_alive() for lane in self._lanes)
        try:
            self._ownership.leave()
            self._journal.trim()
        except JournalError as error:
            self._log.warning("journal.trouble", detail=str(error))
        return finished

    # -- running -------------------------------------------------------------------------------------------------

    def run(self, *, burst: bool = False, give_up_after: float = 60.0) -> bool:
        """Work until told to be quiet; with ``burst`` until the journal is drained.

        Whether it ended as it should: False when a burst saw no progress for ``give_up_after`` seconds.
        """
        for lane in self._lanes:
            lane.start()
        while not self._quiet.is_set():
            try:
                self._round()
                if burst and self._is_drained():
                    return True
            except JournalError as error:
                self._log.warning("journal.trouble", detail=str(error))
                self._forget_everything()
                self._quiet.wait(0.5)
            if burst and self._clock.monotonic() - self._progress_at > give_up_after:
                self._log.error("burst.gave_up", seconds=give_up_after)
                return False
        return True

    def _round(self) -> None:
        self._replace_stuck_lanes()
        self._ownership.tend()
        hungry = [queue for queue in self._owned() if len(queue) < _LOW_WATER]
        busy = any(len(queue) for queue in self._owned())
        came = self._intake.fill(hungry, 0.0 if busy else _BLOCK)
        self._offer()
        now = self._clock.monotonic()
        if now >= self._trim_at:
            self._trim_at = now + _TRIM_EVERY
            self._journal.trim()
        if not came:
            self._quiet.wait(_TICK if busy or not hungry else 0.001)

    def _replace_stuck_lanes(self) -> None:
        """A lane whose replay did not end when it was told to is given up, and another one takes its place."""
        for thread in self._stuck():
            for number, lane in enumerate(self._lanes):
                if lane.thread.ident == thread and lane.abandon():
                    self._log.error("lane.abandoned", lane=number)
                    self._lanes[number] = self._new_lane(number)
                    self._lanes[number].start()

    def _owned(self) -> Sequence[PartitionQueue]:
        return [queue for queue in self._ownership.queues.values() if not queue.lost]

    def _offer(self) -> None:
        """Hand every partition with due work, that no lane has, to the lanes."""
        now = self._clock.monotonic()
        with self._change:
            for queue in self._owned():
                if not queue.in_lane and queue.ready(now):
                    queue.in_lane = True
                    self._ready.append(queue)
                    self._change.notify()

    def _next_partition(self) -> PartitionQueue | None:
        """What a lane works on next; waits for it. None when the lane should end."""
        with self._change:
            while not self._ready:
                if self._ending:
                    return None
                self._change.wait(0.5)
            return self._ready.popleft()

    def _done(self, queue: PartitionQueue) -> None:
        """A lane has had its turn: the partition goes to the end of the line, if it has more."""
        with self._change:
            if not self._quiet.is_set() and queue.ready(self._clock.monotonic()):
                self._ready.append(queue)
                self._change.notify()
            else:
                queue.in_lane = False

    def _progress(self, replayed: Replayed) -> None:
        with self._change:
            self.settled += 1
            self.outcomes[replayed.outcome.value] += 1
            self._progress_at = self._clock.monotonic()
        self._told(replayed)

    def _is_drained(self) -> bool:
        """Whether nothing is left for anybody: asked of the journal, for other workers may hold partitions too."""
        now = self._clock.monotonic()
        if any(len(queue) or queue.in_lane for queue in self._owned()) or now < self._drained_at:
            return False
        self._drained_at = now + _DRAINED_EVERY
        return self._journal.accounts().pending == 0

    def _forget_everything(self) -> None:
        """After an error our own state is unknown: every partition is read again from what the journal has."""
        for queue in self._owned():
            queue.lost = True
