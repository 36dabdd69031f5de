"""The jobs of a partition leave in the order in which their controls completed, whoever shipped them when."""

from __future__ import annotations

from sidecar_science.journal.protocol import Lease
from sidecar_science.worker.queue import LOW_WATER, PartitionQueue
from tests.worker.bench import waiting

LEASE = Lease(partition=3, token="w:1", fence=1)


def queue(window=0.25):
    return PartitionQueue(LEASE, window)


def ids(taken):
    return [one.job.id for one in taken]


def drain(partition, now):
    taken = []
    while (one := partition.take(now)) is not None:
        taken.append(one)
    return taken


def test_jobs_of_several_producers_leave_in_the_order_of_their_completion(bench):
    """Two app processes ship interleaved; what counts is when their controls completed."""
    first, second, third = (bench.job("shop.get", at=at) for at in (10.0, 10.1, 10.2))
    partition = queue()

    partition.add([waiting(second, producer="x"), waiting(third, producer="x", sequence=2)], read_until=0.1)
    partition.add([waiting(first, producer="y")], read_until=1.0)

    assert ids(drain(partition, 1.0)) == [first.id, second.id, third.id]


def test_jobs_completed_at_the_same_instant_keep_their_producers_sequence(bench):
    """A clock that stands still makes no disorder."""
    jobs = [bench.job("shop.get", at=10.0) for _ in range(3)]
    partition = queue()

    partition.add([waiting(job, sequence=3 - n) for n, job in enumerate(jobs)], read_until=1.0)

    assert ids(drain(partition, 1.0)) == [job.id for job in reversed(jobs)]


def test_a_job_waits_until_the_window_after_its_arrival_has_passed(bench):
    """Within the window somebody may still ship something that comes before it."""
    partition = queue()
    partition.add([waiting(bench.job("shop.get"), arrived=5.0)], read_until=9.0)

    early, due = partition.ready(5.2), partition.ready(5.25)

    assert (early, due) == (False, True)


def test_a_job_waits_until_what_arrived_within_its_window_has_been_read(bench):
    """Time alone is not enough: what nobody has read yet may come before it."""
    partition = queue()
    partition.add([waiting(bench.job("shop.get"), arrived=5.0)], read_until=5.1)

    unread = partition.take(9.0)
    partition.add([], read_until=5.25)

    assert unread is None
    assert partition.take(9.0) is not None


def test_a_full_queue_wants_more_while_its_next_job_cannot_be_ordered(bench):
    """Many jobs that arrive at one instant are read to their end: else none of them could ever start."""
    partition = queue()
    crowd = [waiting(bench.job("shop.get"), sequence=n, arrived=5.0) for n in range(2 * LOW_WATER)]

    partition.add(crowd, read_until=5.0)
    before = partition.wants_more()
    partition.add([], read_until=5.3)

    assert before
    assert not partition.wants_more()


def test_an_endless_crowd_within_one_window_is_started_all_the_same(bench, monkeypatch):
    """The memory for an order has a bound; beyond it what is there is sorted and goes."""
    monkeypatch.setattr("sidecar_science.worker.queue._MOST", 3)
    partition = queue()

    partition.add([waiting(bench.job("shop.get"), sequence=n, arrived=5.0) for n in range(3)], read_until=5.0)

    assert partition.take(6.0) is not None


def test_a_nearly_empty_queue_wants_more(bench):
    """A partition is read ahead of its lane."""
    partition = queue()

    partition.add([waiting(bench.job("shop.get"))], read_until=100.0)

    assert partition.wants_more()


def test_a_job_that_is_put_back_rests_and_is_first_again(bench):
    """Nothing of it was sent: those after it wait behind it."""
    first, second = bench.job("shop.get", at=1.0), bench.job("shop.get", at=2.0)
    partition = queue()
    partition.add([waiting(first), waiting(second, sequence=2)], read_until=10.0)
    taken = partition.take(10.0)

    partition.put_back(taken, 12.0)

    assert not partition.ready(11.0)
    assert partition.take(11.0) is None
    assert ids(drain(partition, 12.0)) == [first.id, second.id]


def test_what_arrives_while_a_job_is_put_back_keeps_its_own_place(bench):
    """An earlier job that came in meanwhile goes before it, for nothing of the later one was sent."""
    later, earlier = bench.job("shop.get", at=2.0), bench.job("shop.get", at=1.0)
    partition = queue()
    partition.add([waiting(later)], read_until=10.0)
    taken = partition.take(10.0)
    partition.add([waiting(earlier, producer="slow")], read_until=11.0)

    partition.put_back(taken, 0.0)

    assert ids(drain(partition, 12.0)) == [earlier.id, later.id]


def test_a_lost_queue_gives_out_nothing(bench):
    """Another worker may have the partition by now."""
    partition = queue()
    partition.add([waiting(bench.job("shop.get"))], read_until=10.0)

    partition.lost = True

    assert not partition.ready(20.0)
    assert partition.take(20.0) is None


def test_a_job_is_late_after_a_later_one_of_its_key_was_dispatched(bench):
    """The one that was overtaken is late; one of another key is not."""
    partition = queue()
    partition.dispatched(bench.job("shop.put", key="k", at=20.0))

    assert partition.is_late(bench.job("shop.get", key="k", at=19.0))
    assert not partition.is_late(bench.job("shop.get", key="k", at=21.0))
    assert not partition.is_late(bench.job("shop.get", key="other", at=19.0))


def test_a_job_that_was_only_asked_about_makes_no_other_late(bench):
    """What was never dispatched has overtaken nobody."""
    partition = queue()

    partition.is_late(bench.job("shop.get", key="k", at=20.0))

    assert not partition.is_late(bench.job("shop.get", key="k", at=19.0))


def test_a_job_without_a_key_is_never_late(bench):
    """It asked for no order."""
    partition = queue()
    partition.dispatched(bench.job("shop.get", at=20.0))

    assert not partition.is_late(bench.job("shop.get", at=1.0))


def test_an_earlier_dispatch_does_not_hide_a_later_one(bench):
    """A late job that ran all the same leaves the mark where it was."""
    partition = queue()
    partition.dispatched(bench.job("shop.put", key="k", at=20.0))
    partition.dispatched(bench.job("shop.put", key="k", at=10.0))

    assert partition.is_late(bench.job("shop.get", key="k", at=15.0))


def test_the_longest_unused_key_is_forgotten_first(bench, monkeypatch):
    """The memory of keys has a bound."""
    monkeypatch.setattr("sidecar_science.worker.queue._REMEMBERED_KEYS", 2)
    partition = queue()
    for key in ("old", "used", "old-but-used-again", "used"):
        partition.dispatched(bench.job("shop.put", key=key, at=20.0))

    late = {key: partition.is_late(bench.job("shop.get", key=key, at=1.0)) for key in ("old", "used")}

    assert late == {"old": False, "used": True}


def test_what_earlier_owners_have_dispatched_is_known(bench):
    """A job that comes after a later one of its key is late, whoever ran that."""
    queue = PartitionQueue(LEASE, 0.0, dispatched={"k": 20.0})

    assert queue.is_late(bench.job("shop.get", key="k", at=19.0))
    assert not queue.is_late(bench.job("shop.get", key="k", at=20.0))
