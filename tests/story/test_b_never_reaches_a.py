"""B never reaches A: whatever an adapter or an answer of B does, A hears nothing from the worker."""

from __future__ import annotations

import pytest

from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.straying:sidecar"


@pytest.fixture(scope="module")
def told(valkey_server):
    """The report of a worker whose adapters stray, and what both services heard."""
    places = {}

    def answer(heard):
        if heard.path == "/redirect":
            # B believes that A's address is its own, as copies of production do.
            return Answer(307, headers={"Location": f"{places['a']}/landed"})
        if heard.path == "/pages":
            return Answer(json={"items": [1, 2], "next": f"{places['a']}/more"})
        return Answer(json={"items": [3]})

    with world.services(answer, answer) as (a, b):
        places["a"] = a.url
        env = world.environment(valkey_server.url, STORY_A_URL=a.url)
        world.run_app("tests.story.apps.straying", env=env)
        from_app = len(a.heard)
        stray = {"HTTP_PROXY": a.url, "http_proxy": a.url, "ALL_PROXY": a.url, "no_proxy": ""}
        worker = world.run_worker(
            TARGET, "--environment", "b", "--route", f"stray={b.url}", "--allow-writes", "stray", env={**env, **stray}
        )
        report = world.report(TARGET, "b", env=env)
        yield {each["name"]: each for each in report["experiments"]}, a, b, from_app, worker


def ended(experiment):
    (outcome,) = [name for name, n in experiment["outcomes"].items() if n]
    return outcome


pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("straying")]


def test_a_hears_nothing_from_the_worker(told):
    """Not one request reaches A after its app has ended."""
    _, a, _, from_app, _ = told

    assert len(a.heard) == from_app
    assert not a.replays


def test_a_redirect_of_b_to_a_is_refused(told):
    """A POST that B answers with a redirect to A is refused, not sent a second time."""
    experiments, _, b, _, _ = told

    assert ended(experiments["stray.redirected_post"]) == "refused"
    assert not [heard for heard in b.heard if heard.path == "/landed"]


def test_an_absolute_link_to_a_leads_to_b(told):
    """A next link that names A is followed on B, and the whole answer agrees."""
    experiments, _, b, _, _ = told

    assert ended(experiments["stray.next_link"]) == "matched"
    assert [heard.path for heard in b.heard if heard.path == "/more"]


def test_a_url_written_into_the_adapter_leads_to_b(told):
    """What requests aims at A is made on B."""
    assert ended(told[0]["stray.hard_coded"]) == "matched"


WAYS = ["urllib", "swallowed", "thread", "httpx", "socket", "datagram", "child", "shell"]


@pytest.mark.parametrize("way", WAYS)
def test_other_ways_to_a_are_refused(told, way):
    """Other clients, a swallowed refusal, a thread's own socket, a datagram, a child: refused, and said to be."""
    experiment = told[0][f"stray.{way}"]

    assert ended(experiment) == "refused"
    assert "refused" in experiment["examples"]["refused"][0]["detail"]


def test_threads_of_a_pool_lead_to_b(told):
    """What they aim at A through requests is made on B, as in the adapter's own thread."""
    experiments, _, _b, _, _ = told

    assert ended(experiments["stray.pool"]) == "matched"


def test_the_proxies_of_the_environment_are_not_used(told):
    """A proxy variable that leads to A changes nothing."""
    assert ended(told[0]["stray.proxy"]) == "matched"


def test_a_route_to_a_is_no_route(told):
    """A worker that is told that B is where A is does not start, and says why."""
    _, a, _, _, _ = told
    env = world.environment("redis://127.0.0.1:1/0", STORY_A_URL=a.url)

    with pytest.raises(AssertionError, match="leads to A"):
        world.run_worker(TARGET, "--environment", "b", "--route", f"stray=http://localhost:{a.port}", env=env)
