"""A worker whose journal goes away, or whose lanes get stuck: it waits, replaces them, and loses nothing."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import JournalMisconfigured, JournalUnavailable, NeverJoined, UsageError
from sidecar_science.worker.deadline import Deadlines
from tests.worker.bench import Bench
from tests.worker.crew import SOON, fill, in_thread, now, opened, until


@pytest.fixture
def bench():
    return opened(Bench(clock=SYSTEM_CLOCK, partitions=4))


class TestTrouble:
    def test_a_journal_that_goes_away_is_told_once_and_waited_for(self, bench):
        """What was read is read again; nothing is lost and nothing runs twice."""
        worker = bench.worker()
        thread, given = in_thread(worker)
        until(lambda: len(worker._ownership.queues) == 4)
        bench.server.trouble = JournalUnavailable("down")
        until(lambda: bench.events.of("journal.trouble"))
        time.sleep(1.2)
        bench.server.trouble = None
        fill(bench, 40)
        until(lambda: worker.settled == 40)

        worker.quiet()
        thread.join(SOON)
        worker.stop(now() + SOON)

        assert (given, sorted(bench.seen)) == ([True], list(range(40)))
        assert bench.events.of("journal.trouble") == [{"state": "JournalUnavailable", "detail": "down"}]
        assert bench.events.of("journal.recovered") == [{"after": "JournalUnavailable"}]

    def test_a_group_that_somebody_has_deleted_is_made_again(self, bench):
        """What is in the journal then is read, and the worker goes on."""
        said = []
        worker = bench.worker(join_again=lambda why: said.append(why) or bench.journal.join())
        thread, given = in_thread(worker)
        until(lambda: len(worker._ownership.queues) == 4)

        with bench.server.request():
            for partition in bench.server.partitions:
                partition.groups.clear()
        until(lambda: said)
        fill(bench, 40)
        until(lambda: worker.settled == 40)

        worker.quiet()
        thread.join(SOON)
        worker.stop(now() + SOON)
        assert given == [True]
        assert {type(why) for why in said} == {NeverJoined}

    def test_an_environment_that_is_being_reset_is_joined_when_that_is_done(self, bench):
        """Joining is refused meanwhile."""
        refusals = [UsageError("a reset is under way"), UsageError("a reset is under way")]

        def join_again(why):
            if refusals:
                raise refusals.pop()
            bench.journal.join()

        worker = bench.worker(join_again=join_again)
        bench.server.partitions[0].groups.clear()
        fill(bench, 4)

        drained = worker.run(burst=True, give_up_after=15.0)
        worker.stop(now() + SOON)

        assert (drained, refusals, sorted(bench.seen)) == (True, [], [0, 1, 2, 3])
        assert {told["state"] for told in bench.events.of("journal.trouble")} == {"UsageError"}

    def test_an_admission_whose_reply_was_lost_loses_no_job(self, bench):
        """The entries were claimed, and are claimed again."""
        fill(bench, 20)
        real, left = bench.journal.admit, [3]

        def flaky(*args):
            given = real(*args)
            if left[0]:
                left[0] -= 1
                raise JournalUnavailable("the reply was lost")
            return given

        bench.journal.admit = flaky
        worker = bench.worker()

        drained = worker.run(burst=True, give_up_after=15.0)
        worker.stop(now() + SOON)

        assert (drained, sorted(bench.seen)) == (True, list(range(20)))
        assert bench.journal.accounts().duplicates == 0

    def test_a_journal_that_says_no_for_good_ends_the_worker(self, bench):
        """Trying again is of no use: whoever started it has to know."""
        worker = bench.worker()
        bench.server.trouble = JournalMisconfigured("another program uses this key")

        with pytest.raises(JournalMisconfigured):
            worker.run()
        assert worker.stop(now() + SOON)

    def test_a_journal_that_is_away_holds_up_no_end(self, bench):
        """Leases end by themselves."""
        worker = bench.worker()
        thread, _ = in_thread(worker)
        until(lambda: len(worker._ownership.queues) == 4)
        bench.server.trouble = JournalUnavailable("down")

        worker.quiet()
        thread.join(SOON)

        assert worker.stop(now() + SOON)


class Watchful:
    """Stands where `Deadlines` stands, and knows which lane is stuck as soon as it is."""

    def __init__(self, bench, job):
        self.running = False
        self._bench = bench
        self._job = job

    def start(self):
        self.running = True

    def stop(self):
        self.running = False

    def stuck(self):
        return [(self._bench.waiting, self._job.id)] if self._bench.gate.reached.is_set() else []


class TestStuckLanes:
    def test_a_lane_that_is_stuck_is_replaced(self, bench):
        """Its job is a timeout, and the next job of its partition goes on in another lane."""
        stuck = bench.job("shop.wait", 1, value=1, at=1.0)
        bench.append(stuck, bench.job("shop.get", 2, value=2, at=2.0))
        deadlines = Watchful(bench, stuck)
        worker = bench.worker(lanes=1, deadlines=deadlines)

        drained = worker.run(burst=True)
        ended = worker.stop(now() + SOON)
        bench.gate.open()

        assert (drained, ended) == (True, True)
        assert bench.outcomes == ["failed.timeout", "matched"]
        assert bench.events.of("lane.abandoned") == [{"lane": 0, "job": stuck.id}]
        assert not deadlines.running

    def test_a_lane_that_is_stuck_when_the_worker_ends_is_abandoned_too(self, bench):
        """Its job is settled, and nobody waits for it."""
        stuck = bench.job("shop.wait", 1, value=1)
        bench.append(stuck)
        deadlines = Watchful(bench, stuck)
        worker = bench.worker(lanes=1, deadlines=deadlines)
        deadlines.stuck, find = list, deadlines.stuck
        thread, _ = in_thread(worker)
        bench.gate.await_arrival()

        worker.quiet()
        thread.join(SOON)
        deadlines.stuck = find
        ended = worker.stop(now() + SOON)
        bench.gate.open()

        assert (ended, bench.outcomes, bench.pending()) == (True, ["failed.timeout"], 0)


@pytest.fixture
def untraced():
    """No tracer: CPython 3.11 under one does nothing but look for an exception that waits for a thread stuck in C."""
    before = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("sidecar-lane"):
            thread.join(SOON)
    sys.settrace(before[0])
    threading.settrace(before[1])


@pytest.mark.usefixtures("untraced")
def test_a_worker_with_as_many_stuck_lanes_as_it_has_is_worn_out(bench):
    """It takes nothing new: another process is better off. Before that it goes on with new lanes."""
    gate = threading.Event()

    @bench.sidecar.experiment("shop.stick", service="shop", effect="read", timeout=0.05)
    def stick(item):
        gate.wait(100)

    for number in range(4):
        job = bench.job("shop.stick", number, key=f"k-{number}", at=1000.0 + number)
        bench.append(job, partition=number)
    deadlines = Deadlines(SYSTEM_CLOCK)
    worker = bench.worker(lanes=2, replay=lambda: bench.replay(deadlines), deadlines=deadlines)
    thread, given = in_thread(worker)
    try:
        thread.join(3 * SOON)
        assert (given, worker.is_worn_out) == ([True], True)
        assert bench.events.of("worker.worn_out") == [{"stuck": 4}]
        assert worker.stop(now() + SOON)
        assert bench.outcomes == ["failed.timeout"] * 4
    finally:
        gate.set()


def test_a_worker_without_its_supervisor_ends_in_order(bench):
    """Nobody would replace it, or say that it has died."""
    fill(bench, 4)
    worker = bench.worker(orphaned=lambda: True)

    assert worker.run()

    assert worker.is_quiet
    assert worker.stop(now() + SOON)
    assert bench.pending() == 4
