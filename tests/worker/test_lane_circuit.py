"""Jobs of a service that is to be left alone wait, and with them what stands behind them; nothing is used up."""

from __future__ import annotations

import pytest

from sidecar_science.worker.endings import Broken, NotSent
from tests.worker.hall import Hall, marks, shop


@pytest.fixture
def bench():
    return shop()


def test_writes_that_break_rest_their_service_after_a_few(bench):
    """Those that were sent are unknown; the others are sent when it is well, in their order."""
    jobs = [bench.job("shop.put", "tea", key="k", at=float(n)) for n in range(14)]
    queue = bench.filled(*jobs)
    hall = Hall(bench, {job.id: [Broken("reset")] for job in jobs[:10]})

    hall.turn(queue)
    waiting = len(queue)
    bench.clock.advance(0.5)
    hall.turn(queue)

    assert waiting == 4
    assert hall.outcomes == ["unknown"] * 10 + ["matched"] * 4
    assert hall.replay.sent == [job.id for job in jobs]
    rested, *_ = bench.events.of("service.rests")
    assert (rested["service"], rested["seconds"], rested["job"]) == ("shop", 0.5, jobs[9].id)
    assert len(bench.events.of("service.back")) == 1


def test_errors_of_the_server_count_too(bench):
    """Each is an answer, and is compared; what comes after ten of them waits."""
    jobs = [bench.job("shop.put", "tea", at=float(n)) for n in range(12)]
    hall = Hall(bench, {job.id: ["failing"] for job in jobs}).turn(queue := bench.filled(*jobs))

    assert hall.outcomes == ["mismatched"] * 10
    assert len(queue) == 2


def test_a_job_that_waits_has_no_mark(bench):
    """Whoever finds it knows that it was not sent."""
    job = bench.job("shop.put", "tea")
    hall = Hall(bench)
    hall.circuit.refused(hall.circuit.enter("shop"))

    hall.turn(queue := bench.filled(job))

    assert (hall.replay.sent, marks(bench), len(queue)) == ([], [0], 1)
    assert not queue.ready(bench.clock.monotonic())
    [told] = bench.events.of("service.rests")
    assert told["job"] == job.id


def test_a_read_that_broke_and_has_to_wait_has_one_more_attempt(bench):
    """Not two: what was sent before the rest counts."""
    job = bench.job("shop.get", "tea")
    queue = bench.filled(job)
    hall = Hall(bench, {job.id: [Broken("reset")] * 3})
    for _ in range(9):
        hall.circuit.failed(hall.circuit.enter("shop"))

    hall.turn(queue)
    sent_before = len(hall.replay.sent)
    bench.clock.advance(0.5)
    hall.turn(queue)

    assert sent_before == 1
    assert hall.outcomes == ["failed.unreachable"]
    assert len(hall.replay.sent) == 2


def test_a_job_whose_attempt_broke_makes_others_late_while_it_waits(bench):
    """Something of it may have reached B."""
    later, earlier = (bench.job("shop.get", "tea", key="k", at=at) for at in (20.0, 19.0))
    queue = bench.filled(later)
    hall = Hall(bench, {later.id: [Broken("reset"), NotSent("refused")]})

    hall.turn(queue)

    assert queue.is_late(earlier)


def test_what_was_withdrawn_late_is_withdrawn_by_its_number(bench):
    """The lane names the start that it takes back."""
    job = bench.job("shop.put", "tea")
    queue = bench.filled(job)
    hall = Hall(bench, {job.id: [NotSent("refused"), NotSent("refused")]})
    numbers = []
    real = bench.journal.withdraw
    bench.journal.withdraw = lambda *args: numbers.append(args[-1]) or real(*args)

    for _ in range(2):
        hall.turn(queue)
        bench.clock.advance(1.0)

    assert numbers == [1, 2]


def test_a_lane_that_is_given_up_is_no_probe_any_more(bench):
    """The next one may try."""
    hall = Hall(bench)
    hall.circuit.refused(hall.circuit.enter("shop"))
    bench.clock.advance(0.5)
    job = bench.job("shop.put", "tea")

    def stuck():
        assert hall.lane.abandon(job.id)
        hall.circuit.leave(hall.circuit.enter("shop"))

    hall.replay.script({job.id: [stuck]})
    hall.turn(bench.filled(job))

    assert hall.outcomes == ["failed.timeout"]
