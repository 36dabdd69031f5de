"""B that is slow, stuck or away: no job holds up the next one for longer than its time, and nothing is lost."""

from __future__ import annotations

import uuid
from collections import defaultdict

import pytest

from tests.story import world
from tests.story.world import Answer, RefusedPort, drip, hang

SLOW = "tests.story.apps.enduring:sidecar"
COUNTING = "tests.story.apps.counting:sidecar"

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("times")]


def prompt(heard):
    return Answer(json={"seconds": 0})


def slow(heard):
    """B: answers, and how long it has its callers wait."""
    odd = {"/hang": hang, "/drip": drip}
    return odd.get(heard.path) or Answer(json={"seconds": 4.0 if heard.path != "/fine" else 0})


@pytest.fixture(scope="module")
def told(valkey_server):
    """The report of one lane that met every kind of slowness, and the worker's events."""
    namespace = f"enduring-{uuid.uuid4().hex[:8]}"
    with world.services(prompt, slow) as (a, b):
        env = world.untraced(world.environment(valkey_server.url, STORY_A_URL=a.url, STORY_NAMESPACE=namespace))
        world.run_app("tests.story.apps.enduring", env=env)
        arguments = ["--environment", "b-1", "--route", f"slow={b.url}", "--lanes", "1", "--burst"]
        with world.worker(SLOW, *arguments, env=env) as worker:
            code, events = worker.end(), worker.events
        report = world.report(SLOW, "b-1", env=env)
    return {each["name"]: each for each in report["experiments"]}, events, code


@pytest.mark.parametrize("kind", ["hang", "drip", "swallow", "loop", "coroutine", "sleep"])
def test_what_takes_too_long_is_a_timeout(told, kind):
    """A server that hangs or drips, an adapter that swallows, computes, awaits or sleeps: its time is over."""
    experiment = told[0][f"slow.{kind}"]

    assert experiment["reasons"] == {"failed.timeout": 1}


def test_the_jobs_after_it_go_on(told):
    """Each of them is matched, though all are in one partition and there is one lane."""
    outcomes = {name: n for name, n in told[0]["slow.fine"]["outcomes"].items() if n}

    assert outcomes == {"matched": 6}
    assert told[2] == 0


def test_a_lane_that_sleeps_in_c_is_given_up(told):
    """No exception reaches it there: another lane takes its place."""
    assert [event["event"] for event in told[1]].count("lane.abandoned") == 1


def counted(service):
    """What a service counted, by name, in the order of its hearing."""
    numbers = defaultdict(list)
    for heard in service.heard:
        name, number = heard.json
        numbers[name].append(number)
    return dict(numbers)


def test_a_service_that_is_away_is_waited_for(valkey_server):
    """Refused connections are no failures: the lanes rest, and when B is back everything is made in its order."""
    namespace, away = f"away-{uuid.uuid4().hex[:8]}", RefusedPort()
    with world.services(lambda heard: Answer(json=True)) as (a,):
        env = world.environment(valkey_server.url, STORY_A_URL=a.url, STORY_NAMESPACE=namespace)
        world.run_app("tests.story.apps.counting", "4", "5", env=env)
        arguments = ["--environment", "b-1", "--route", f"counter={away.url}", "--allow-writes", "counter", "--burst"]
        with world.worker(COUNTING, *arguments, env=env) as worker:
            world.until(lambda: worker.has_told("service.rests"), "a pause")
            with away.start(lambda heard: Answer(json=True)) as b:
                code = worker.end()
                numbers = counted(b)
        [experiment] = world.report(COUNTING, "b-1", env=env)["experiments"]

    assert code == 0
    assert {name: n for name, n in experiment["outcomes"].items() if n} == {"matched": 20}
    assert numbers == {f"n-{n}": [0, 1, 2, 3, 4] for n in range(4)}
