"""A lane whose journal is in trouble, or whose lease is gone: nothing is made twice, and nothing is settled wrongly."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalUnavailable
from sidecar_science.worker.endings import NotSent
from tests.worker.hall import Flaky, Hall, marks, shop


@pytest.fixture
def bench():
    return shop()


class TestJournalTrouble:
    def test_a_lost_lease_ends_the_work_on_the_partition(self, bench):
        """Another worker has it: nothing is sent, nothing settled."""
        queue = bench.filled(bench.job("shop.put", "tea"), bench.job("shop.put", "tea"))
        queue.held_until = bench.clock.monotonic() + 100.0
        bench.clock.advance(20.0)
        bench.journal.acquire(0, "another", 10.0)

        hall = Hall(bench).turn(queue)

        assert (hall.replay.sent, hall.settled, queue.lost) == ([], [], True)
        assert hall.returned == [queue]
        assert bench.events.names == ["partition.lost"]

    def test_a_lease_that_is_lost_during_a_replay_settles_nothing(self, bench):
        """The new owner will say what came of it."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)

        def lose():
            bench.clock.advance(20.0)
            bench.journal.acquire(0, "another", 100.0)

        hall = Hall(bench, {job.id: [lose]}).turn(queue)

        assert (hall.settled, queue.lost, bench.pending()) == ([], True, 1)

    def test_a_lease_that_would_end_during_a_replay_is_renewed_first(self, bench):
        """Otherwise a successor would begin while the call is still under way."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        bench.clock.advance(5.0)
        ends = []

        hall = Hall(
            bench, {job.id: [lambda: ends.append(queue.held_until - bench.clock.monotonic())]}, lease=10.0
        ).turn(queue)

        assert (hall.outcomes, ends) == (["matched"], [10.0])

    def test_a_lease_that_is_gone_when_it_should_be_renewed_is_lost(self, bench):
        """Nothing is sent under it."""
        queue = bench.filled(bench.job("shop.put", "tea"))
        bench.clock.advance(11.0)

        hall = Hall(bench).turn(queue)

        assert (hall.replay.sent, queue.lost) == ([], True)

    def test_a_mark_whose_reply_was_lost_is_made_again_under_the_same_lease(self, bench):
        """The journal knows it already, and the job is sent once."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        flaky = Flaky(bench, "start", 2)

        hall = Hall(flaky.bench).turn(queue)

        assert (hall.replay.sent, hall.outcomes) == ([job.id], ["matched"])

    def test_a_mark_that_took_nearly_all_of_the_lease_is_no_leave_to_send(self, bench):
        """The journal was away in between: the lease is renewed once more before anything goes."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        real, left = bench.journal.start, []

        def slow(*args, **kwargs):
            bench.clock.advance(5.0)
            return real(*args, **kwargs)

        bench.journal.start = slow
        hall = Hall(bench, {job.id: [lambda: left.append(queue.held_until - bench.clock.monotonic())]})

        hall.turn(queue)

        assert (hall.outcomes, left) == (["matched"], [10.0])

    def test_a_settlement_whose_reply_was_lost_is_repeated(self, bench):
        """What was observed is kept, though the journal went away for a moment."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        Flaky(bench, "settle", 2)

        hall = Hall(bench).turn(queue)

        assert hall.outcomes == ["matched"]
        assert bench.journal.accounts().settled == 1
        assert bench.report().experiments[0].outcomes["matched"] == 1

    def test_a_withdrawal_whose_reply_was_lost_is_repeated(self, bench):
        """The mark goes, and only once."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        Flaky(bench, "withdraw", 1)

        Hall(bench, {job.id: [NotSent("NewConnectionError")]}).turn(queue)

        assert marks(bench) == [0]

    @pytest.mark.parametrize("verb", ["start_all", "settle", "withdraw"])
    def test_a_journal_that_stays_away_costs_the_partition(self, bench, verb):
        """The lease is over by then; the next owner reads what is left."""
        job = bench.job("shop.put", "tea")
        queue = bench.filled(job)
        Flaky(bench, verb, 1000)

        hall = Hall(bench, {job.id: [NotSent("NewConnectionError")]} if verb == "withdraw" else None).turn(queue)

        assert (hall.settled, queue.lost, hall.returned) == ([], True, [queue])
        assert bench.clock.monotonic() >= queue.held_until - 2.0

    def test_an_error_of_the_journal_is_no_defect_of_the_replay(self, bench):
        """The job is not settled as failed: it will be replayed when the journal is back."""
        queue = bench.filled(bench.job("shop.put", "tea"))
        bench.server.trouble = JournalUnavailable("down")

        hall = Hall(bench).turn(queue)
        bench.server.trouble = None

        assert (hall.settled, bench.pending()) == ([], 1)
