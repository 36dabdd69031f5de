"""A worker holds its share of the partitions, and the share follows the number of workers that live."""

from __future__ import annotations

import functools
import operator
import random

import pytest

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.memory import MemoryJournal
from sidecar_science.worker.ownership import Ownership
from sidecar_science.worker.queue import PartitionQueue
from tests.worker.bench import Bench


@pytest.fixture
def bench():
    return Bench(partitions=8)


def owner(bench, name="w", lease=10.0):
    return Ownership(
        journal=MemoryJournal(bench.server, "b-1"), worker=name, lease=lease, renew_every=3.0, window=0.25,
        clock=bench.clock, log=bench.events, chance=random.Random(7),
    )  # fmt: skip


def held(*owners):
    return [sorted(each.queues) for each in owners]


def tend(bench, *owners, seconds=1.0):
    """Let time pass, and everybody do what is to be done."""
    bench.clock.advance(seconds)
    for each in owners:
        each.tend()


def test_a_lone_worker_takes_everything(bench):
    """Nobody else is there to do it."""
    alone = owner(bench)

    alone.tend()

    assert held(alone) == [list(range(8))]


def test_a_second_worker_gets_its_half(bench):
    """Whoever has more than its share gives the rest up."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    second.tend()

    tend(bench, first, second)

    assert [len(each) for each in held(first, second)] == [4, 4]
    assert sorted(functools.reduce(operator.iadd, held(first, second), [])) == list(range(8))


def test_three_workers_share_what_does_not_divide_evenly(bench):
    """Three, three, and what is left."""
    owners = [owner(bench, f"w-{n}") for n in range(3)]

    for _ in range(3):
        tend(bench, *owners)

    assert sorted(len(each) for each in held(*owners)) == [2, 3, 3]


def test_the_partitions_of_a_worker_that_went_silent_are_taken_over(bench):
    """Its leases end, and so does its share."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    tend(bench, second, first, second)

    for _ in range(12):
        tend(bench, second)

    assert held(second) == [list(range(8))]


def test_a_worker_that_leaves_hands_over_at_once(bench):
    """Nobody waits for a lease to end."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    tend(bench, second, first, second)

    first.leave()
    tend(bench, second)

    assert held(first, second) == [[], list(range(8))]


def test_what_a_lane_works_on_is_not_released_when_the_worker_leaves(bench):
    """A successor that began there now would be in the lane's way: it waits until the lease has ended."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    first.queues[5].in_lane = True

    first.leave()
    tend(bench, second)
    at_once = held(second)
    for _ in range(10):
        tend(bench, second)

    assert at_once == [[0, 1, 2, 3, 4, 6, 7]]
    assert held(second) == [list(range(8))]


def test_a_partition_that_a_lane_works_on_is_handed_over_when_its_job_is_done(bench):
    """It gives out no more jobs, and is nobody else's until then."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    for queue in first.queues.values():
        queue.in_lane = True
    second.tend()

    tend(bench, first, second)
    while_busy, given_up = held(first, second), [queue for queue in first.queues.values() if queue.lost]
    for queue in first.queues.values():
        queue.in_lane = False
    tend(bench, first, second)

    assert [len(each) for each in while_busy] == [8, 0]
    assert len(given_up) == 4
    assert [len(each) for each in held(first, second)] == [4, 4]


def test_full_partitions_are_given_up_as_well_as_empty_ones(bench):
    """A newcomer that got the empty ones only would have nothing to do."""
    for partition in range(4):
        bench.append(*(bench.job("shop.get") for _ in range(5)), partition=partition)
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    bench.intake().fill(list(first.queues.values()), 0.0)
    second.tend()

    tend(bench, first, second)

    assert 0 < sum(partition < 4 for partition in second.queues) < 4


def test_leases_are_renewed_well_before_they_end(bench):
    """An hour later everything is still held."""
    alone = owner(bench)

    for _ in range(600):
        tend(bench, alone, seconds=6.0)

    assert len(alone.queues) == 8
    assert bench.events.names == []
    assert all(queue.held_until >= bench.clock.monotonic() + 4.0 for queue in alone.queues.values())


def test_a_lease_that_was_lost_is_told_and_its_queue_given_up(bench):
    """Its jobs are somebody else's."""
    alone = owner(bench)
    alone.tend()
    lost = alone.queues[3]
    group = bench.server.partitions[3].groups["b-1"]
    group.lease = None
    bench.journal.acquire(3, "thief", 100.0)

    tend(bench, alone, seconds=3.0)

    assert lost.lost
    assert 3 not in alone.queues
    assert bench.events.all == [("warning", "lease.lost", {"partition": 3})]


def test_a_lost_partition_that_a_lane_works_on_is_told_once(bench):
    """And stays known until the lane has left it, so that it is not taken again under its hands."""
    alone = owner(bench)
    alone.tend()
    alone.queues[3].in_lane = True
    bench.server.partitions[3].groups["b-1"].lease = None

    tend(bench, alone, seconds=3.0)
    tend(bench, alone, seconds=3.0)
    during = alone.queues[3]
    during.in_lane = False
    tend(bench, alone, seconds=1.0)

    assert during.lost
    assert alone.queues[3] is not during
    assert bench.events.names == ["lease.lost"]


def test_what_was_forgotten_is_read_again_under_a_new_lease(bench):
    """After an error of the journal nobody knows what was read."""
    alone = owner(bench)
    alone.tend()
    before = dict(alone.queues)

    alone.forget()
    tend(bench, alone)

    assert all(queue.lost for queue in before.values())
    assert all(alone.queues[partition].lease.fence > queue.lease.fence for partition, queue in before.items())


def test_trouble_leaves_nothing_half_done(bench):
    """When the journal is back, everything is taken again."""
    alone = owner(bench)
    alone.tend()
    alone.forget()
    bench.server.trouble = JournalUnavailable("down")

    for _ in range(3):
        with pytest.raises(JournalUnavailable):
            tend(bench, alone, seconds=5.0)
    bench.server.trouble = None
    for _ in range(3):
        tend(bench, alone)

    assert len(alone.queues) == 8
    assert not any(queue.lost for queue in alone.queues.values())


def test_more_workers_than_partitions_leave_some_idle():
    """A worker without a partition does nothing, and lives."""
    bench = Bench(partitions=2)
    owners = [owner(bench, f"w-{n}") for n in range(4)]

    for _ in range(3):
        tend(bench, *owners)

    assert sorted(len(each) for each in held(*owners)) == [0, 0, 1, 1]


def test_who_takes_a_partition_over_knows_what_was_run(bench):
    """A job that comes after a later one of its key is late for the new owner, too."""
    bench.append(bench.job("shop.get", key="k", at=20.0))
    lease = bench.lease(ttl=5.0)
    bench.intake().fill([PartitionQueue(lease, 0.0)], 0.0)
    [claimed] = bench.journal.recover(lease)
    bench.journal.start(lease, claimed.entry, limit=1, key="k", completed_at=20.0)
    bench.clock.advance(6.0)
    successor = owner(bench, "w-2")

    successor.tend()

    assert successor.queues[0].is_late(bench.job("shop.get", key="k", at=19.0))
    assert not successor.queues[1].is_late(bench.job("shop.get", key="k", at=19.0))


def test_who_leaves_is_missed_before_the_next_beat(bench):
    """What was given back shall not lie about."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    tend(bench, second, first, second)

    first.leave()
    tend(bench, second, seconds=0.25)

    assert held(first, second) == [[], list(range(8))]


def test_who_comes_is_noticed_before_the_next_beat(bench):
    """Its share is free when it looks again."""
    first, second = owner(bench, "w-1"), owner(bench, "w-2")
    first.tend()
    bench.clock.advance(0.1)
    second.tend()

    tend(bench, first, seconds=0.25)

    assert [len(each) for each in held(first)] == [4]
