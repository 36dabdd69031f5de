"""From calls in an app to a judgement in a pipeline: real processes, real HTTP, a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest

from sidecar_science.journal.redis import open_journal
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.counting:sidecar"
B = "b-1"
WRITES = ("--allow-writes", "counter")

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("verdict")]


class Stage:
    """An app on A, an environment on B, and the commands that a pipeline or a person runs."""

    def __init__(self, url, a, b):
        self.namespace = f"verdict-{uuid.uuid4().hex[:8]}"
        self.env = world.environment(url, STORY_A_URL=a.url, STORY_NAMESPACE=self.namespace)
        self.url = url
        self.a, self.b = a, b
        self.route = ("--route", f"counter={b.url}")

    def record(self, names, numbers):
        world.run_app("tests.story.apps.counting", str(names), str(numbers), env=self.env)

    def keep(self, seconds):
        journal = open_journal(self.url, self.namespace, B)
        journal.configure("retention", str(seconds))
        journal.close()

    def work(self):
        world.run_worker(TARGET, "--environment", B, *self.route, *WRITES, env=self.env)

    def command(self, name, *words):
        """Exit code, standard output and standard error."""
        command = [sys.executable, "-m", "sidecar_science.cli", name, TARGET, "--environment", B, *words]
        done = subprocess.run(command, env=self.env, cwd=world.ROOT, capture_output=True, text=True, timeout=90)
        return done.returncode, done.stdout, done.stderr

    def report(self):
        return world.report(TARGET, B, env=self.env)["experiments"][0]


def counted(heard):
    return Answer(json=heard.json[1])


def odd(heard):
    """It miscounts the eleventh of each name, and says it is busy at the twelfth."""
    number = heard.json[1]
    return Answer(status=503) if number == 11 else Answer(json=-1 if number == 10 else number)


@pytest.fixture
def stage(valkey_server):
    with world.services(counted, odd) as (a, b):
        yield Stage(valkey_server.url, a, b)


def test_from_calls_to_a_verdict(stage):
    """B differs in two ways: fail; both known: pass; and what is missing to be sure is said."""
    stage.record(25, 12)
    stage.work()

    code, out, _ = stage.command("verdict")
    assert code == 1
    assert "counter.count: 50 of 300 compared jobs mismatched (16.7 %)" in out
    groups = stage.report()["groups"]
    assert sorted(group["count"] for group in groups) == [25, 25]
    (busy,) = [group for group in groups if group["statuses"]]
    assert {"control": 200, "candidate": 503} in busy["statuses"]
    assert stage.report()["statuses"] == {"2xx": {"2xx": 275, "5xx": 25}}

    for group in groups:
        noted = ("--note", "known", "--until", "2999-01-01")
        assert stage.command("acknowledge", group["fingerprint"], *noted)[0] == 0
    assert stage.command("verdict")[:1] == (0,)
    code, out, _ = stage.command("verdict", "--min-status-jobs", "4xx=1", "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (2, "not_enough_data")


def test_waiting_for_a_worker(stage):
    """A pipeline asks before anybody has replayed anything, and gets its answer when there is one."""
    stage.record(30, 10)
    command = [sys.executable, "-m", "sidecar_science.cli", "verdict", TARGET, "--environment", B]
    waiting = subprocess.Popen(
        [*command, "--wait", "--deadline", "60"], env=stage.env, cwd=world.ROOT, stdout=subprocess.PIPE, text=True
    )

    stage.work()

    out, _ = waiting.communicate(timeout=90)
    assert waiting.returncode == 0, out
    assert out.startswith("PASS: ")


def test_one_job_is_made_again(stage):
    """Only on B, only where writes are allowed, once, and counted nowhere; mended, it agrees."""
    stage.record(1, 11)
    stage.keep(3600)
    stage.work()
    before = stage.report()
    (group,) = before["groups"]
    job = group["samples"][0]["job"]
    heard_by_a, heard_by_b = len(stage.a.heard), len(stage.b.heard)

    code, out, err = stage.command("job", job)
    assert code == 0, err
    assert 'counter.count with\n  {\n    "args": [\n      "n-0",\n      10\n    ],' in out

    code, out, err = stage.command("job", job, "--again", *stage.route, "--format", "json")
    assert (code, json.loads(out)["again"]["reason"]) == (0, "skipped.write_not_allowed"), err
    assert len(stage.b.heard) == heard_by_b

    code, out, err = stage.command("job", job, "--again", *stage.route, *WRITES, "--format", "json")
    again = json.loads(out)["again"]
    assert (code, again["outcome"]) == (0, "mismatched"), err
    assert [(one["control"], one["candidate"]) for one in again["differences"] if one["where"] == "value"] == [(10, -1)]
    assert len(stage.b.heard) == heard_by_b + 1
    assert stage.b.heard[-1].job == job

    stage.b.answer = counted
    code, out, err = stage.command("job", job, "--again", *stage.route, *WRITES)
    assert code == 0, err
    assert "Made again on B just now: matched\n" in out
    assert stage.report() == before
    assert len(stage.a.heard) == heard_by_a


def test_a_job_that_cannot_be_made_again_says_so(stage):
    """A connection that breaks under a write leaves its end unknown; a B that is down is unreachable."""
    stage.record(1, 1)
    stage.keep(3600)
    stage.work()
    job = stage.b.heard[-1].job

    stage.b.answer = lambda heard: world.reset
    broken = stage.command("job", job, "--again", *stage.route, *WRITES)
    away = world.RefusedPort()
    down = stage.command("job", job, "--again", "--route", f"counter={away.url}", *WRITES)
    away.close()

    assert (broken[0], down[0]) == (0, 0), (broken, down)
    assert "Made again on B just now: unknown: the connection broke after the request was sent" in broken[1]
    assert "Made again on B just now: failed.unreachable" in down[1]


def test_a_job_is_never_made_again_on_a(stage):
    """A route that leads to A, and no route at all, are refused before anything is sent."""
    stage.record(1, 1)
    stage.keep(3600)
    stage.work()
    job, heard = stage.b.heard[-1].job, len(stage.a.heard)

    to_a = stage.command("job", job, "--again", "--route", f"counter={stage.a.url}", *WRITES)
    nowhere = stage.command("job", job, "--again")
    idle = stage.command("job", job, *stage.route)

    assert [code for code, _, _ in (to_a, nowhere, idle)] == [3, 3, 3]
    assert "leads to A" in to_a[2]
    assert "add --route" in nowhere[2]
    assert "for --again" in idle[2]
    assert len(stage.a.heard) == heard
