"""Apps that are killed, that end while Redis hangs, and that ship late: what is lost is little, and it is said."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Iterator

import pytest

from tests.faults.checker import check, unflagged
from tests.faults.processes import until
from tests.faults.proxy import Mode, Proxy
from tests.faults.rig import Rig
from tests.faults.verdicts import assert_ended, assert_kept

pytestmark = [pytest.mark.realserver, pytest.mark.faults]

LOSS_BOUND = 12


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_app_loses_a_few_calls_at_most(rig: Rig, seed: int) -> None:
    """Those of one interval of its shipping; everything else has its outcome, and the accounts add up."""
    rig.start_worker()
    app = rig.start_app("--count", "2000", "--rate", "200")
    until("calls", lambda: len(rig.history().calls) > 100)
    time.sleep(random.Random(seed).uniform(0.0, 1.0))

    app.kill()

    assert_kept(rig, loss_bound=LOSS_BOUND)


def test_a_killed_app_is_listed_as_unclean(rig: Rig) -> None:
    """It has not said goodbye: nobody is to think that its counts are its last word."""
    rig.start_worker()
    app = rig.start_app("--count", "2000", "--rate", "200")
    until("calls", lambda: len(rig.history().calls) > 300)
    app.kill()
    rig.drain()

    rig.age_producers(60.0)

    assert rig.journal.accounts().unclean == 1
    [producer] = rig.journal.producers()
    assert producer.unclean
    assert_kept(rig, loss_bound=LOSS_BOUND)


def test_an_app_that_ends_while_redis_hangs_does_not_wait_for_it(rig: Rig) -> None:
    """It gives up by its flush timeout, and whatever arrives later is in the accounts."""
    rig.start_worker()
    app = rig.start_app("--count", "60", "--rate", "200", environ={"SIDECAR_FLUSH_TIMEOUT": "1"})
    until("calls", lambda: len(rig.history().calls) > 30)
    rig.redis.stop()

    assert app.ended(15.0) == 0

    rig.redis.go_on()
    rig.drain()
    found = unflagged(check(rig.history(balance=True), loss_bound=60))
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("mode", ["drop_replies", "blackhole", "reset"])
def test_what_an_app_ships_again_is_run_once(rig: Rig, mode: Mode) -> None:
    """A batch that may have arrived is sent again; the reader knows it."""
    rig.start_worker()
    with Proxy(rig.redis.port) as proxy:
        app = rig.start_app("--count", "200", "--rate", "100", redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        until("calls", lambda: len(rig.history().calls) > 30)
        proxy.be(mode)
        time.sleep(1.5)
        proxy.be("pass")
        assert app.ended() == 0

        assert_kept(rig)


def test_a_goodbye_is_not_taken_back_by_what_was_said_before(rig: Rig) -> None:
    """Counts that an older connection brings late are older counts."""
    rig.start_worker()
    with Proxy(rig.redis.port) as proxy:
        proxy.trap(b":producers", "delay", 4.0)
        app = rig.start_app("--count", "300", "--rate", "100", redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        assert proxy.trapped.wait(10.0)
        proxy.be("pass")
        assert app.ended() == 0
        until("what was said late", lambda: proxy.holds_nothing)
        time.sleep(0.2)

    assert_kept(rig)
    [producer] = rig.journal.producers()
    assert producer.ended


@contextlib.contextmanager
def _held_back(rig: Rig) -> Iterator[str]:
    """A job that is not in the journal before the block ends, though a later one of its key has been run."""
    with Proxy(rig.redis.port) as proxy:
        proxy.be("reset")
        slow = rig.start_app(script=[("write", "k", "")], redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        [job] = until("its call", lambda: [call.job for call in rig.history().calls if call.end < math.inf])
        [later] = rig.record(("write", "k", ""))
        rig.drain()
        assert rig.executed(later) == 1
        yield job
        proxy.be("pass")
        assert slow.ended() == 0


def test_a_job_that_comes_after_a_later_one_is_called_late(rig: Rig) -> None:
    """It is run, and not compared."""
    rig.start_worker()

    with _held_back(rig) as job:
        pass

    assert_kept(rig)
    assert_ended(rig, job, "incomparable.late", 1)


def test_a_job_that_comes_after_a_later_one_is_called_late_by_another_worker_too(rig: Rig) -> None:
    """What its predecessor has run is known to it."""
    worker = rig.start_worker()

    with _held_back(rig) as job:
        worker.terminate()
        worker.ended()
        rig.start_worker()

    assert_kept(rig)
    assert_ended(rig, job, "incomparable.late", 1)


def test_a_job_that_comes_after_a_later_one_is_called_late_after_trouble_too(rig: Rig) -> None:
    """What the worker itself has run before it read everything again is known to it."""
    worker = rig.start_worker()

    with _held_back(rig) as job:
        rig.redis.kill()
        until("trouble", lambda: worker.has("journal.trouble"))
        rig.redis.start()
        until("a lease", lambda: rig.held_by(worker))

    assert_kept(rig)
    assert_ended(rig, job, "incomparable.late", 1)
