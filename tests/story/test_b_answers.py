"""What B does is compared with what A did, however an adapter hides it; and what cannot be compared is told apart."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from sidecar_science.journal.redis import open_journal
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.answering:sidecar"

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("answering")]


def shop(*, rename=200, queued=False):
    """A shop; B's differs where the app's adapters look away."""
    kept = {}

    def answer(heard):
        match [heard.method, *heard.path.strip("/").split("/")]:
            case ["PUT", "items", item]:
                kept[item] = heard.json
                return Answer(json={"item": item, **heard.json})
            case ["GET", "items", item]:
                return Answer(json={"item": item, **kept.get(item, {})})
            case ["POST", "rename"]:
                return Answer(rename, {"error": "no"})
            case ["POST", "orders"]:
                return Answer(201, {"queued": queued})
            case ["POST", "tags"]:
                return Answer(json=heard.json)
            case ["GET", "pages", number]:
                return Answer(json={"page": int(number)})
            case ["POST", "files", _]:
                return Answer(json={"size": len(heard.body)})
        return Answer(404, {"error": {"code": 404, "message": f"nothing at {heard.path}"}})

    return answer


class Told:
    """What came of two environments on one journal, and what was heard."""

    def __init__(self, url):
        self.namespace = f"answering-{uuid.uuid4().hex[:8]}"
        with world.services(shop(rename=404), shop(rename=500, queued=True)) as (a, b):
            self.a, self.b = a, b
            env = world.environment(url, STORY_A_URL=a.url, STORY_NAMESPACE=self.namespace)
            # One of its experiments will be unknown to the worker.
            printed = world.run_app("tests.story.apps.answering", env={**env, "STORY_MORE": "1"})
            self.recorded = int(printed.split()[-1])
            self.from_app = len(a.heard)
            # Known before anybody settles, or the jobs would be gone: nobody else would need them.
            open_journal(url, self.namespace, "b-2").join()
            route = ["--route", f"shop={b.url}"]
            self.worker = world.run_worker(
                TARGET, "--environment", "b-1", "--epoch", "e-1", *route, "--allow-writes", "shop", env=env
            )
            self.of_b1 = list(b.heard)
            world.run_worker(TARGET, "--environment", "b-2", *route, env=env)
            self.of_b2 = b.heard[len(self.of_b1) :]
            time.sleep(0.01)
            world.run_worker(TARGET, "--environment", "b-3", "--from", "latest", *route, env=env)
            self.reports = {name: world.report(TARGET, name, env=env) for name in ("b-1", "b-2", "b-3")}

    def endings(self, environment="b-1"):
        """How often each experiment's jobs ended in which way, by reason where there is one."""
        return {each["name"]: self._ending(each) for each in self.reports[environment]["experiments"]}

    def _ending(self, experiment):
        reasons = experiment["reasons"]
        with_reason = {reason.partition(".")[0] for reason in reasons}
        plain = {name: n for name, n in experiment["outcomes"].items() if n and name not in with_reason}
        return {**reasons, **plain}

    def groups(self, name):
        experiment = next(each for each in self.reports["b-1"]["experiments"] if each["name"] == name)
        return [
            sorted((one["where"], one["path"], one["kind"]) for one in group["differences"])
            for group in experiment["groups"]
        ]


@pytest.fixture(scope="module")
def told(valkey_server):
    return Told(valkey_server.url)


def test_equal_answers_are_matched(told):
    """Reads, writes, coroutines and classmethods."""
    endings = told.endings()

    for name in ("shop.get", "shop.put"):
        assert endings[name] == {"matched": 2}
    for name in ("shop.later", "shop.kind", "shop.typed"):
        assert endings[name] == {"matched": 1}


def test_a_swallowed_error_is_a_mismatch(told):
    """Both adapters say False; A had answered 404 and B 500."""
    assert told.endings()["shop.rename"] == {"mismatched": 1}
    assert told.groups("shop.rename") == [[("exchange", "$[*].status", "changed")]]


def test_a_second_request_is_a_mismatch(told):
    """Both adapters say that it was ordered; B was asked twice."""
    assert told.endings()["shop.order"] == {"mismatched": 1}
    assert ("exchange", "$", "length") in told.groups("shop.order")[0]


def test_an_argument_is_replayed_as_it_was_before_the_call(told):
    """The adapter changes what it is given: B is sent what A was sent."""
    assert told.endings()["shop.tag"] == {"matched": 1}
    [sent] = [heard.json for heard in told.of_b1 if heard.path == "/tags"]
    assert sent == {"tags": ["new", "seen"]}


def test_a_generator_is_consumed_as_far_as_as_was(told):
    """Two pages cost two requests, all five cost five, and a generator that nobody asked made none."""
    pages = [heard.path for heard in told.of_b1 if heard.path.startswith("/pages")]

    assert told.endings()["shop.pages"] == {"matched": 2}
    assert sorted(pages) == sorted([f"/pages/{n}" for n in (0, 1, 0, 1, 2, 3, 4)])


def test_a_file_reaches_b_byte_for_byte(told):
    """The caller's file had been read to its end by the control."""
    sent = [
        [heard.body for heard in heard_by if heard.path == "/files/a.pdf"] for heard_by in (told.a.heard, told.of_b1)
    ]

    assert told.endings()["shop.upload"] == {"matched": 1}
    assert sent[0] == sent[1]
    assert len(sent[0][0]) == 9 + 256 * 40


def test_the_same_error_is_a_match(told):
    """The URLs in the two messages name A and B, which stand for each other."""
    assert told.endings()["shop.fail"] == {"matched": 1}


def test_a_science_block_is_one_job_under_its_own_name(told):
    """What it used is no job besides."""
    assert told.endings()["shop.checkout"] == {"matched": 1}


def test_what_cannot_be_replayed_is_skipped_with_its_reason(told):
    """A lock has no exact form, a refused control saw no answer, a removed experiment is unknown, mail has no route."""
    endings = told.endings()

    assert endings["shop.locked"] == {"skipped.not_replayable": 1}
    assert endings["shop.refused"] == {"skipped.control_not_sent": 1}
    assert endings["shop.removed"] == {"skipped.unknown_experiment": 1}
    assert endings["shop.mail"] == {"skipped.no_route": 1}


def test_every_request_says_whose_it_is(told):
    """Job, environment, and a key by which B can tell a repeated request."""
    for environment, heard_by in (("b-1", told.of_b1), ("b-2", told.of_b2)):
        assert heard_by
        for heard in heard_by:
            assert len(heard.job) == 32
            assert heard.headers["Sidecar-Environment"] == environment
            assert heard.headers["Idempotency-Key"].startswith(heard.job)
    orders = [heard.headers["Idempotency-Key"] for heard in told.of_b1 if heard.path == "/orders"]
    assert len(set(orders)) == len(orders) == 2


def test_a_hears_nothing_of_any_worker(told):
    """Not even by the classmethod, which has A's address written into it."""
    assert len(told.a.heard) == told.from_app
    assert told.a.replays == []


def test_without_permission_no_write_is_made(told):
    """The same journal, another environment: reads are replayed and writes are not."""
    endings = told.endings("b-2")

    assert {heard.method for heard in told.of_b2} == {"GET"}
    for name in ("shop.put", "shop.rename", "shop.order", "shop.tag", "shop.upload", "shop.checkout"):
        assert set(endings[name]) == {"skipped.write_not_allowed"}
    assert endings["shop.later"] == {"matched": 1}


def test_environments_on_one_journal_know_nothing_of_each_other(told):
    """Each settles every job for itself."""
    for name in ("b-1", "b-2"):
        capture = told.reports[name]["capture"]
        assert capture["settled"] == capture["recorded"] == told.recorded
        assert (capture["pending"], capture["before_start"]) == (0, 0)


def test_an_environment_that_starts_at_the_latest_has_nothing_to_do(told):
    """What was recorded before it began is counted, and not replayed."""
    capture = told.reports["b-3"]["capture"]

    assert (capture["before_start"], capture["settled"], capture["pending"]) == (told.recorded, 0, 0)
    assert told.reports["b-3"]["experiments"] == []


def test_the_accounts_add_up_everywhere(told):
    """Every call is in one place, in each environment."""
    for report in told.reports.values():
        capture = report["capture"]
        assert capture["called"] == capture["sampled_out"] + capture["recorded"] + sum(capture["dropped"].values())
        parts = ("before_start", "settled", "pending", "dead", "expired")
        assert capture["recorded"] == sum(capture[name] for name in parts)
        assert capture["called"] == told.recorded


def test_the_report_has_its_schema(told):
    """Other programs read it: what is named here stays, and stands first where it stood first."""
    report = told.reports["b-1"]

    assert list(report)[:6] == ["schema", "namespace", "environment", "generated_at", "capture", "experiments"]
    assert (report["schema"], report["namespace"], report["environment"]) == (1, told.namespace, "b-1")
    assert set(report["capture"]) >= {
        "called", "sampled_out", "recorded", "dropped", "before_start", "settled", "pending", "dead", "expired",
        "foreign",
    }  # fmt: skip
    for experiment in report["experiments"]:
        assert set(experiment) >= {"name", "outcomes", "reasons", "latency", "groups"}
        assert set(experiment["outcomes"]) == {
            "matched", "mismatched", "ignored", "incomparable", "skipped", "refused", "failed", "unknown",
        }  # fmt: skip
        assert {"control", "candidate", "queue_delay"} <= set(experiment["latency"])
        for name in ("control", "candidate", "queue_delay"):
            measured = experiment["latency"][name]
            assert measured is None or set(measured) == {"count", "p50", "p95", "p99"}
        for group in experiment["groups"]:
            assert set(group) >= {"fingerprint", "count", "first_seen", "last_seen", "differences", "samples"}
            for one in group["differences"]:
                assert set(one) >= {"where", "path", "kind", "count"}
            for sample in group["samples"]:
                assert set(sample) >= {"job", "control", "candidate"}


def test_the_log_is_events_without_values(told):
    """Standard error has a JSON line for each event, and standard output nothing at all."""
    events = [json.loads(line) for line in told.worker.stderr.splitlines()]
    settled = [event for event in events if event["event"] == "job.settled"]

    assert told.worker.stdout == ""
    assert {"guard.floor", "worker.started", "worker.ended"} <= {event["event"] for event in events}
    assert len(settled) == told.recorded
    assert all({"job", "experiment", "outcome", "reason"} <= set(event) for event in settled)
    assert "coffee" not in told.worker.stderr
