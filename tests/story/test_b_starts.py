"""Where an environment starts in the journal, and that it goes on where it stood."""

from __future__ import annotations

import datetime
import time
import uuid

import pytest

from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.counting:sidecar"

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("starts")]


class Stage:
    def __init__(self, url, a, b):
        namespace = f"starts-{uuid.uuid4().hex[:8]}"
        self.env = world.environment(url, STORY_A_URL=a.url, STORY_NAMESPACE=namespace)
        self.b = b

    def record(self, numbers):
        world.run_app("tests.story.apps.counting", "1", str(numbers), env=self.env)

    def work(self, environment, *more):
        """Drain the journal; the environment's accounts, and how much B heard of it."""
        before = len(self.b.heard)
        arguments = ["--environment", environment, "--route", f"counter={self.b.url}", "--allow-writes", "counter"]
        world.run_worker(TARGET, *arguments, *more, env=self.env)
        capture = world.report(TARGET, environment, env=self.env)["capture"]
        assert capture["balanced"]
        return {**capture, "heard": len(self.b.heard) - before}


def test_an_environment_starts_at_an_instant_and_goes_on_where_it_stood(valkey_server):
    """What was recorded before the instant is counted and not replayed; a known environment takes no new start."""
    with world.services(lambda heard: Answer(json=True), lambda heard: Answer(json=True)) as (a, b):
        stage = Stage(valkey_server.url, a, b)
        stage.record(4)
        time.sleep(0.01)
        copied_at = datetime.datetime.now(datetime.UTC).isoformat()
        time.sleep(0.01)
        stage.record(3)

        from_instant = stage.work("b-1", "--from", copied_at)
        stage.record(2)
        going_on = stage.work("b-1", "--from", "earliest")

    assert {name: from_instant[name] for name in ("recorded", "before_start", "settled", "heard")} == {
        "recorded": 7, "before_start": 4, "settled": 3, "heard": 3,
    }  # fmt: skip
    assert {name: going_on[name] for name in ("recorded", "before_start", "settled", "heard")} == {
        "recorded": 9, "before_start": 4, "settled": 5, "heard": 2,
    }  # fmt: skip
