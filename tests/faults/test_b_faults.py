"""A B-branch that is away, breaks off, hangs, drips or is slow; and one key that is busier than all others."""

from __future__ import annotations

import functools
import time

import pytest

from tests.faults.processes import Process, until
from tests.faults.rig import PATIENT, Rig, script_word
from tests.faults.verdicts import assert_ended, assert_kept

pytestmark = [pytest.mark.realserver, pytest.mark.faults]


def _rests(worker: Process, jobs: list[str]) -> bool:
    """Whether ``worker`` has found B away for each of ``jobs``."""
    return all(worker.has("service.rests", job=job) for job in jobs)


@pytest.mark.parametrize("effect", ["write", "read"])
def test_what_could_not_be_sent_waits_until_b_is_back(rig: Rig, effect: str) -> None:
    """A refused connection is no outcome, and what stands behind it waits too."""
    worker = rig.start_worker()
    rig.b.kill()
    jobs = rig.record((effect, "k", ""), ("write", "k", ""), ("read", "other", ""))
    until("a rest", lambda: _rests(worker, [jobs[0], jobs[2]]))
    assert rig.history().endings == ()

    rig.start_b()

    assert_kept(rig)
    for job in jobs:
        assert_ended(rig, job, "ignored", 1)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("effect", ["write", "read"])
def test_what_could_not_be_sent_survives_its_worker(rig: Rig, effect: str, end: str) -> None:
    """While B is away workers come and go, and no job is used up by that."""
    worker = rig.start_worker()
    rig.b.kill()
    jobs = rig.record((effect, "k", ""), (effect, "other", ""))
    for _ in range(3):
        until("a rest", functools.partial(_rests, worker, jobs))
        worker.terminate() if end == "SIGTERM" else worker.kill()
        worker.ended()
        worker = rig.start_worker()

    rig.start_b()

    assert_kept(rig)
    for job in jobs:
        assert_ended(rig, job, "ignored", 1)


@pytest.mark.parametrize(
    ("wish", "effect", "outcome", "executed"),
    [
        ("reset", "write", "unknown", 1),
        ("reset", "read", "failed.unreachable", 2),
        ("hang", "write", "failed.timeout", 1),
        ("hang", "read", "failed.timeout", 1),
        ("drip", "write", "failed.timeout", 1),
        ("drip", "read", "failed.timeout", 1),
        ("close", "write", "unknown", 1),
        ("close", "read", "failed.unreachable", 2),
        ("error", "write", "ignored", 1),
        ("error", "read", "ignored", 1),
    ],
)
def test_an_answer_that_goes_wrong_is_an_outcome(rig: Rig, wish: str, effect: str, outcome: str, executed: int) -> None:
    """A write is sent once, whatever becomes of it; a read that broke is sent once more; the next job runs."""
    rig.start_worker()

    job, behind = rig.record((effect, "k", wish), ("write", "k", ""))

    assert_kept(rig)
    assert_ended(rig, job, outcome, executed)
    assert_ended(rig, behind, "ignored", 1)


def test_a_write_that_b_recognizes_is_sent_once_more_under_the_same_key(rig: Rig) -> None:
    """Once, and no oftener; a B that honors the key does it once."""
    rig.start_worker()

    job, behind = rig.record(("replace", "k", "reset"), ("replace", "k", ""))

    assert_kept(rig)
    assert_ended(rig, job, "unknown", 2)
    assert_ended(rig, behind, "ignored", 1)
    keys = [each.idempotency_key for each in rig.history().executions if each.job == job]
    assert keys[0] == keys[1] is not None


def test_a_write_that_was_lost_explains_the_differences_after_it(rig: Rig) -> None:
    """Of its key, and of no other: what is compared there says nothing about B. A worker that comes later knows it."""
    worker = rig.start_worker()
    [lost] = rig.record(("write", "k", "reset"))
    rig.drain()
    worker.terminate()
    worker.ended()
    rig.start_worker()

    after, other = rig.record(("look", "k", ""), ("look", "other", ""))

    assert_kept(rig)
    assert_ended(rig, lost, "unknown", 1)
    assert_ended(rig, after, "incomparable.gap", 1)
    assert_ended(rig, other, "mismatched", 1)


def test_a_b_that_breaks_everything_off_uses_few_writes_up(rig: Rig) -> None:
    """After a few the others wait until it is well."""
    rig.wish("reset")
    rig.start_worker()
    rig.record(*[("write", f"k{n % 40}", "") for n in range(200)])
    time.sleep(2.0)

    rig.wish("")

    assert_kept(rig)
    unknown = sum(ending.outcome == "unknown" for ending in rig.history().endings)
    assert 0 < unknown < 60


@pytest.mark.parametrize("wish", ["bomb", "flood"])
def test_a_body_without_end_is_bounded(rig: Rig, wish: str) -> None:
    """Neither what a little text unpacks to nor what never ends fills the worker's memory."""
    worker = rig.start_worker(environ=PATIENT)

    job, behind = rig.record(("read", "k", wish), ("read", "k", ""))

    assert_kept(rig)
    assert_ended(rig, job, "failed.worker_error", 1)
    assert_ended(rig, behind, "ignored", 1)
    assert worker.peak_memory() < 250 * 1024 * 1024


ODD_BODIES = [
    "", "null", "NaN", "1e400", "[" * 5000 + "]" * 5000, '{"n": 1180591620717411303424}', '{"s": "\\ud800"}',
    '{"\\u0000": "\\u2028\\u202e"}', '{"a": 1, "a": 2}', '{"": {"": [{"": null}]}}', '[1, "1", true, 1.0]',
    '"' + "x" * 50_000 + '"', "<html>", '{"__proto__": 1, "@settled": 2, "outcome|matched": 3}',
]  # fmt: skip


def test_odd_bodies_are_outcomes(rig: Rig) -> None:
    """Whatever B says, its job is settled, and so are those behind it."""
    worker = rig.start_worker("--lanes", "2")

    jobs = rig.record(*[("look", "k", f"body:{body}") for body in ODD_BODIES], ("write", "k", ""))

    assert_kept(rig)
    assert all(len(rig.outcomes(job)) == 1 for job in jobs)
    assert not worker.has("replay.failed")
    assert "Traceback" not in worker.log.read_text()


def test_a_b_that_dies_and_comes_back_under_load(rig: Rig) -> None:
    """Requests in flight are lost or not; nothing is sent twice, and what was not sent is sent later."""
    rig.start_worker()
    rig.start_worker()
    app = rig.start_app("--count", "400", "--rate", "200")

    for _ in range(3):
        time.sleep(0.4)
        rig.b.kill()
        time.sleep(0.2)
        rig.start_b()

    assert app.ended() == 0
    assert_kept(rig)


def test_a_hot_key_delays_itself_and_its_partition_only(rig: Rig) -> None:
    """The other partitions are done long before it."""
    rig.start_worker()
    hot = [("write", "hot", "slow:0.02")] * 150
    rig.record(*hot, *[("write", f"k{n}", "") for n in range(30)])

    assert_kept(rig)

    executions = sorted(rig.history().executions, key=lambda each: each.at)
    partition_of_hot = {each.key for each in executions[-10:]}
    others = [each.at for each in executions if each.key not in partition_of_hot]
    last_of_hot = executions[-1].at
    assert len(others) > 10
    assert max(others) < last_of_hot - 1.0


def test_a_burst_of_one_key_is_run(rig: Rig) -> None:
    """More jobs of one partition than are claimed at once, all of them within one window: their order is known all the
    same, and they are run."""
    rig.start_worker()

    jobs = rig.record(*[("write", "k", "")] * 300, rate=100_000)

    assert_kept(rig)
    assert len(jobs) == 300


@pytest.mark.parametrize("client", ["raw", "aio"])
def test_a_client_that_nobody_observes_sends_nothing_twice(rig: Rig, client: str) -> None:
    """It wrote, and its next connection was refused: that something was sent is known all the same."""
    rig.start_worker()
    rig.wish("die")
    [job] = rig.record((client, "k", ""))
    until("the end of B", lambda: rig.b.code is not None)
    until("what comes of it", lambda: rig.outcomes(job) or rig.workers[0].has("service.rests"))

    rig.wish("")
    rig.start_b()

    rig.drain()
    assert sum(each.call.endswith("first") for each in rig.history().executions) == 1
    assert rig.outcomes(job) == ["unknown"]


def test_a_withdrawal_that_comes_late_takes_no_later_start_back(rig: Rig) -> None:
    """The mark of a write that was sent stands, whatever an older connection still brings."""
    with rig.behind_proxy(PATIENT) as (proxy, worker):
        rig.b.kill()
        proxy.trap(script_word("withdraw"), "delay", 6.5)
        [job] = rig.record(("write", "k", ""))
        assert proxy.trapped.wait(5.0)
        proxy.be("pass")
        rig.wish("hang")
        rig.start_b()
        rig.wait_executed(job)

        late = until("the late withdrawal", lambda: proxy.holds_nothing, 8.0)
        worker.kill()

    assert late
    rig.wish("")
    rig.start_worker(environ=PATIENT)
    assert_kept(rig)
    assert_ended(rig, job, "unknown", 1)
