"""A replay has its time, and ends with it, whatever its adapter does."""

from __future__ import annotations

import asyncio

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.replay import Ticket
from tests.worker.bench import Bench
from tests.worker.calls import declared, ending


def test_a_call_that_runs_out_of_time_is_a_timeout(bench):
    """Whoever told it to end: a bound request, or the deadline's own thread."""

    def get():
        raise DeadlineExceeded

    declared(bench, get, timeout=2.5)

    replayed = bench.replayed(bench.job("shop.get"))

    assert (ending(replayed), replayed.detail) == ("failed.timeout", "B did not answer within 2.5 s")


def test_a_deadline_that_passed_is_a_timeout_whatever_the_adapter_made_of_it(bench):
    """It caught everything and gave a value: B was not observed in time."""

    def get():
        bench.clock.advance(5.0)
        return 1

    declared(bench, get, timeout=5.0)

    assert ending(bench.replayed(bench.job("shop.get", value=1))) == "failed.timeout"


def test_the_deadlines_thread_ends_a_call(bench):
    """A loop that heeds nothing is ended, and a bare except does not save it."""
    bench = Bench(clock=SYSTEM_CLOCK)
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()

    def get():
        try:
            while True:
                sum(range(100))
        except BaseException:
            return "swallowed"

    declared(bench, get, timeout=0.1)

    replayed = bench.replay(deadlines).replay(Ticket(job=bench.job("shop.get")), lambda plan: None)
    deadlines.stop()

    assert ending(replayed) == "failed.timeout"


def test_a_coroutine_that_waits_for_ever_is_ended():
    """Its loop sleeps in the kernel, wakes often enough to be told, and lets it clean up after itself."""
    bench = Bench(clock=SYSTEM_CLOCK)
    deadlines = Deadlines(SYSTEM_CLOCK)
    deadlines.start()
    cleaned = []

    async def get():
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("cleaned")

    declared(bench, get, timeout=0.1)
    replay = bench.replay(deadlines)

    replayed = [replay.replay(Ticket(job=bench.job("shop.get")), lambda plan: None) for _ in range(2)]
    deadlines.stop()

    assert [ending(each) for each in replayed] == ["failed.timeout"] * 2
    assert cleaned == ["cleaned"] * 2
    assert deadlines.stuck() == []


def test_after_a_timeout_the_lane_has_a_new_adapter(bench):
    """The old one was left in the middle of a call."""
    made = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read", timeout=1.0)
        def get(self):
            bench.clock.advance(1.0)

    bench.sidecar.service("shop", "http://a.test", lambda base_url: made.append(1) or Shop())
    replay = bench.replay()

    for _ in range(2):
        replay.replay(Ticket(job=bench.job("shop.get")), lambda plan: None)

    assert len(made) == 2
