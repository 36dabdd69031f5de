"""How often a job may be sent: by what came of it, and by what it does to B."""

from __future__ import annotations

import pytest

from sidecar_science.worker.endings import Broken, NotSent
from tests.worker.hall import Hall, marks, shop, skipping


@pytest.fixture
def bench():
    return shop()


class TestNotSent:
    def test_the_job_stays_first_and_the_partition_rests(self, bench):
        """Nothing failed, and nothing overtakes it."""
        first, second = bench.job("shop.put", "tea", at=1.0), bench.job("shop.put", "tea", at=2.0)
        queue = bench.filled(first, second)
        hall = Hall(bench, {first.id: [NotSent("NewConnectionError")]})

        hall.turn(queue)
        while_resting = queue.ready(bench.clock.monotonic())
        bench.clock.advance(0.5)
        hall.turn(queue)

        assert not while_resting
        assert hall.replay.sent == [first.id, first.id, second.id]
        assert hall.outcomes == ["matched", "matched"]
        assert bench.events.names == ["service.rests", "service.back", "job.settled", "job.settled"]

    def test_the_mark_is_taken_back(self, bench):
        """A successor that finds no mark sends a write that was never sent."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)

        Hall(bench, {job.id: [NotSent("NewConnectionError")]}).turn(queue)
        during = marks(bench)
        bench.clock.advance(20.0)
        successor = bench.journal.acquire(0, "successor", 10.0)

        assert during == [0]
        assert [each.attempts for each in bench.journal.recover(successor)] == [0]

    def test_it_may_happen_any_number_of_times(self, bench):
        """It is no attempt: B being down for an hour uses none of them up."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        hall = Hall(bench, {job.id: [NotSent("NewConnectionError")] * 20})

        for _ in range(21):
            bench.journal.renew([queue.lease], 60.0)
            queue.held_until = bench.clock.monotonic() + 60.0
            hall.turn(queue)
            bench.clock.advance(30.0)

        assert hall.outcomes == ["matched"]

    def test_pauses_grow_until_there_is_an_answer(self, bench):
        """Skipped jobs of the same service say nothing about it."""
        job, skipped = bench.job("shop.put", "tea", at=1.0), bench.job("unheard.of", at=0.5, service="shop")
        queue = bench.filled(job)
        hall = Hall(bench, {job.id: [NotSent("NewConnectionError")] * 2})
        hall.turn(queue)
        bench.append(skipped)
        bench.intake().fill([queue], 0.0)
        bench.clock.advance(0.5)
        began = bench.clock.monotonic()

        hall.replay.replay = skipping(hall.replay.replay, skipped.id)
        hall.turn(queue)

        assert hall.outcomes == ["skipped.unknown_experiment"]
        assert queue.resume_at == began + 1.0

    def test_a_job_that_was_not_sent_makes_no_other_late(self, bench):
        """It has overtaken nobody."""
        later = bench.job("shop.put", "tea", key="k", at=20.0)
        queue = bench.filled(later)
        hall = Hall(bench, {later.id: [NotSent("NewConnectionError")]})
        hall.turn(queue)
        earlier = bench.job("shop.put", "tea", key="k", at=19.0)
        bench.append(earlier, producer="y")
        bench.intake().fill([queue], 0.0)
        bench.clock.advance(0.5)

        hall.turn(queue)

        assert hall.replay.sent == [later.id, earlier.id, later.id]
        assert hall.outcomes == ["matched", "matched"]


class TestBroken:
    def test_a_read_that_broke_is_tried_once_more(self, bench):
        """It changed nothing."""
        job = bench.job("shop.get", "tea")
        hall = Hall(bench, {job.id: [Broken("ProtocolError")]}).turn(bench.filled(job))

        assert (hall.replay.sent, hall.outcomes) == ([job.id] * 2, ["matched"])

    def test_a_read_that_broke_twice_has_failed(self, bench):
        """B could not be observed."""
        job = bench.job("shop.get", "tea")
        hall = Hall(bench, {job.id: [Broken("ProtocolError")] * 3}).turn(bench.filled(job))

        assert (len(hall.replay.sent), hall.outcomes) == (2, ["failed.unreachable"])
        assert "ProtocolError" in hall.settled[0].detail

    def test_a_write_that_broke_is_unknown(self, bench):
        """It may have happened: it is not sent again."""
        job = bench.job("shop.put", "tea")
        hall = Hall(bench, {job.id: [Broken("ProtocolError")]}).turn(bench.filled(job))

        assert (len(hall.replay.sent), hall.outcomes) == (1, ["unknown"])

    def test_a_write_that_b_recognizes_is_tried_once_more(self, bench):
        """And is unknown when that breaks too."""
        one, two = bench.job("shop.replace", "tea", at=1.0), bench.job("shop.replace", "tea", at=2.0)
        script = {one.id: [Broken("ProtocolError")], two.id: [Broken("ProtocolError")] * 2}

        hall = Hall(bench, script).turn(bench.filled(one, two))

        assert hall.replay.sent == [one.id] * 2 + [two.id] * 2
        assert hall.outcomes == ["matched", "unknown"]

    def test_a_read_that_broke_and_then_was_refused_is_not_used_up(self, bench):
        """The refusal was no attempt: one more is left when B is back."""
        job = bench.job("shop.get", "tea")
        queue = bench.filled(job)
        hall = Hall(bench, {job.id: [Broken("ProtocolError"), NotSent("NewConnectionError"), Broken("again")]})

        hall.turn(queue)
        bench.clock.advance(0.5)
        hall.turn(queue)

        assert hall.outcomes == ["failed.unreachable"]
        assert len(hall.replay.sent) == 3


class TestInterrupted:
    """A job that an earlier owner had dispatched when it ended."""

    def queue_after(self, bench, job, attempts=1):
        queue = bench.filled(job)
        for made in range(attempts):
            bench.journal.start(queue.lease, queue.take(bench.clock.monotonic()).claimed.entry, limit=9, after=made)
            bench.clock.advance(20.0)
            queue = bench.queue()
            bench.intake().fill([queue], 0.0)
        return queue

    def test_a_write_is_unknown_and_not_sent_again(self, bench):
        """Nobody knows how the first attempt ended."""
        hall = Hall(bench).turn(self.queue_after(bench, bench.job("shop.put", "tea")))

        assert (hall.replay.sent, hall.outcomes) == ([], ["unknown"])

    def test_a_read_is_sent_again_once(self, bench):
        """It changed nothing."""
        hall = Hall(bench).turn(self.queue_after(bench, bench.job("shop.get", "tea")))

        assert hall.outcomes == ["matched"]

    def test_a_read_that_ended_two_workers_is_given_up(self, bench):
        """It might end the third one too."""
        hall = Hall(bench).turn(self.queue_after(bench, bench.job("shop.get", "tea"), attempts=2))

        assert (hall.replay.sent, hall.outcomes) == ([], ["failed.worker_error"])

    def test_a_write_that_b_recognizes_is_sent_again(self, bench):
        """The same idempotency key goes with it."""
        hall = Hall(bench).turn(self.queue_after(bench, bench.job("shop.replace", "tea")))

        assert hall.outcomes == ["matched"]

    def test_one_that_did_and_is_interrupted_again_is_unknown(self, bench):
        """Two attempts are all that it has."""
        hall = Hall(bench).turn(self.queue_after(bench, bench.job("shop.replace", "tea"), attempts=2))

        assert hall.outcomes == ["unknown"]
