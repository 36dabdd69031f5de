"""Reads are marked and settled a few at a time, writes one by one; what is promised of each stays as it is."""

from __future__ import annotations

import pytest

from sidecar_science.worker.endings import NotSent
from sidecar_science.worker.marks import AHEAD
from sidecar_science.worker.settling import LONGEST, MOST
from tests.worker.hall import Hall, marks, shop


@pytest.fixture
def bench():
    return shop()


class Trips:
    """Counts the trips to the journal, and what each took along."""

    def __init__(self, bench):
        self.marked, self.settled = [], []
        start, settle = bench.journal.start_all, bench.journal.settle

        def starting(lease, starts):
            self.marked.append([one.entry for one in starts])
            return start(lease, starts)

        def settling(lease, settlements):
            self.settled.append([one.entry for one in settlements])
            return settle(lease, settlements)

        bench.journal.start_all, bench.journal.settle = starting, settling


def test_reads_share_their_trips(bench):
    """One to mark several, one to settle several."""
    trips, count = Trips(bench), 2 * (AHEAD + 1)
    queue = bench.filled(*(bench.job("shop.get", "tea") for _ in range(count)))

    hall = Hall(bench).turn(queue)

    assert hall.outcomes == ["matched"] * count
    assert [len(entries) for entries in trips.marked] == [AHEAD + 1, AHEAD + 1]
    assert [len(entries) for entries in trips.settled] == [count]
    assert bench.pending() == 0


def test_no_more_than_a_few_settlements_wait(bench):
    """Their worker may die."""
    trips = Trips(bench)
    queue = bench.filled(*(bench.job("shop.get", "tea") for _ in range(MOST + 3)))

    Hall(bench).turn(queue)

    assert [len(entries) for entries in trips.settled] == [MOST, 3]


def test_a_settlement_that_has_waited_is_not_kept_waiting_by_one_more_read(bench):
    """Where B takes its time, there is time to settle."""
    jobs = [bench.job("shop.get", "tea") for _ in range(3)]
    trips, queue = Trips(bench), bench.filled(*jobs)

    Hall(bench, {job.id: [lambda: bench.clock.advance(LONGEST)] for job in jobs}).turn(queue)

    assert [len(entries) for entries in trips.settled] == [2, 1]


def test_each_write_is_marked_by_itself_and_settled_at_once(bench):
    """Nobody would know how it ended, if its worker died before."""
    trips = Trips(bench)
    queue = bench.filled(*(bench.job("shop.put", "tea") for _ in range(3)))

    Hall(bench).turn(queue)

    assert [len(entries) for entries in trips.marked] == [1, 1, 1]
    assert [len(entries) for entries in trips.settled] == [1, 1, 1]


def test_nothing_waits_when_a_write_is_sent(bench):
    """And no write is marked before its turn has come."""
    read, write, last = bench.job("shop.get", "tea"), bench.job("shop.put", "tea"), bench.job("shop.get", "tea")
    seen = []
    queue = bench.filled(read, write, last)
    trips = Trips(bench)

    Hall(bench, {write.id: [lambda: seen.append((bench.pending(), marks(bench)))]}).turn(queue)

    assert seen == [(2, [1, 0])]
    assert [len(entries) for entries in trips.marked] == [1, 1, 1]


def test_what_was_marked_and_not_sent_is_sent_in_a_later_turn_as_the_same_attempt(bench):
    """The service rested in between; each read has one of its two attempts behind it."""
    jobs = [bench.job("shop.get", "tea") for _ in range(3)]
    queue = bench.filled(*jobs)
    hall = Hall(bench, {jobs[0].id: [NotSent("refused")]}).turn(queue)
    assert marks(bench) == [0, 1, 1]
    bench.clock.advance(5.0)

    hall.turn(queue)

    assert hall.outcomes == ["matched"] * 3
    assert hall.replay.sent == [jobs[0].id, *(job.id for job in jobs)]


def test_a_successor_sends_what_was_marked_and_not_sent(bench):
    """At most twice in all, whoever sends."""
    jobs = [bench.job("shop.get", "tea") for _ in range(2)]
    queue = bench.filled(*jobs)
    Hall(bench, {jobs[0].id: [NotSent("refused")]}).turn(queue)
    bench.journal.release(queue.lease)
    bench.clock.advance(20.0)

    hall = Hall(bench).turn(bench.read())

    assert hall.outcomes == ["matched", "matched"]


def test_a_mark_of_an_earlier_turn_counts_no_more(bench):
    """Another lane may have used it up, or taken it back: the journal is asked."""
    jobs = [bench.job("shop.get", "tea") for _ in range(2)]
    queue = bench.filled(*jobs)
    hall = Hall(bench, {jobs[0].id: [NotSent("refused")]}).turn(queue)
    trips = Trips(bench)
    bench.clock.advance(5.0)

    hall.turn(queue)

    assert [len(entries) for entries in trips.marked] == [2]


def test_what_a_lost_partition_had_not_settled_is_left_to_its_next_owner(bench):
    """Once more is allowed for reads; nothing is settled under a lease that is gone."""
    jobs = [bench.job("shop.get", "tea") for _ in range(2)]
    queue = bench.filled(*jobs)

    def lose():
        bench.clock.advance(20.0)
        bench.journal.acquire(0, "another", 100.0)

    hall = Hall(bench, {jobs[1].id: [lose]}).turn(queue)

    assert (hall.settled, queue.lost, bench.pending()) == ([], True, 2)


def test_the_partition_is_given_back_settled(bench):
    """Its next lane, or its next owner, finds nothing that was done and is not settled."""
    queue, pending = bench.filled(bench.job("shop.get", "tea")), []
    hall = Hall(bench)
    hall.lane._done = lambda _: pending.append(bench.pending())

    hall.turn(queue)

    assert pending == [0]
