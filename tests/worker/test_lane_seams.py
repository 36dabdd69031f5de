"""Where batches, taints, hand-overs and deaths meet: what is done for speed changes nothing of what is promised."""

from __future__ import annotations

import pytest

from sidecar_science.reports.outcome import Outcome
from sidecar_science.testing import FakeClock
from sidecar_science.worker import lane as lanes
from sidecar_science.worker.endings import Broken, NotSent
from sidecar_science.worker.quarantine import Quarantine
from sidecar_science.worker.queue import PartitionQueue
from sidecar_science.worker.replay import Ticket
from tests.worker.bench import Bench
from tests.worker.hall import Hall, mending, shop


def taken_over(bench):
    """The partition in the hands of another worker, with all that waits in it."""
    lease = bench.journal.acquire(0, "successor", 10.0)
    queue = PartitionQueue(lease, 0.0, bench.clock.monotonic() + 10.0, bench.journal.dispatched(lease))
    while bench.intake().fill([queue], 0.0):
        pass
    return queue


def test_reads_that_change_hands_in_order_are_not_late():
    """Those of one key that had not been sent had not been marked either."""
    bench = shop()
    jobs = [bench.job("shop.get", "tea", key="k", at=1000.0 + n) for n in range(4)]
    queue = bench.filled(*jobs)
    hall = Hall(bench, {jobs[0].id: [lambda: setattr(queue, "lost", True)]}).turn(queue)
    bench.journal.release(queue.lease)

    successor = Hall(bench).turn(taken_over(bench))

    assert (hall.outcomes, successor.outcomes) == (["matched"], ["matched"] * 3)


def test_no_read_is_marked_past_a_job_whose_place_is_not_known():
    """A write that came through another connection stands between: it is not called late, nor is its key tainted."""
    bench = shop()
    first = bench.job("shop.get", "tea", key="x", at=1.0)
    write = bench.job("shop.put", "tea", key="k", at=10.0)
    last = bench.job("shop.get", "tea", key="k", at=11.0)
    bench.append(first, producer="p-1")
    bench.append(last, producer="p-2")
    queue = bench.queue(window=0.25)
    bench.intake().fill([queue], 0.0)
    bench.clock.advance(0.2)
    bench.append(write, producer="p-3")
    bench.clock.advance(0.1)
    intake = bench.intake()
    intake.fill([queue], 0.0)
    intake.fill([queue], 0.0)
    Hall(bench, {first.id: [lambda: setattr(queue, "lost", True)]}).turn(queue)
    bench.journal.release(queue.lease)

    successor = Hall(bench).turn(taken_over(bench))

    assert successor.outcomes == ["matched", "matched"]


def test_a_taint_is_known_before_the_next_difference_is_judged():
    """A read carries a gap that an earlier write has healed: what differs behind it says nothing about B."""
    bench = mending()
    write = bench.job("shop.set", "tea", key="k", at=1.0)
    carrier = bench.job("shop.get", "tea", key="other", at=2.0, gaps=("k",))
    differs = bench.job("shop.get", "tea", key="k", at=3.0)

    hall = Hall(bench, {differs.id: [Outcome.MISMATCHED]}).turn(bench.filled(write, carrier, differs))

    assert hall.outcomes == ["matched", "matched", "incomparable.gap"]


def test_the_quarantine_knows_what_was_run():
    """A suspect that came after a later job of its key is late there as well."""
    bench = shop()
    late = bench.job("shop.put", "tea", key="k", at=10.0)
    queue = bench.filled(bench.job("shop.put", "tea", key="k", at=11.0))
    Hall(bench).turn(queue)
    bench.append(late, producer="p-2")
    bench.intake().fill([queue], 0.0)
    [entry] = [claimed.entry for claimed in bench.journal.recover(queue.lease)]
    bench.journal.crashed("w", {0: [entry]})
    quarantine = Quarantine(
        journal=bench.journal, intake=bench.intake(), worker="q", lease=10.0, renew_every=3.0, clock=bench.clock,
        log=bench.events,
    )  # fmt: skip
    quarantine.tend()
    [suspects] = quarantine.queues.values()
    quarantine.fill([suspects], 0.0)

    assert Hall(bench).turn(suspects).outcomes == ["incomparable.late"]


def test_what_a_defect_has_left_is_not_settled_in_another_partition(monkeypatch):
    """Entries of two partitions may have one id."""
    bench = mending(partitions=2)
    jobs, other = [bench.job("shop.get", "tea") for _ in range(2)], bench.job("shop.get", "tea")
    bench.append(*jobs, partition=0)
    bench.append(other, partition=1)
    queues = [bench.queue(0), bench.queue(1)]
    bench.intake().fill(queues, 0.0)
    judged = lanes.judged

    def broken(replayed, job, tainted):
        assert job.id != jobs[1].id, "a defect of ours"
        return judged(replayed, job, tainted)

    monkeypatch.setattr(lanes, "judged", broken)

    hall = Hall(bench).turn(*queues)

    assert [each.job for each in hall.settled] == [other.id]
    assert [len(partition.groups["b-1"].pending) for partition in bench.server.partitions] == [2, 0]


def test_what_was_sent_is_not_begun_anew_for_an_adapter_that_cannot_be_made():
    """A block calls two services, and the second one does not answer while its adapter is made: nobody may think that
    nothing was sent."""
    bench = Bench(clock=FakeClock(), targets={"shop": "http://b.test", "stock": "http://d.test"})
    sent = []

    @bench.sidecar.experiment("shop.put", service="shop", effect="read")
    def put(item):
        sent.append(item)

    class Stock:
        @bench.sidecar.experiment("stock.take", service="stock", effect="read")
        def take(self, item):
            return item

    def refused(base_url):
        raise ConnectionRefusedError

    bench.sidecar.service("shop", "http://a.test", lambda base_url: None)
    bench.sidecar.service("stock", "http://c.test", refused)
    both = [bench.call("shop.put", "tea", behavior="one"), bench.call("stock.take", "tea", behavior="two")]
    second_first = bench.job("stock.take", calls=both[::-1])

    with pytest.raises(Broken):
        bench.replay().replay(Ticket(job=bench.job("shop.put", calls=both)), lambda plan: None)
    assert sent == ["tea"]
    with pytest.raises(NotSent):
        bench.replay().replay(Ticket(job=second_first), lambda plan: None)
    assert sent == ["tea"]
