"""What strangers put into the journal is buried, and nothing of it runs; what the app put there still does."""

from __future__ import annotations

import os
import pickle
import uuid

import attrs
import pytest
import redis

from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.journal.job import Call, Job, Stamp, seal, unseal
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.redis import open_journal
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.counting:sidecar"
KEY = "a signing key of sixteen characters and more"
PARTITIONS = 64

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("strangers")]


class Bomb:
    """A pickle that leaves a trace when somebody loads it."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


class Stage:
    def __init__(self, url, a, b, *, key):
        self.namespace = f"strangers-{uuid.uuid4().hex[:8]}"
        self.client = redis.Redis.from_url(url)
        self.journal = open_journal(url, self.namespace, "b-1")
        self.keyring = Keyring([KEY] if key else [], namespace=self.namespace)
        signing = {"SIDECAR_SIGNING_KEY": KEY} if key else {}
        self.env = world.environment(url, STORY_A_URL=a.url, STORY_NAMESPACE=self.namespace, **signing)
        self.b = b
        world.run_app("tests.story.apps.counting", "2", "3", env=self.env)

    def put(self, partition, *entries, field="e"):
        for data in entries:
            self.client.xadd(Keys(self.namespace).jobs(partition), {field: data})

    def genuine(self):
        """Each genuine entry, with its partition."""
        for partition in range(PARTITIONS):
            for _, fields in self.client.xrange(Keys(self.namespace).jobs(partition)):
                yield partition, fields[b"e"]

    def work(self, *allowed):
        arguments = ["--environment", "b-1", "--route", f"counter={self.b.url}", *allowed]
        self.worker = world.run_worker(TARGET, *arguments, env=self.env)
        return world.report(TARGET, "b-1", env=self.env)


def forged(function="counter.count", experiment="counter.count", sequence=1, **fields):
    """A job as somebody might write it who knows everything but a key."""
    arguments = Codec().encode([["forged", 99], {}])
    made = {"service": "counter", "effect": "read", "key": None, "duration": 0.1, "cpu_time": 0.1, "sent": True}
    job = Job(
        id=uuid.uuid4().hex, experiment=experiment, completed_at=1.0,
        calls=(Call(function=function, arguments=arguments),), **{**made, **fields},
    )  # fmt: skip
    return job, Stamp(producer="stranger", partition=0, sequence=sequence)


def prompt(heard):
    return Answer(json=True)


def test_with_a_key_nothing_that_strangers_write_runs(valkey_server, tmp_path):
    """Pickles, garbage, unsigned, wrongly signed, changed, moved and repeated entries, and another field's."""
    with world.services(prompt, prompt) as (a, b):
        stage = Stage(valkey_server.url, a, b, key=True)
        genuine = list(stage.genuine())
        partition, entry = genuine[0]
        trace = tmp_path / "loaded"
        job, stamp = forged()
        strange = [
            pickle.dumps(Bomb(trace)),
            pickle.dumps(Bomb(trace), protocol=0),
            b"",
            b"\x00" * 500,
            b'{"experiment": "counter.count"}',
            seal(job, stamp, Keyring(namespace=stage.namespace)),
            seal(job, stamp, Keyring(["another key of sixteen and more"], namespace=stage.namespace)),
            seal(*forged(function="os.system", experiment="os.system"), Keyring(namespace=stage.namespace)),
            entry[:60] + bytes([entry[60] ^ 1]) + entry[61:],
            entry[:-1],
        ]
        stage.put(0, *strange)
        stage.put((partition + 1) % PARTITIONS, entry)
        stage.put(1, b"under another name", field="f")
        stage.put(partition, entry)
        report = stage.work("--allow-writes", "counter")
        letters = stage.journal.dead(100)

    capture = report["capture"]
    assert sorted(heard.json for heard in b.heard) == sorted([f"n-{n}", m] for n in range(2) for m in range(3))
    assert not trace.exists()
    assert (capture["settled"], capture["pending"]) == (6, 0)
    assert capture["foreign"] == len(letters) == len(strange) + 2
    assert capture["duplicates"] == 1
    assert {letter.reason.partition(":")[0] for letter in letters} == {"undecodable", "wrong_signature"}
    assert "forged" not in stage.worker.stderr


def test_without_a_key_a_job_still_decides_nothing_about_itself(valkey_server):
    """It may name what is declared, and do what the worker's own registry allows: no more."""
    with world.services(prompt, prompt) as (a, b):
        stage = Stage(valkey_server.url, a, b, key=False)
        unsigned = Keyring(namespace=stage.namespace)
        stage.put(
            0,
            seal(*forged(function="os.system", experiment="os.system", sequence=1), unsigned),
            seal(*forged(function="counter.count#lambda", sequence=2), unsigned),
            seal(*forged(experiment="os.system", function="counter.count", service="x", sequence=3), unsigned),
        )
        report = stage.work()

    reasons = {each["name"]: each["reasons"] for each in report["experiments"]}
    assert b.heard == []
    assert reasons["os.system"] == {"skipped.unknown_experiment": 1, "skipped.write_not_allowed": 1}
    assert reasons["counter.count"] == {"skipped.not_replayable": 1, "skipped.write_not_allowed": 6}
    # Nothing is refused for its signature then, and whoever runs the worker should know.
    assert stage.worker.stderr.count("journal.unsigned") == 1


def test_a_key_that_was_changed_while_jobs_were_under_way_loses_none(valkey_server):
    """The newest key signs, and every key that is named verifies."""
    with world.services(prompt, prompt) as (a, b):
        stage = Stage(valkey_server.url, a, b, key=True)
        stage.env["SIDECAR_SIGNING_KEY"] = f"a newer signing key of sixteen,{KEY}"
        report = stage.work("--allow-writes", "counter")

    [experiment] = report["experiments"]
    assert experiment["outcomes"]["matched"] == 6


def test_an_entry_of_a_later_release_is_skipped(valkey_server):
    """An app that is upgraded before its worker is no stranger."""
    with world.services(prompt, prompt) as (a, b):
        stage = Stage(valkey_server.url, a, b, key=True)
        partition, entry = next(stage.genuine())
        job, stamp = unseal(entry, stage.keyring, partition)
        newer = bytearray(seal(job, attrs.evolve(stamp, sequence=stamp.sequence + 50), stage.keyring))
        newer[2] = 2
        stage.put(partition, bytes(newer))
        report = stage.work("--allow-writes", "counter")

    reasons = {each["name"]: each["reasons"] for each in report["experiments"] if each["reasons"]}
    assert reasons == {"(unreadable)": {"skipped.unsupported_version": 1}}
    assert report["capture"]["foreign"] == 0
