"""Suspects are tried one at a time, and what brings a process down is not run again."""

from __future__ import annotations

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UnsupportedVersion
from sidecar_science.testing import FakeClock
from sidecar_science.worker import intake as intake_module
from sidecar_science.worker.quarantine import Quarantine
from sidecar_science.worker.supervising.slots import Slots
from tests.worker.bench import Bench
from tests.worker.crew import SOON, fill, now, opened
from tests.worker.hall import Hall, shop


@pytest.fixture
def bench():
    return opened(Bench(clock=SYSTEM_CLOCK, partitions=4))


def crash(bench, *partitions, alone=False, worker="w"):
    """A worker claims everything, and dies with the first entry of these partitions in hand."""
    leases = [bench.lease(partition, worker, 60.0) for partition in range(bench.journal.partitions)]
    queues = [intake_module.PartitionQueue(lease, 0.0) for lease in leases]
    while bench.intake().fill(queues, 0.0):
        pass
    held = {partition: [bench.journal.recover(leases[partition])[0].entry] for partition in partitions}
    return bench.journal.crashed(worker, held, alone=alone)


def quarantined(bench):
    return Quarantine(
        journal=bench.journal, intake=bench.intake(), worker="q", lease=10.0, renew_every=3.0, clock=bench.clock,
        log=bench.events,
    )  # fmt: skip


def tried(bench):
    """What a quarantine does until it is done."""
    quarantine = quarantined(bench)
    worker = bench.worker(lanes=1, ownership=quarantine, drained=quarantine.is_drained, intake=quarantine)
    assert worker.run(burst=True, give_up_after=SOON)
    assert worker.stop(now() + SOON)
    return worker


def test_only_suspects_are_tried_and_their_partitions_are_given_back(bench):
    """What stands behind them is for the workers."""
    fill(bench, 12)
    assert crash(bench, 0, 2) == {0, 2}

    worker = tried(bench)

    assert bench.seen == [0, 2]
    assert worker.settled == 2
    assert all(bench.journal.acquire(partition, "w2", 1.0) for partition in range(4))
    assert bench.journal.crew() == 0


def test_without_suspects_a_quarantine_ends_at_once(bench):
    """Somebody else was faster."""
    fill(bench, 4)

    assert tried(bench).settled == 0
    assert bench.pending() == 4


def test_two_suspects_of_one_partition_are_both_tried(bench):
    """In the order of their completion."""
    fill(bench, 8)
    lease = bench.lease(1, "w", 60.0)
    queue = intake_module.PartitionQueue(lease, 0.0)
    bench.intake().fill([queue], 0.0)
    entries = [claimed.entry for claimed in bench.journal.recover(lease)]
    bench.journal.crashed("w", {1: entries[::-1]})

    tried(bench)

    assert bench.seen == [1, 5]


def test_what_was_being_read_is_read_and_nothing_more(bench):
    """It may be behind others that are not admitted: its turn comes in its order."""
    fill(bench, 8)
    lease = bench.lease(1, "w", 60.0)
    first, second = bench.journal.claim([lease], 10)
    bench.journal.crashed("w", {1: [second.entry]})

    assert tried(bench).settled == 0

    worker = bench.worker()
    worker.run(burst=True)
    worker.stop(now() + SOON)
    assert worker.settled == 8
    assert bench.journal.accounts().duplicates == 0


def test_what_cannot_be_read_while_it_is_tried_has_its_end(bench, monkeypatch):
    """As if a worker had read it."""
    fill(bench, 1)
    lease = bench.lease(0, "w", 60.0)
    [claimed] = bench.journal.claim([lease], 10)
    bench.journal.crashed("w", {0: [claimed.entry]})

    def unreadable(*_):
        raise UnsupportedVersion(9, 1)

    monkeypatch.setattr(intake_module, "unseal", unreadable)
    tried(bench)

    assert bench.journal.accounts().settled == 1


def test_what_a_worker_reads_is_in_its_slot(monkeypatch):
    """And only while it does."""
    bench, slots, seen = Bench(), Slots(1), []
    bench.append(bench.job("shop.get", key="k"))
    real = intake_module.unseal
    monkeypatch.setattr(intake_module, "unseal", lambda *args: seen.append(slots.in_hand()) or real(*args))
    intake = intake_module.Intake(
        journal=bench.journal, keyring=bench.sidecar.keyring, clock=bench.clock, log=bench.events, slot=slots.slot(0)
    )

    intake.fill([bench.queue()], 0.0)

    assert [list(each) for each in seen] == [[0]]
    assert slots.in_hand() == {}


def test_what_brings_a_process_down_while_it_is_read_is_buried():
    """Without being read."""
    bench = Bench()
    bench.append(bench.job("shop.get", key="k"), bench.job("shop.get", key="k"))
    lease = bench.lease()
    first, _ = bench.journal.claim([lease], 10)
    for worker, alone in (("w", False), ("q", True)):
        bench.journal.crashed(worker, {0: [first.entry]}, alone=alone)
        bench.journal.acquire(0, "q", 10.0, quarantine=True)

    queue = bench.read()

    assert len(queue) == 1
    assert [reason.partition(":")[0] for reason in bench.reasons] == ["poison"]
    assert bench.journal.accounts().dead == 1


class TestGuilty:
    """Jobs that have brought down a process that ran nothing else, and a lane that meets them."""

    @pytest.fixture
    def bench(self):
        return shop()

    def met(self, bench, job, *, started):
        """A guilty job, as the next owner's lane meets it, and one behind it."""
        behind = bench.job("shop.get", "tea", key=job.key, at=2000.0)
        queue = bench.filled(job, behind)
        entry = bench.journal.recover(queue.lease)[0].entry
        if started:
            bench.journal.start(queue.lease, entry, limit=1)
        bench.journal.crashed("w", {0: [entry]})
        bench.journal.acquire(0, "q", 10.0, quarantine=True)
        bench.journal.crashed("q", {0: [entry]}, alone=True)
        queue = bench.read()
        return Hall(bench).turn(queue), behind

    @pytest.mark.parametrize(
        ("function", "effect", "outcome"),
        [("shop.get", "read", "failed.worker_error"), ("shop.put", "write", "unknown")],
    )
    def test_one_that_was_started_ends_as_what_it_is(self, bench, function, effect, outcome):
        """It is not sent again; what stands behind it is run."""
        job = bench.job(function, "tea", key="k", effect=effect)

        hall, behind = self.met(bench, job, started=True)

        assert hall.outcomes == [outcome, "matched"]
        assert hall.replay.sent == [behind.id]
        assert bench.events.of("job.guilty") == [{"job": job.id, "partition": 0, "started": True}]

    @pytest.mark.parametrize(
        ("function", "effect", "tainted"),
        [("shop.get", "read", {}), ("shop.put", "write", {"k": "dead"}), ("shop.put", "read", {"k": "dead"})],
    )
    def test_one_that_was_never_started_is_buried(self, bench, function, effect, tainted):
        """A write that did not happen leaves its key in doubt."""
        job = bench.job(function, "tea", key="k", effect=effect)

        hall, behind = self.met(bench, job, started=False)

        assert hall.replay.sent == [behind.id]
        [letter] = bench.journal.dead(10)
        assert (letter.job, letter.reason.partition(":")[0]) == (job.id, "poison")
        lease = bench.journal.acquire(0, "w", 10.0)
        assert bench.journal.tainted(lease) == tainted


def test_a_lane_notes_what_it_has_in_hand():
    """From before the first step of it until it is settled."""
    bench, slots = shop(), Slots(1)
    job = bench.job("shop.get", "tea", key="k")
    queue = bench.filled(job)
    [claimed] = bench.journal.recover(queue.lease)
    seen = []
    hall = Hall(bench, {job.id: [lambda: seen.append(slots.in_hand())]})
    hall.lane._slot = slots.slot(0)

    hall.turn(queue)

    assert seen == [{0: [claimed.entry]}]
    assert slots.in_hand() == {}


def test_a_replay_that_uses_up_the_memory_ends_the_process():
    """Other lanes saw no true answers meanwhile. Where nobody watches, it is a failure like another."""
    bench, ended = shop(), []
    job = bench.job("shop.get", "tea")
    hall = Hall(bench, {job.id: [MemoryError()]})
    hall.lane._exhausted = lambda: ended.append(True)

    hall.turn(bench.filled(job))

    assert ended == [True]
    assert hall.outcomes == ["failed.worker_error"]


def test_a_clock_is_all_that_a_quarantine_waits_by():
    """A partition with nothing to run is waited for as long as it was asked to."""
    bench = Bench(clock=FakeClock())
    quarantine = quarantined(bench)
    before = bench.clock.monotonic()

    assert quarantine.fill([], 0.5) == 0

    assert bench.clock.monotonic() == before + 0.5
