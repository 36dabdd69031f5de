"""Workers that are killed, stopped and ended at every point of a replay: one outcome each, and no write twice."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.processes import until
from tests.faults.proxy import Mode, Proxy
from tests.faults.rig import PATIENT, Rig, script_word
from tests.faults.verdicts import assert_ended, assert_kept

pytestmark = [pytest.mark.realserver, pytest.mark.faults]

EFFECTS = pytest.mark.parametrize("effect", ["write", "read"])


@EFFECTS
def test_a_kill_before_the_start_costs_nothing(rig: Rig, effect: str) -> None:
    """What a dead worker had claimed and not begun is run by the next one, once, in its order."""
    rig.wish("hang")
    worker = rig.start_worker(environ=PATIENT)
    first, *behind = rig.record((effect, "k", ""), ("write", "k", ""), (effect, "k", ""))
    rig.wait_executed(first)

    worker.kill()
    rig.wish("")
    rig.start_worker()

    assert_kept(rig)
    for job in behind:
        assert_ended(rig, job, "ignored", 1)


@pytest.mark.parametrize(("effect", "outcome", "executed"), [("write", "unknown", 0), ("read", "ignored", 1)])
def test_a_kill_between_the_start_and_the_send(rig: Rig, effect: str, outcome: str, executed: int) -> None:
    """Nobody can tell that nothing had been sent: a write is unknown, a read is sent again."""
    with Proxy(rig.b_port) as proxy:
        proxy.be("blackhole")
        worker = rig.start_worker(b_port=proxy.port, environ=PATIENT)
        [job] = rig.record((effect, "k", ""))
        until("a start", lambda: any(marker.startswith("started") for marker in rig.markers().values()))
        worker.kill()

    rig.start_worker()

    assert_kept(rig)
    assert_ended(rig, job, outcome, executed)


@pytest.mark.parametrize(("effect", "outcome", "executed"), [("write", "unknown", 1), ("read", "ignored", 2)])
def test_a_kill_while_b_works(rig: Rig, effect: str, outcome: str, executed: int) -> None:
    """A write is not sent again; a read is, once."""
    rig.wish("hang")
    worker = rig.start_worker(environ=PATIENT)
    [job] = rig.record((effect, "k", ""))
    rig.wait_executed(job)

    worker.kill()
    rig.wish("")
    rig.start_worker()

    assert_kept(rig)
    assert_ended(rig, job, outcome, executed)


@pytest.mark.parametrize("mode", ["blackhole", "drop_replies"])
@EFFECTS
def test_a_kill_at_the_start(rig: Rig, effect: str, mode: Mode) -> None:
    """Nothing is sent before the mark is known to stand; a mark that nobody knows of makes a write unknown."""
    with rig.behind_proxy() as (proxy, worker):
        proxy.trap(script_word("start"), mode)
        [job] = rig.record((effect, "k", ""))
        assert proxy.trapped.wait(5.0)
        worker.kill()

    rig.start_worker()

    assert_kept(rig)
    marked = effect == "write" and mode == "drop_replies"
    assert_ended(rig, job, *(("unknown", 0) if marked else ("ignored", 1)))


@pytest.mark.parametrize(("effect", "outcome", "executed"), [("write", "unknown", 1), ("read", "ignored", 2)])
def test_a_kill_between_the_answer_and_the_settlement(rig: Rig, effect: str, outcome: str, executed: int) -> None:
    """B has answered, and what it said is lost."""
    with rig.behind_proxy() as (proxy, worker):
        proxy.trap(script_word("settle"), "blackhole")
        [job] = rig.record((effect, "k", ""))
        assert proxy.trapped.wait(5.0)
        worker.kill()

    rig.start_worker()

    assert_kept(rig)
    assert_ended(rig, job, outcome, executed)


@EFFECTS
def test_a_kill_right_after_the_settlement(rig: Rig, effect: str) -> None:
    """It happened, though nobody heard of it: the counters know."""
    with rig.behind_proxy() as (proxy, worker):
        proxy.trap(script_word("settle"), "drop_replies")
        [job] = rig.record((effect, "k", ""))
        assert proxy.trapped.wait(5.0)
        rig.drain()
        worker.kill()

    rig.start_worker()

    assert_kept(rig)
    assert (rig.outcomes(job), rig.executed(job)) == ([], 1)


def test_a_settlement_whose_reply_is_lost_happened_once(rig: Rig) -> None:
    """The worker takes its own state as unknown, reads again, and finds nothing to do; then it works as before."""
    with rig.behind_proxy() as (proxy, _):
        proxy.trap(script_word("settle"), "drop_replies")
        [job] = rig.record(("write", "k", ""))
        assert proxy.trapped.wait(5.0)
        rig.drain()
        proxy.be("pass")

        [after] = rig.record(("write", "k", ""))

        assert_kept(rig)
        assert rig.executed(job) == 1
        assert_ended(rig, after, "ignored", 1)


def test_a_kill_after_the_settlement_changes_nothing(rig: Rig) -> None:
    """It is done with."""
    worker = rig.start_worker()
    [job] = rig.record(("write", "k", ""))
    until("a settlement", lambda: worker.has("job.settled", job=job))

    worker.kill()
    rig.start_worker()

    assert_kept(rig)
    assert_ended(rig, job, "ignored", 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_finishes_what_it_does(rig: Rig, number: signal.Signals) -> None:
    """It settles the job in its hands, leaves the others, and gives its partitions back."""
    worker = rig.start_worker(environ=PATIENT)
    first, second = rig.record(("write", "k", "slow:1"), ("write", "k", ""))
    rig.wait_executed(first)

    worker.send(number)

    assert worker.ended() == 0
    assert rig.held_by(worker) == []
    assert_ended(rig, first, "ignored", 1)
    assert rig.executed(second) == 0
    rig.start_worker()
    assert_kept(rig)
    assert_ended(rig, second, "ignored", 1)


def test_a_second_signal_ends_a_worker_at_once(rig: Rig) -> None:
    """What it was doing is nobody's to know."""
    rig.wish("hang")
    worker = rig.start_worker(environ=PATIENT)
    [job] = rig.record(("write", "k", ""))
    rig.wait_executed(job)

    worker.terminate()
    until("a worker that is ending", lambda: worker.has("worker.ending"))
    worker.terminate()

    assert worker.ended() == 1
    rig.wish("")
    rig.start_worker()
    assert_kept(rig)
    assert_ended(rig, job, "unknown", 1)


def test_a_worker_that_was_stopped_past_its_lease_settles_nothing(rig: Rig) -> None:
    """Its successor has said `unknown`; when it goes on it is refused, and then works as before."""
    sleeper = rig.start_worker(environ=PATIENT)
    [job] = rig.record(("write", "k", "slow:1"))
    rig.wait_executed(job)

    sleeper.stop()
    successor = rig.start_worker(environ=PATIENT)
    rig.drain()
    sleeper.go_on()
    until("a lost partition", lambda: sleeper.has("partition.lost"))
    successor.terminate()
    assert successor.ended() == 0
    [after] = rig.record(("write", "k", ""))

    assert_kept(rig)
    assert_ended(rig, job, "unknown", 1)
    assert_ended(rig, after, "ignored", 1)
    assert sleeper.has("job.settled", job=after)


def test_a_dead_worker_is_replaced_within_its_lease(rig: Rig) -> None:
    """Its partitions go to the worker that is left, a beat after the lease has ended at the latest."""
    first, second = rig.start_worker(), rig.start_worker()
    until("a fair share", lambda: len(rig.held_by(first)) == len(rig.held_by(second)) == rig.partitions // 2)

    first.kill()

    until("all partitions", lambda: len(rig.held_by(second)) == rig.partitions, rig.lease * 1.05 + 1.0)


def test_partitions_of_a_worker_that_ends_go_to_the_others(rig: Rig) -> None:
    """It says goodbye: nobody waits for its lease."""
    first, second = rig.start_worker(), rig.start_worker()
    until("a fair share", lambda: len(rig.held_by(first)) == len(rig.held_by(second)) == rig.partitions // 2)

    first.terminate()

    until("all partitions", lambda: len(rig.held_by(second)) == rig.partitions, 3.0)


def test_a_worker_that_joins_gets_its_share_of_a_backlog(rig: Rig) -> None:
    """Also while the one before it has work in every partition."""
    rig.wish("slow:0.05")
    rig.start_worker()
    busy = rig.start_app("--count", "600", "--rate", "2000")
    assert busy.ended() == 0

    helper = rig.start_worker(ready=False)

    until("work for the newcomer", lambda: helper.has("job.settled"), 8.0)
    assert rig.pending() != 0
    rig.wish("")
    assert_kept(rig)


@pytest.mark.parametrize("wish", ["spin", "sleep"])
def test_a_candidate_that_does_not_end_is_ended(rig: Rig, wish: str) -> None:
    """Its partition goes on, and so do the others; and when it goes on itself, its time to send is over."""
    rig.start_worker()

    stuck, behind, beside = rig.record(("write", "k1", wish), ("write", "k1", ""), ("write", "k2", ""))
    begun = time.monotonic()

    rig.drain()
    time.sleep(max(0.0, begun + 5.0 - time.monotonic()))
    assert_kept(rig)
    assert_ended(rig, stuck, "failed.timeout", 0)
    assert_ended(rig, behind, "ignored", 1)
    assert_ended(rig, beside, "ignored", 1)


def test_a_stuck_candidate_in_a_time_of_trouble_blocks_nothing(rig: Rig) -> None:
    """Its lane is given up while Redis is away: the partition is worked on again when it is back."""
    rig.start_worker()
    stuck, behind = rig.record(("write", "k", "sleep"), ("write", "k", ""))
    until("a start", lambda: any(marker.startswith("started") for marker in rig.markers().values()))

    rig.redis.kill()
    time.sleep(3.2)
    rig.redis.start()

    assert_kept(rig)
    assert rig.outcomes(stuck) in (["failed.timeout"], ["unknown"])
    assert_ended(rig, behind, "ignored", 1)


def test_a_candidate_that_exits_does_not_end_its_worker(rig: Rig) -> None:
    """It runs in a process that is watched."""
    worker = rig.start_worker()

    guilty, behind = rig.record(("read", "k1", "exit"), ("read", "k1", ""))

    until("an end, or the job behind", lambda: worker.code is not None or rig.outcomes(behind))
    assert worker.code is None
    assert_kept(rig)
    assert rig.outcomes(guilty) == ["failed.worker_error"]


def test_a_worker_that_is_asked_to_end_while_redis_hangs_ends_by_its_deadline(rig: Rig) -> None:
    """It waits for no reply that does not come."""
    worker = rig.start_worker()
    rig.record(*[("write", f"k{n}", "slow:0.05") for n in range(20)])
    rig.redis.stop()

    worker.terminate()

    assert worker.ended(40.0) == 0
    rig.redis.go_on()
    rig.start_worker()
    assert_kept(rig)


@pytest.mark.parametrize(("effect", "outcome"), [("read", "failed.worker_error"), ("write", "unknown")])
def test_a_candidate_that_takes_its_worker_along_does_so_twice_at_most(rig: Rig, effect: str, outcome: str) -> None:
    """Somebody starts the worker again; the guilty job is done with, and all others are run."""
    guilty, behind, beside = rig.record((effect, "k1", "exit"), ("read", "k1", ""), ("read", "k2", ""))

    for _ in range(3):
        rig.start_worker(ready=False)
        until("an end, or the job behind", lambda: rig.workers[-1].code is not None or rig.outcomes(behind))

    assert_kept(rig)
    assert_ended(rig, guilty, outcome, 0)
    assert_ended(rig, behind, "ignored", 1)
    assert_ended(rig, beside, "ignored", 1)
