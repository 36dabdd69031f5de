"""A lane replays a partition's jobs one after the other; each is marked before it is sent, and settled once."""

from __future__ import annotations

import threading

import pytest

from sidecar_science.errors import EgressRefused, JournalUnavailable
from sidecar_science.journal.memory import MemoryJournal
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.testing import FakeClock
from sidecar_science.worker.endings import Broken, NotSent
from sidecar_science.worker.lane import TURN, Lane
from sidecar_science.worker.pace import Pace
from sidecar_science.worker.pause import Pauses
from tests.worker.bench import Bench, Gate


class Scripted:
    """Stands where a `Replay` stands: each job's attempts end as the script says, ``matched`` when it says nothing.

    An exception is raised after the dispatch, as if it came of sending.
    """

    def __init__(self, bench, script=None):
        self.sent = []
        self.tickets = []
        self.closed = False
        self._bench = bench
        self._script = {job: iter(endings) for job, endings in (script or {}).items()}

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
        return ended(job, Outcome.INCOMPARABLE, "late") if ticket.late else ended(job, ending or Outcome.MATCHED)

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
        self.pauses = Pauses(bench.clock)
        self.quiet = threading.Event()
        self.settled = []
        self.returned = []
        self.work = []
        self.lane = Lane(
            number=0, journal=bench.journal, replay=self.replay, pauses=self.pauses, clock=bench.clock,
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


@pytest.fixture
def bench():
    bench = Bench(clock=FakeClock())

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item):
            return item

        @bench.sidecar.experiment("shop.put", service="shop", effect="write")
        def put(self, item):
            return item

        @bench.sidecar.experiment("shop.replace", service="shop", effect="write", idempotent=True)
        def replace(self, item):
            return item

    bench.sidecar.service("shop", "http://a.test", lambda base_url: Shop())
    return bench


def marks(bench):
    """What the journal holds of dispatched entries: attempts made, in the order of the entries."""
    group = bench.server.partitions[0].groups["b-1"]
    return [marker.attempt for _, marker in sorted(group.inflight.items())]


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

        hall.replay.replay = _skipping(hall.replay.replay, skipped.id)
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


def _skipping(replay, skipped):
    def replay_or_skip(ticket, dispatch):
        if ticket.job.id == skipped:
            return ended(ticket.job, Outcome.SKIPPED, "unknown_experiment")
        return replay(ticket, dispatch)

    return replay_or_skip


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


class TestDefects:
    @pytest.mark.parametrize("raised", [RuntimeError("hunter2"), SystemExit("hunter2"), MemoryError()])
    def test_a_defect_is_an_outcome_and_the_partition_goes_on(self, bench, raised):
        """The log says where, and quotes nothing."""
        first, second = bench.job("shop.put", "tea", at=1.0), bench.job("shop.get", "tea", at=2.0)

        hall = Hall(bench, {first.id: [raised]}).turn(bench.filled(first, second))

        assert hall.outcomes == ["failed.worker_error", "matched"]
        [told] = bench.events.of("replay.failed")
        assert told["error"] == type(raised).__name__
        assert any("test_lane.py" in place for place in told["at"])
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


class Tripping(list):
    """A list that raises before it takes anything."""

    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def append(self, item):
        if self.errors:
            raise self.errors.pop()
        super().append(item)


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
        hall.replay.replay = _skipping(hall.replay.replay, later.id)
        hall.turn(queue)
        bench.append(bench.job("shop.put", "tea", key="k", at=19.0), producer="y")
        bench.intake().fill([queue], 0.0)

        hall.turn(queue)

        assert hall.outcomes == ["skipped.unknown_experiment", "matched"]


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

    @pytest.mark.parametrize("verb", ["start", "settle", "withdraw"])
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


def test_two_journals_of_one_environment_settle_a_job_once(bench):
    """The second settlement of an entry counts nothing."""
    job = bench.job("shop.put", "tea")
    queue = bench.filled(job)
    other = MemoryJournal(bench.server, "b-1")
    Hall(bench).turn(queue)

    assert other.accounts().settled == 1
    assert other.accounts().pending == 0
