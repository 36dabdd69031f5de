"""A lane replays a partition's jobs one after the other; each is marked before it is sent, and settled once."""

from __future__ import annotations

import pytest

from sidecar_science.errors import EgressRefused
from sidecar_science.journal.memory import MemoryJournal
from sidecar_science.worker.lane import TURN
from sidecar_science.worker.pace import Pace
from tests.worker.hall import Hall, Tripping, marks, shop, skipping


@pytest.fixture
def bench():
    return shop()


def test_jobs_are_replayed_in_their_order_and_settled(bench):
    """One after the other; the journal has none of them left."""
    jobs = [bench.job("shop.put", "tea", at=float(n)) for n in range(5)]
    queue = bench.filled(*jobs)

    hall = Hall(bench).turn(queue)

    assert hall.replay.sent == [job.id for job in jobs]
    assert hall.outcomes == ["matched"] * 5
    assert bench.pending() == 0
    assert hall.returned == [queue]
    assert hall.replay.closed


def test_each_job_is_marked_before_it_is_sent(bench):
    """Whoever finds the mark knows that it may have been sent."""
    seen = []
    job = bench.job("shop.put", "tea")
    queue = bench.filled(job)

    Hall(bench, {job.id: [lambda: seen.append(marks(bench))]}).turn(queue)

    assert seen == [[1]]


def test_a_turn_is_bounded(bench):
    """Others wait too."""
    jobs = [bench.job("shop.get", "tea") for _ in range(TURN + 3)]
    queue = bench.filled(*jobs)

    hall = Hall(bench).turn(queue)

    assert len(hall.settled) == TURN
    assert len(queue) == 3


def test_nothing_new_is_taken_when_it_is_quiet(bench):
    """What waits stays for the next owner."""
    queue = bench.filled(bench.job("shop.get", "tea"))
    hall = Hall(bench)
    hall.quiet.set()

    hall.turn(queue)

    assert (hall.settled, len(queue), hall.returned) == ([], 1, [queue])


def test_a_job_that_waits_for_its_pace_when_it_becomes_quiet_is_not_taken(bench):
    """The wait for its turn ends, and so does the lane."""
    queue = bench.filled(bench.job("shop.get", "tea"))
    hall = Hall(bench)

    class Interrupted(Pace):
        def wait(self, ending):
            ending.set()

    hall = Hall(bench, pace=Interrupted(1.0, bench.clock))
    hall.turn(queue)

    assert (hall.settled, len(queue)) == ([], 1)


def test_a_lane_keeps_its_pace(bench):
    """Ten jobs at ten a second take nine tenths of a second."""
    queue = bench.filled(*(bench.job("shop.get", "tea") for _ in range(10)))
    began = bench.clock.monotonic()

    Hall(bench, pace=Pace(10.0, bench.clock)).turn(queue)

    assert round(bench.clock.monotonic() - began, 6) == 0.9


class TestDefects:
    @pytest.mark.parametrize("raised", [RuntimeError("hunter2"), SystemExit("hunter2"), MemoryError()])
    def test_a_defect_is_an_outcome_and_the_partition_goes_on(self, bench, raised):
        """The log says where, and quotes nothing."""
        first, second = bench.job("shop.put", "tea", at=1.0), bench.job("shop.get", "tea", at=2.0)

        hall = Hall(bench, {first.id: [raised]}).turn(bench.filled(first, second))

        assert hall.outcomes == ["failed.worker_error", "matched"]
        [told] = bench.events.of("replay.failed")
        assert told["error"] == type(raised).__name__
        assert any("hall.py" in place for place in told["at"])
        assert "hunter2" not in repr(bench.events.all) + repr(hall.settled)

    def test_a_defect_in_our_own_counting_costs_neither_lane_nor_partition(self, bench):
        """The partition is read again: the write is unknown then, and what comes after it goes on."""
        first, second = bench.job("shop.put", "tea", at=1.0), bench.job("shop.put", "tea", at=2.0)
        queue = bench.filled(first, second)
        hall = Hall(bench)
        hall.settled = Tripping([KeyError("hunter2")])
        hall.lane._progress = hall.settled.append

        hall.turn(queue, bench.filled())
        again = bench.queue()
        bench.intake().fill([again], 0.0)
        hall.turn(again)

        assert queue.lost
        assert hall.outcomes == ["matched"]
        assert bench.pending() == 0
        [told] = bench.events.of("lane.failed")
        assert (told["partition"], told["error"]) == (0, "KeyError")
        assert "hunter2" not in repr(bench.events.all)

    def test_a_refusal_outside_of_the_call_is_refused(self, bench):
        """As when a secrets hook connects to a vault."""
        job = bench.job("shop.get", "tea")

        hall = Hall(bench, {job.id: [EgressRefused("refused a connection")]}).turn(bench.filled(job))

        assert hall.outcomes == ["refused"]


class TestLate:
    def test_a_job_that_was_overtaken_is_told_to_be_late(self, bench):
        """A later one of its key has been sent."""
        later = bench.job("shop.put", "tea", key="k", at=20.0)
        queue = bench.filled(later)
        hall = Hall(bench).turn(queue)
        earlier = bench.job("shop.put", "tea", key="k", at=19.0)
        bench.append(earlier, producer="y")
        bench.intake().fill([queue], 0.0)

        hall.turn(queue)

        assert hall.outcomes == ["matched", "incomparable.late"]

    def test_a_job_that_was_skipped_makes_no_other_late(self, bench):
        """B never saw it."""
        later = bench.job("unheard.of", key="k", at=20.0, experiment="unheard.of")
        queue = bench.filled(later)
        hall = Hall(bench)
        hall.replay.replay = skipping(hall.replay.replay, later.id)
        hall.turn(queue)
        bench.append(bench.job("shop.put", "tea", key="k", at=19.0), producer="y")
        bench.intake().fill([queue], 0.0)

        hall.turn(queue)

        assert hall.outcomes == ["skipped.unknown_experiment", "matched"]


def test_two_journals_of_one_environment_settle_a_job_once(bench):
    """The second settlement of an entry counts nothing."""
    job = bench.job("shop.put", "tea")
    queue = bench.filled(job)
    other = MemoryJournal(bench.server, "b-1")
    Hall(bench).turn(queue)

    assert other.accounts().settled == 1
    assert other.accounts().pending == 0
