"""From entries to jobs: what is ours is admitted in its order, and everything else is buried and never run."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec import envelope, values
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.job import Stamp, seal
from tests.worker.bench import Bench

OTHER_KEY = "a key that nobody here knows of"


def ids(bench, queue):
    taken = []
    while (one := queue.take(bench.clock.monotonic())) is not None:
        taken.append(one.job.id)
    return taken


def test_jobs_come_in_with_their_stamp_and_their_time(bench):
    """When a job arrived is told by the journal's clock, in the worker's own."""
    job = bench.job("shop.get")
    bench.append(job)
    bench.clock.advance(3.0)

    queue = bench.read()

    waiting = queue.take(bench.clock.monotonic())
    assert waiting.job == job
    assert (waiting.stamp.producer, waiting.stamp.sequence) == ("p", 1)
    assert waiting.arrived == pytest.approx(bench.clock.monotonic() - 3.0, abs=0.01)


def test_without_partitions_nothing_is_asked(bench):
    """A worker whose lanes have enough asks for nothing."""
    bench.server.trouble = JournalUnavailable("down")

    assert bench.intake().fill([], 1.0) == 0


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": 1}),
        pickle.dumps(print, protocol=0),
        b"",
        b"{}",
        b"\xc1S",
        b"\xc1S\x01\x00",
        b"\xc1S\x01\xff" + b"\x00" * 50,
        b"\x00" * 1000,
    ],
)
def test_garbage_is_buried_with_its_reason(bench, data):
    """It is kept to be looked at, counted as foreign, and never run."""
    bench.put(data)

    queue = bench.read()

    assert len(queue) == 0
    [letter] = bench.journal.dead(10)
    assert letter.reason.startswith("undecodable: ")
    assert letter.data == data
    accounts = bench.journal.accounts()
    assert (accounts.foreign, accounts.pending, accounts.dead) == (1, 0, 0)
    assert bench.events.names == ["entry.buried"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_whatever_stop_the_intake(data, dressed):
    """Behind a proper beginning or not: they are a job, or they are buried."""
    bench = Bench()
    bench.put(b"\xc1S\x01\x00" + data if dressed else data)

    queue = bench.read()

    assert len(queue) + len(bench.journal.dead(10)) + bench.journal.accounts().settled == 1


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
        st.lists,
        max_leaves=25,
    ),
    st.integers(0, 14),
)
def test_no_field_of_another_type_gets_further(strange, place):
    """Where nothing is signed anybody can write an envelope of ours with anything in it."""
    bench = Bench()
    header = ["p", 0, 1, "id", "shop.get", "shop", "read", None, 1.0, 0.1, 0.1, True, None, True, []]
    header[place] = strange
    body = values.pack([[["candidate", "shop.get", None, None]], None, None, None, None])
    bench.put(envelope.seal(values.pack(header), body, Keyring()))

    queue = bench.read()

    assert len(queue) + len(bench.journal.dead(10)) == 1
    for taken in (queue.take(bench.clock.monotonic()),):
        assert taken is None or bench.replayed(taken.job).outcome.value in ("skipped", "failed")


@pytest.mark.parametrize("size", [0, 1, 16, 100])
def test_a_body_that_is_no_list_of_five_is_buried(bench, size):
    """The header alone makes no job."""
    header = ["p", 0, 1, "id", "shop.get", "shop", "read", None, 1.0, 0.1, 0.1, True, None, True, []]
    bench.put(envelope.seal(values.pack(header), values.pack([None] * size), Keyring()))

    bench.read()

    assert len(bench.journal.dead(10)) == 1


def test_a_later_version_is_skipped_and_not_buried(bench):
    """Its recorder is newer than this worker: that is no attack."""
    sealed = bytearray(bench.seal(bench.job("shop.get")))
    sealed[2] = 99
    bench.put(bytes(sealed))

    queue = bench.read()

    assert len(queue) == 0
    [experiment] = bench.report().experiments
    assert experiment.name == "(unreadable)"
    assert experiment.reasons == {"skipped.unsupported_version": 1}
    assert bench.journal.accounts().settled == 1


def test_what_cannot_be_read_for_reasons_of_our_own_is_buried_too(bench, monkeypatch):
    """Whatever bytes do to their reader, they are not read twice, and what they hold is not told."""

    def broken(*_):
        raise MemoryError("of 5 secrets")

    monkeypatch.setattr("sidecar_science.worker.intake.unseal", broken)
    bench.append(bench.job("shop.get"))

    bench.read()

    assert bench.reasons == ["undecodable: reading it raised MemoryError"]


def test_jobs_of_several_partitions_go_to_their_queues():
    """One claim serves them all."""
    bench = Bench(partitions=3)
    jobs = [bench.job("shop.get") for _ in range(3)]
    for partition, job in enumerate(jobs):
        bench.append(job, partition=partition)
    queues = [bench.queue(partition) for partition in range(3)]

    came = bench.intake().fill(queues, 0.0)

    assert came == 3
    assert [ids(bench, queue) for queue in queues] == [[job.id] for job in jobs]


def test_only_what_arrived_before_the_last_that_came_is_known(bench):
    """A portion may be cut anywhere: what arrived with its last entry may still be unread."""
    first, second, third = (bench.job("shop.get", at=at) for at in (30.0, 20.0, 10.0))
    queue, intake = bench.queue(window=0.25), bench.intake(count=2)
    bench.append(first, producer="x")
    bench.append(second, producer="y")
    bench.append(third, producer="z")
    bench.clock.advance(5.0)

    intake.fill([queue], 0.0)
    halfway = queue.take(bench.clock.monotonic())
    intake.fill([queue], 0.0)
    still = queue.take(bench.clock.monotonic())
    intake.fill([queue], 0.0)

    assert (halfway, still) == (None, None)
    assert ids(bench, queue) == [third.id, second.id, first.id]


def test_what_an_earlier_owner_left_is_ordered_with_what_nobody_has_read(bench):
    """A takeover gives first what was claimed before, and that is not all that there is."""
    later, earlier = bench.job("shop.put", key="k", at=20.0), bench.job("shop.put", key="k", at=19.9)
    bench.append(later, producer="x")
    crashed = bench.journal.acquire(0, "crashed", 1.0)
    bench.journal.claim([crashed], 10)
    bench.append(earlier, producer="y")
    bench.clock.advance(2.0)

    queue = bench.queue(window=0.25)
    intake = bench.intake()
    intake.fill([queue], 0.0)
    at_once = queue.take(bench.clock.monotonic())
    while intake.fill([queue], 0.0):
        pass

    assert at_once is None
    assert ids(bench, queue) == [earlier.id, later.id]


def test_a_partition_that_was_lost_meanwhile_is_marked(bench):
    """Another worker holds it now: nothing of it is taken in."""
    bench.append(bench.job("shop.get"))
    queue = bench.queue(ttl=1.0)
    entries = bench.journal.claim([queue.lease], 10)
    bench.clock.advance(2.0)
    bench.journal.acquire(0, "another", 10.0)

    bench.journal.claim = lambda *_: entries
    bench.intake().fill([queue], 0.0)

    assert queue.lost
    assert len(queue) == 0


def test_trouble_with_the_journal_is_for_the_worker(bench):
    """It knows what of its state is unknown then."""
    queue = bench.queue()
    bench.server.trouble = JournalUnavailable("down")

    with pytest.raises(JournalUnavailable):
        bench.intake().fill([queue], 0.0)


def test_a_stamp_beyond_all_counting_is_buried(bench):
    """A forged sequence must not stop the worker."""
    for sequence in (-1, 2**60):
        stamp = Stamp(producer="p", partition=0, sequence=sequence)
        bench.put(seal(bench.job("shop.get"), stamp, Keyring()))

    bench.read()

    assert bench.journal.accounts().foreign == 2
