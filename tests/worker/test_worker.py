"""The whole worker on a journal in memory: it drains it, shares it, and ends by one deadline."""

from __future__ import annotations

import threading
import time

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.journal.memory import MemoryJournal
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.worker import Worker
from tests.worker.bench import Bench
from tests.worker.crew import SOON, fill, in_thread, now, opened, until


@pytest.fixture
def bench():
    return opened(Bench(clock=SYSTEM_CLOCK, partitions=4))


def test_a_burst_ends_when_the_journal_is_drained(bench):
    """Every job is settled, once, in the order of its partition."""
    fill(bench, 200)
    worker = bench.worker(lanes=3)

    drained = worker.run(burst=True)
    ended = worker.stop(now() + SOON)

    assert (drained, ended) == (True, True)
    assert worker.settled == 200
    assert dict(worker.outcomes) == {"matched": 200}
    assert all(bench.seen.index(n) < bench.seen.index(n + 4) for n in range(196))
    accounts = bench.journal.accounts()
    assert (accounts.settled, accounts.pending) == (200, 0)


def test_a_partition_full_of_jobs_of_one_instant_is_drained(bench):
    """More than one portion arrives within the reorder window: reading goes on until it is known what came with it."""
    crowd = opened(Bench(clock=SYSTEM_CLOCK))
    for number in range(300):
        crowd.append(crowd.job("shop.get", number, value=number, at=1000.0 + number))
    worker = Worker(
        name="w", journal=crowd.journal, intake=crowd.intake(), replay=crowd.replay, lanes=1, lease=10.0,
        renew_every=3.0, window=0.25, clock=SYSTEM_CLOCK, log=crowd.events,
    )  # fmt: skip

    drained = worker.run(burst=True, give_up_after=10.0)
    worker.stop(now() + SOON)

    assert (drained, crowd.seen) == (True, list(range(300)))


def test_an_empty_journal_ends_a_burst_at_once(bench):
    """There is nothing to do."""
    worker = bench.worker()

    assert worker.run(burst=True)
    assert worker.stop(now() + SOON)
    assert worker.settled == 0


def test_a_burst_without_progress_gives_up(bench):
    """Somebody else holds the partitions, and does nothing."""
    fill(bench, 4)
    for partition in range(4):
        bench.journal.acquire(partition, "sleeper", 60.0)
    worker = bench.worker()

    drained = worker.run(burst=True, give_up_after=0.3)
    worker.stop(now() + SOON)

    assert not drained
    assert bench.events.of("burst.gave_up") == [{"seconds": 0.3}]


def test_the_progress_of_others_is_progress(bench):
    """A burst waits for a slow neighbor as long as that one goes on."""
    fill(bench, 8)
    leases = [bench.journal.acquire(partition, "neighbor", 60.0) for partition in range(4)]
    entries = bench.journal.claim(leases, 10)
    worker = bench.worker()
    thread, given = in_thread(worker, burst=True, give_up_after=1.0)

    for entry in entries:
        time.sleep(0.3)
        bench.journal.foreign(leases[entry.partition], entry.entry, "done elsewhere", b"")
    thread.join(SOON)
    worker.stop(now() + SOON)

    assert given == [True]
    assert worker.settled == 0


def test_a_quiet_worker_takes_nothing_new_and_finishes_what_runs(bench):
    """What is under way is settled, the rest stays for the next owner."""
    jobs = [bench.job("shop.wait", n, value=n, at=1000.0 + n) for n in range(5)]
    bench.sidecar.experiments["shop.wait"].timeout = 60.0
    bench.append(*jobs)
    worker = bench.worker(lanes=1)
    thread, given = in_thread(worker)
    bench.gate.await_arrival()

    worker.quiet()
    thread.join(SOON)
    threading.Timer(0.1, bench.gate.open).start()
    ended = worker.stop(now() + SOON)

    assert (given, ended, worker.is_quiet) == ([True], True, True)
    assert worker.settled == 1
    assert bench.pending() == 4
    assert bench.journal.acquire(0, "successor", 1.0) is not None


def test_an_end_that_comes_too_soon_leaves_the_lease_of_what_runs(bench):
    """Nobody may begin there while the call is still under way."""
    bench.sidecar.experiments["shop.wait"].timeout = 60.0
    bench.append(bench.job("shop.wait", 1, value=1), partition=0)
    worker = bench.worker(lanes=1)
    thread, _ = in_thread(worker)
    bench.gate.await_arrival()

    worker.quiet()
    thread.join(SOON)
    ended = worker.stop(now())
    taken = [bench.journal.acquire(partition, "successor", 1.0) for partition in range(4)]
    bench.gate.open()

    assert not ended
    assert [lease is None for lease in taken] == [True, False, False, False]


def test_leases_are_kept_while_a_worker_ends(bench):
    """A last job that takes longer than a lease is settled all the same."""
    bench.sidecar.experiments["shop.wait"].timeout = 60.0
    bench.append(bench.job("shop.wait", 1, value=1), partition=0)
    worker = bench.worker(lanes=1, lease=0.6)
    thread, _ = in_thread(worker)
    bench.gate.await_arrival()

    worker.quiet()
    thread.join(SOON)
    threading.Timer(1.5, bench.gate.open).start()
    ended = worker.stop(now() + SOON)

    assert (ended, bench.outcomes) == (True, ["matched"])
    assert "lease.lost" not in bench.events.names


def test_two_workers_share_the_work_and_do_each_job_once(bench):
    """Partitions change hands while both are at work."""
    fill(bench, 400)
    workers = [
        Worker(
            name=name, journal=(journal := MemoryJournal(bench.server, "b-1")),
            intake=Intake(
                journal=journal, keyring=bench.sidecar.keyring, clock=SYSTEM_CLOCK, log=bench.events
            ),
            replay=bench.replay, lanes=2, lease=10.0, renew_every=3.0, window=0.0, clock=SYSTEM_CLOCK,
            log=bench.events,
        )
        for name in ("w-1", "w-2")
    ]  # fmt: skip
    threads = [in_thread(worker, burst=True) for worker in workers]

    for thread, given in threads:
        thread.join(SOON)
        assert given == [True]
    for worker in workers:
        worker.stop(now() + SOON)

    assert sorted(bench.seen) == list(range(400))
    assert sum(worker.settled for worker in workers) == 400


def test_a_lost_partition_does_not_wait_in_line_for_a_lane(bench):
    """All lanes are busy with others: its next owner need not wait for one of them to look at it."""
    bench.sidecar.experiments["shop.wait"].timeout = 60.0
    bench.append(bench.job("shop.wait", 1, value=1), partition=0)
    worker = bench.worker(lanes=1)
    thread, _ = in_thread(worker)
    bench.gate.await_arrival()
    bench.append(bench.job("shop.get", 2, value=2), partition=1)
    until(lambda: worker._ready)
    before = worker._ownership.queues[1]

    before.lost = True
    until(lambda: worker._ownership.queues.get(1) not in (None, before))
    bench.gate.open()
    until(lambda: worker.settled == 2)
    worker.quiet()
    thread.join(SOON)

    assert worker.stop(now() + SOON)
    assert bench.outcomes == ["matched", "matched"]


def test_a_worker_that_never_ran_can_be_stopped(bench):
    """Something went wrong before."""
    assert bench.worker().stop(now())


def test_settled_entries_are_freed_while_the_worker_runs(bench):
    """The journal does not grow with what is done."""
    other = MemoryJournal(bench.server, "b-2")
    other.join()
    fill(bench, 8)
    for worker in (bench.worker(), _of(bench, other)):
        worker.run(burst=True)
        worker.stop(now() + SOON)

    assert bench.journal.peek(10) == []


def _of(bench, journal):
    return Worker(
        name="other", journal=journal,
        intake=Intake(journal=journal, keyring=bench.sidecar.keyring, clock=SYSTEM_CLOCK, log=bench.events),
        replay=bench.replay, lanes=1, lease=10.0, renew_every=3.0, window=0.0, clock=SYSTEM_CLOCK,
        log=bench.events,
    )  # fmt: skip
