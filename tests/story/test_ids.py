"""What A made under one number B makes under another: a chain of calls finds its own things on B all the same."""

from __future__ import annotations

import uuid

import pytest

from sidecar_science.journal.redis import connect, open_journal
from sidecar_science.translation.redis import RedisIds
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.numbering:sidecar"
CHAIN = ("create", "subscribe", "update", "get", "follow", "end", "delete")

pytestmark = [pytest.mark.realserver, pytest.mark.xdist_group("numbering")]


def numbering(first, version=1):
    """A service that numbers subscribers from ``first``, gives subscriptions UUIDs, and knows versions."""
    known, subscriptions, numbers = {}, {}, iter(range(first, first + 1000))

    def answer(heard):
        path, _, query = heard.path.partition("?")
        match [heard.method, *path.strip("/").split("/")]:
            case ["POST", "subscribers"]:
                id = next(numbers)
                known[id] = {"id": id, **heard.json, "href": f"/subscribers/{id}", "version": version}
                return Answer(201, known[id])
            case ["POST", "subscribers", id, "subscriptions"] if int(id) in known:
                given = str(uuid.uuid4())
                subscriptions[given] = int(id)
                return Answer(201, {"uuid": given, "subscriber": {"id": int(id)}, **heard.json})
            case ["PATCH", "subscribers", id] if int(id) in known and query == f"notify={id}":
                if heard.json.get("previous_version", known[int(id)]["version"]) != known[int(id)]["version"]:
                    return Answer(409, {"error": "stale"})
                known[int(id)].update(address=heard.json["address"], count=heard.json["count"])
                known[int(id)]["version"] += 1
                return Answer(json=known[int(id)])
            case ["GET", "subscribers", id] if int(id) in known:
                # The version is part of no answer but those that tell of it.
                return Answer(json={key: item for key, item in known[int(id)].items() if key != "version"})
            case ["DELETE", "subscribers", id, "subscriptions", given] if subscriptions.get(given) == int(id):
                del subscriptions[given]
                return Answer(json={"ended": given})
            case ["DELETE", "subscribers", id] if known.pop(int(id), None):
                return Answer(json={})
        return Answer(404, {"error": "no such thing"})

    return answer


class Told:
    """One app's calls, made again on a B that numbers differently: with ids, and without."""

    def __init__(self, url):
        self.url, self.namespace = url, f"numbering-{uuid.uuid4().hex[:8]}"
        # Some of B's numbers are A's, of something else: whoever mixes them up is found out.
        with world.services(numbering(1), numbering(3, version=40), numbering(500)) as (a, b, c):
            self.b = b
            env = world.environment(url, STORY_A_URL=a.url, STORY_NAMESPACE=self.namespace)
            self.recorded = int(world.run_app("tests.story.apps.numbering", env=env))
            # Known before anybody settles, or the jobs would be gone.
            open_journal(url, self.namespace, "off").join()
            for name, service, more in (("on", b, ()), ("off", c, ("--no-ids",))):
                route = ["--route", f"subscribers={service.url}", "--allow-writes", "subscribers"]
                world.run_worker(TARGET, "--environment", name, "--epoch", "e", *route, *more, env=env)
            self.reports = {name: world.report(TARGET, name, env=env) for name in ("on", "off")}

    def endings(self, environment):
        found = {}
        for each in self.reports[environment]["experiments"]:
            with_reason = {reason.partition(".")[0] for reason in each["reasons"]}
            plain = {name: n for name, n in each["outcomes"].items() if n and name not in with_reason}
            found[each["name"].removeprefix("subscribers.")] = {**each["reasons"], **plain}
        return found


@pytest.fixture(scope="module")
def told(valkey_server):
    return Told(valkey_server.url)


def test_a_chain_is_matched_from_its_beginning_to_its_end(told):
    """Creating, changing, reading by number and by link, ending by UUID, deleting, and finding nothing afterwards."""
    assert told.recorded == told.reports["on"]["capture"]["settled"] == 40
    assert told.endings("on") == {name: {"matched": 10 if name == "get" else 5} for name in CHAIN}
    assert all(not each["id_conflicts"] for each in told.reports["on"]["experiments"])


def test_what_only_looks_like_an_id_stays_what_it_is(told):
    """A count that is the subscriber's number on A is that same count on B."""
    changes = [heard.json for heard in told.b.heard if heard.method == "PATCH"]

    assert sorted(change["count"] for change in changes) == [1, 2, 3, 4, 5]
    assert sorted(change["id"] for change in changes) == [3, 4, 5, 6, 7]


def test_what_surrounded_a_call_surrounds_it_again(told):
    """The user of A's thread is the user for whom B is asked."""
    created = [heard.json["by"] for heard in told.b.heard if (heard.method, heard.path) == ("POST", "/subscribers")]

    assert sorted(created) == [f"user-{number}" for number in range(5)]


def test_without_translation_every_difference_is_put_down_to_ids(told):
    """Nothing counts as a mismatch. What neither side finds at the end is no difference."""
    off = told.endings("off")

    assert off.pop("get") == {"incomparable.unmapped_id": 5, "matched": 5}
    assert off == {name: {"incomparable.unmapped_id": 5} for name in CHAIN if name != "get"}


def test_the_pairs_stand_in_redis_until_a_reset(told):
    """Under the environment's name; those of the other one are its own."""
    link = connect(told.url)
    ids = {name: RedisIds(link, told.namespace, name) for name in ("on", "off")}
    counts = ids["on"].counts()
    assert {kind: (n.learned, n.conflicts) for kind, n in counts.items()} == {
        "subscriber": (5, 0),
        "subscription": (5, 0),
        "version per key": (10, 0),
    }
    assert ids["off"].counts() == {}

    open_journal(told.url, told.namespace, "on").reset("latest")

    assert ids["on"].counts() == {}
