"""A lane that is stuck where no deadline reaches it is given up: its job is settled by somebody else."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalUnavailable
from sidecar_science.worker.endings import Broken, NotSent
from tests.worker.bench import Gate
from tests.worker.hall import Hall, shop


@pytest.fixture
def bench():
    return shop()


class TestAbandoned:
    """A lane that is stuck where no deadline reaches it, in a thread of its own."""

    def stuck(self, bench, ending=None):
        """A lane that is stuck in the first of two jobs, its gate, and its partition."""
        gate = Gate()
        first, second = bench.job("shop.put", "tea", key="k", at=1.0), bench.job("shop.put", "tea", at=2.0)
        queue = bench.filled(first, second)

        def block():
            gate.wait()
            return ending

        hall = Hall(bench, {first.id: [block]})
        hall.work.append(queue)
        hall.lane.start()
        gate.await_arrival()
        return hall, gate, queue, first, second

    @pytest.mark.parametrize("ending", [None, NotSent("x"), Broken("x"), RuntimeError(), JournalUnavailable("x")])
    def test_its_job_is_a_timeout_and_its_partition_goes_on(self, bench, ending):
        """However its call ends at last: it settles nothing, puts nothing back, takes nothing more."""
        hall, gate, queue, first, second = self.stuck(bench, ending)

        abandoned = hall.lane.abandon(first.id)
        returned = list(hall.returned)
        gate.open()
        hall.lane.thread.join(20)

        assert abandoned
        assert hall.outcomes == ["failed.timeout"]
        assert hall.settled[0].job == first.id
        assert returned == hall.returned == [queue]
        assert hall.replay.sent == [first.id]
        assert queue.take(bench.clock.monotonic()).job.id == second.id
        assert queue.take(bench.clock.monotonic()) is None

    def test_it_is_abandoned_once_and_for_the_job_that_it_is_stuck_in(self, bench):
        """Whoever looks a moment later may mean a job that has ended."""
        hall, gate, _, first, second = self.stuck(bench)

        other, right, again = (hall.lane.abandon(job) for job in (second.id, first.id, first.id))
        gate.open()
        hall.lane.thread.join(20)

        assert (other, right, again) == (False, True, False)
        assert len(hall.settled) == 1

    def test_an_idle_lane_cannot_be_abandoned(self, bench):
        """It is stuck in nothing."""
        job = bench.job("shop.put", "tea")
        hall = Hall(bench).turn(bench.filled(job))

        assert not hall.lane.abandon(job.id)
        assert hall.outcomes == ["matched"]

    def test_a_lease_that_is_gone_costs_the_partition_and_no_more(self, bench):
        """The lane is given up all the same."""
        hall, gate, queue, first, _ = self.stuck(bench)
        bench.clock.advance(20.0)
        bench.journal.acquire(0, "another", 10.0)

        abandoned = hall.lane.abandon(first.id)
        gate.open()
        hall.lane.thread.join(20)

        assert (abandoned, hall.settled, queue.lost, hall.returned) == (True, [], True, [queue])

    def test_a_job_that_it_was_stuck_in_makes_earlier_ones_late(self, bench):
        """Something of it may have reached B."""
        hall, gate, queue, first, _ = self.stuck(bench)

        hall.lane.abandon(first.id)
        gate.open()
        hall.lane.thread.join(20)

        assert queue.is_late(bench.job("shop.put", "tea", key="k", at=0.5))
        assert not queue.is_late(bench.job("shop.put", "tea", key="k", at=1.5))
