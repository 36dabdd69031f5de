"""Candidates that bring their process down, and processes that die for no reason: one outcome each, and the others go
on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults.checker import check
from tests.faults.processes import Process, until
from tests.faults.rig import PATIENT, Rig
from tests.faults.verdicts import assert_ended, assert_kept

pytestmark = [pytest.mark.realserver, pytest.mark.faults]

MEMORY = ("--memory", "250")


def child_of(worker: Process) -> int:
    """Its only process, as soon as there is one."""
    until("a process", lambda: worker.children)
    [child] = worker.children
    return child


@pytest.mark.parametrize(("effect", "outcome"), [("read", "failed.worker_error"), ("write", "unknown")])
@pytest.mark.parametrize("wish", ["exit", "segv", "eat", "map", "grip"])
def test_a_candidate_that_brings_its_process_down(rig: Rig, wish: str, effect: str, outcome: str) -> None:
    """It has one outcome; what stands behind it is done, and so is what ran beside it."""
    worker = rig.start_worker(*MEMORY, environ={"FAULTS_TIMEOUT": "4"})

    [guilty, behind, *beside] = rig.record(
        (effect, "k1", wish), ("read", "k1", ""), *[("read", f"k{n}", "slow:0.3") for n in range(2, 12)]
    )

    until("the job behind", lambda: worker.code is not None or rig.outcomes(behind), 60.0)
    assert worker.code is None, worker.log.read_text()
    assert_kept(rig)
    assert_ended(rig, guilty, outcome, 0)
    assert_ended(rig, behind, "ignored", 1)
    # What was settled in the last moment of a process is counted, and stands in no log.
    assert {tuple(rig.outcomes(job)) for job in beside} <= {("ignored",), ()}


def test_a_candidate_that_forks_is_refused(rig: Rig) -> None:
    """What runs in a child is beyond the guard."""
    rig.start_worker()

    guilty, behind = rig.record(("read", "k1", "fork"), ("read", "k1", ""))

    assert_kept(rig)
    assert_ended(rig, guilty, "refused", 0)
    assert_ended(rig, behind, "ignored", 1)


def test_what_brings_a_process_down_before_it_is_started_is_buried(rig: Rig) -> None:
    """Nothing was sent, and nothing will be; people can look at it."""
    worker = rig.start_worker()

    cursed, behind = rig.record(("curse", "k1", "secret"), ("read", "k1", ""))

    assert_kept(rig)
    [letter] = rig.journal.dead(10)
    assert (letter.job, letter.reason.partition(":")[0]) == (cursed, "poison")
    assert rig.outcomes(cursed) == []
    assert_ended(rig, behind, "ignored", 1)
    assert worker.code is None


def test_many_guilty_ones_are_all_found(rig: Rig) -> None:
    """Also when they bring the process down together, and across partitions."""
    worker = rig.start_worker("--processes", "2")

    calls = [("read", f"k{n}", "exit" if n % 3 == 0 else "") for n in range(12)]
    jobs = rig.record(*calls)

    rig.drain(90.0)
    assert_kept(rig)
    assert worker.code is None
    # What was settled right before its process died has logged nothing: the report knows.
    for (_, _, wish), job in zip(calls, jobs, strict=True):
        assert rig.outcomes(job) in ([], ["failed.worker_error" if wish else "ignored"])
    reasons = [each["reasons"].get("failed.worker_error", 0) for each in rig.report()["experiments"]]
    assert sum(reasons) == sum(bool(wish) for _, _, wish in calls)


def test_a_process_that_is_killed_is_replaced_before_its_leases_end(rig: Rig) -> None:
    """Its supervisor says that it is dead: what it did is a suspect, what it had not begun is free."""
    rig.wish("hang")
    worker = rig.start_worker(environ={"FAULTS_TIMEOUT": "10"})
    job, behind = rig.record(("write", "k", ""), ("write", "k", ""))
    rig.wait_executed(job)
    rig.wish("")

    os.kill(child_of(worker), signal.SIGKILL)
    died = time.monotonic()

    until("what comes of it", lambda: rig.outcomes(behind))
    assert time.monotonic() - died < rig.lease
    assert_kept(rig)
    assert_ended(rig, job, "unknown", 1)
    assert_ended(rig, behind, "ignored", 1)
    assert worker.has("process.died", signal="SIGKILL", in_hand=1)


def test_a_read_that_was_in_a_dying_process_is_read_again(rig: Rig) -> None:
    """Nothing is wrong with it."""
    rig.wish("hang")
    worker = rig.start_worker(environ={"FAULTS_TIMEOUT": "10"})
    [job] = rig.record(("read", "k", ""))
    rig.wait_executed(job)
    rig.wish("")

    os.kill(child_of(worker), signal.SIGKILL)

    assert_kept(rig)
    assert_ended(rig, job, "ignored", 2)
    assert worker.has("worker.started", quarantine=True)


def test_an_innocent_in_quarantine_waits_for_b(rig: Rig) -> None:
    """B is away, and nobody else may have it meanwhile; it is run once B is back."""
    rig.wish("hang")
    worker = rig.start_worker(environ={"FAULTS_TIMEOUT": "10"})
    [job] = rig.record(("read", "k", ""))
    rig.wait_executed(job)
    rig.b.kill()
    os.kill(child_of(worker), signal.SIGKILL)
    until("a rest", lambda: worker.has("service.rests", job=job))

    rig.wish("")
    rig.start_b()

    assert_kept(rig)
    assert rig.outcomes(job) == ["ignored"]


def test_processes_end_with_a_supervisor_that_is_killed(rig: Rig) -> None:
    """Nobody would watch them: the kernel ends them, and other workers take over when the leases end."""
    worker = rig.start_worker("--processes", "2")
    until("two processes", lambda: len(worker.children) == 2)
    children = worker.children

    worker.kill()

    assert not any(os.path.exists(f"/proc/{child}/exe") for child in children)
    rig.start_worker()
    assert_kept(rig)


def test_several_processes_share_the_work_and_end_together(rig: Rig) -> None:
    """Like as many workers; one signal to their supervisor ends all of them, each in order."""
    worker = rig.start_worker("--processes", "3")
    until("three workers", lambda: len([*worker.events("worker.started")]) == 3)
    until("a fair share", lambda: rig.journal.crew() == 3)
    rig.record(*[("write", f"k{n}", "") for n in range(60)])
    assert_kept(rig)

    worker.terminate()

    assert worker.ended() == 0
    assert len([*worker.events("worker.ended")]) == 3
    assert rig.journal.crew() == 0


def test_a_process_with_too_many_stuck_lanes_is_replaced(rig: Rig) -> None:
    """It gives everything back first: no job is lost or suspect."""
    worker = rig.start_worker()
    jobs = rig.record(*[("write", f"k{n}", "sleep") for n in range(24)])

    assert_kept(rig)

    assert {tuple(rig.outcomes(job)) for job in jobs} <= {("failed.timeout",)}
    until("another process", lambda: worker.has("process.replaced"))
    assert not worker.has("process.died")


def test_a_pause_before_the_send_is_seen(rig: Rig) -> None:
    """Between the last check and the send nothing can be promised: the checker sees what comes of it."""
    sleeper = rig.start_worker(environ={**PATIENT, "SIDECAR_FAILPOINT": "before_send=pause:8"})
    first, second = rig.record(("write", "k", ""), ("write", "k", ""))
    until("a start", lambda: any(marker.startswith("started") for marker in rig.markers().values()))
    sleeper.terminate()
    rig.link.command("DEL", *[rig.key(n, "lease") for n in range(rig.partitions)])

    rig.start_worker()
    rig.drain()
    rig.wait_executed(first)

    [finding] = check(rig.history(balance=True))
    assert (finding.kind, finding.job, finding.flagged) == ("order", first, True)
    assert_ended(rig, first, "unknown", 1)
    assert_ended(rig, second, "ignored", 1)


@pytest.mark.parametrize(
    ("point", "outcome", "executed"),
    [
        ("before_start", "ignored", 1),
        ("after_start", "unknown", 0),
        ("before_send", "unknown", 0),
        ("after_answer", "unknown", 1),
        ("before_settle", "unknown", 1),
        ("after_settle", None, 1),
    ],
)
def test_a_death_at_every_point_of_a_write(rig: Rig, point: str, outcome: str | None, executed: int) -> None:
    """The worker and its supervisor are gone; the next one finds what can be known."""
    worker = rig.start_worker(environ={**PATIENT, "SIDECAR_FAILPOINT": f"{point}=pause:60"})
    [job] = rig.record(("write", "k", ""))
    until("the point", lambda: _is_at(rig, worker, point, job))
    worker.kill()

    rig.start_worker()

    assert_kept(rig)
    assert rig.executed(job) == executed
    assert rig.outcomes(job) == ([outcome] if outcome else [])


def _is_at(rig: Rig, worker: Process, point: str, job: str) -> bool:
    """As far as it can be seen from outside; then a moment more."""
    states = {marker.partition("|")[0] for marker in rig.markers().values()}
    there = {
        "before_start": "admitted" in states,
        "after_start": "started" in states,
        "before_send": "started" in states,
        "after_settle": rig.pending() == 0,
    }.get(point, bool(rig.executed(job)))
    if there:
        time.sleep(0.5)
    return there
