"""A worker makes a dictionary of the jobs that it sees, and jobs that were compressed with one are read."""

from __future__ import annotations

import random
import threading

import pytest

from sidecar_science.journal.dictionaries import MOST, Dictionaries
from sidecar_science.journal.job import Stamp, body_of, seal
from sidecar_science.worker.training import Training
from tests.worker.hall import Hall


def jobs(bench, count):
    """Jobs that are much alike."""
    return [
        bench.job("shop.get", f"item-{n}", value={"title": f"Guidance number {n}", "phase": "live", "locale": "en"})
        for n in range(count)
    ]


@pytest.fixture
def dictionaries(bench):
    return Dictionaries(bench.journal, bench.sidecar.keyring, bench.clock)


@pytest.fixture
def training(bench, dictionaries):
    return Training(dictionaries, clock=bench.clock, log=bench.events, chance=random.Random(1), samples=200)


def test_what_saves_a_tenth_is_kept_and_named(bench, training, dictionaries):
    """Apps read its name among their settings."""
    bodies = [body_of(job) for job in jobs(bench, 400)]

    assert training.train(bodies)

    assert bench.journal.settings()["dictionary"] == f"1|{dictionaries.newest.id.hex()}"
    assert len(dictionaries.newest.compress(bodies[0])) < len(bodies[0]) / 2


def test_what_saves_nothing_more_is_not_kept(bench, training):
    """One like the one that there is already would only be one more to keep."""
    training.train([body_of(job) for job in jobs(bench, 400)])

    assert not training.train([body_of(job) for job in jobs(bench, 400)])
    assert len(bench.journal.dictionaries()) == 1


def test_a_namespace_has_a_few_dictionaries_in_its_life(bench, training):
    """None is ever removed, since jobs may need it: so their number has a bound."""
    for number in range(1, MOST + 1):
        bench.journal.keep_dictionary(number, b"of somebody else")

    assert not training.train([body_of(job) for job in jobs(bench, 400)])


def test_enough_jobs_set_it_going_once_an_hour(bench, training):
    """In a thread of its own: the thread that takes jobs in has leases to renew."""
    trained = []
    training.train = trained.append

    for job in jobs(bench, 500):
        training.see(job)
    bench.clock.advance(3600.0)
    for job in jobs(bench, 200):
        training.see(job)

    for thread in threading.enumerate():
        if thread.name == "sidecar-training":
            thread.join(30)
    assert [len(bodies) for bodies in trained] == [200, 200]


def compressed(bench, dictionary, count=2):
    """Jobs in the journal that need ``dictionary``."""
    found = jobs(bench, count)
    for sequence, job in enumerate(found, 1):
        stamp = Stamp(producer="p", partition=0, sequence=sequence)
        data = seal(job, stamp, bench.sidecar.keyring, dictionary)
        bench.put(data)
    return found


def test_a_job_that_was_compressed_with_a_dictionary_is_read(bench, training, dictionaries):
    """A worker that has not met it looks it up."""
    training.train([body_of(job) for job in jobs(bench, 400)])
    expected = compressed(bench, dictionaries.newest)

    queue = bench.read()

    assert [queue.take(bench.clock.monotonic()).job for _ in expected] == expected


def test_a_job_whose_dictionary_is_gone_is_kept_and_can_be_requeued(bench, training, dictionaries):
    """It is ours, so the sum comes out; once the dictionary is back, it is read."""
    training.train([body_of(job) for job in jobs(bench, 400)])
    expected = compressed(bench, dictionaries.newest)
    gone = dict(bench.server.dictionaries)
    bench.server.dictionaries.clear()

    Hall(bench).turn(bench.read())
    dead = bench.journal.dead(10)
    assert sorted(letter.job for letter in dead) == sorted(job.id for job in expected)
    assert all("unknown_dictionary" in letter.reason for letter in dead)

    bench.server.dictionaries.update(gone)
    assert bench.journal.requeue() == 2
    queue = bench.read()
    assert {queue.take(bench.clock.monotonic()).job.id for _ in expected} == {job.id for job in expected}
