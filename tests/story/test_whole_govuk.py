"""Every GOV.UK payload through the whole of it: an app, a server, a worker, two services, a report.

Without the examples beside the checkout the same stories are told with the small payloads that the tests ship.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from sidecar_science.comparison.diff import diff
from tests import govuk
from tests.comparison.walks import told_by_index
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.publishing:sidecar"
EQUAL = list(govuk.current()) or [(name, today) for name, _, today in govuk.own_pairs()]
PAIRS = list(govuk.pairs()) or list(govuk.own_pairs())


def keeping_service():
    """A publishing API that keeps what is put."""
    kept = {}

    def answer(heard):
        content_id = heard.path.rpartition("/")[2]
        if heard.method == "PUT":
            kept[content_id] = heard.json
        return Answer(json=kept[content_id])

    return answer


def drifted_service(side):
    """A content store that serves its version of every pair."""

    def answer(heard):
        number = int(heard.path.rpartition("-")[2])
        return Answer(json=PAIRS[number][1 + side])

    return answer


def tell(valkey_server, namespace, wanted, a, b):
    env = world.environment(valkey_server.url, STORY_A_URL=a.url, STORY_NAMESPACE=namespace)
    recorded = int(world.run_app("tests.story.apps.publishing", wanted, env=env))
    worker = world.run_worker(
        TARGET, "--environment", "b-1", "--route", f"publishing={b.url}", "--allow-writes", "publishing", env=env
    )
    return recorded, world.report(TARGET, "b-1", env=env), worker.stderr


def walked_patterns(before, after):
    """(kind, path pattern) of what an independent walk finds, in the words of the report."""
    words = {"removed": "missing", "added": "extra"}
    for kind, path in told_by_index(before, after):
        yield words.get(kind, kind), "$" + re.sub(r"\[\d+\]", "[*]", f".{path}" if path else "")


@pytest.mark.realserver
def test_equal_payloads_are_all_matched(valkey_server):
    """Every payload is put and got on both branches, and no difference is found in any of them."""
    with world.services(keeping_service(), keeping_service()) as (a, b):
        recorded, report, _ = tell(valkey_server, "govuk-equal", "equal", a, b)

    outcomes = Counter()
    for experiment in report["experiments"]:
        outcomes.update(experiment["outcomes"])
    assert recorded == 2 * len(EQUAL)
    assert +outcomes == {"matched": 2 * len(EQUAL)}
    assert report["capture"]["settled"] == report["capture"]["recorded"] == recorded
    assert not a.replays
    assert [heard.body for heard in a.heard if heard.method == "PUT"] != []
    assert Counter(heard.body for heard in a.heard) == Counter(heard.body for heard in b.heard)


@pytest.mark.realserver
def test_every_drifted_pair_is_mismatched_with_its_true_paths(valkey_server):
    """What the report says of the drift is what an independent walk over each pair finds."""
    with world.services(drifted_service(0), drifted_service(1)) as (a, b):
        recorded, report, log = tell(valkey_server, "govuk-drift", "pairs", a, b)

    (experiment,) = report["experiments"]
    assert recorded == len(PAIRS)
    assert {name: n for name, n in experiment["outcomes"].items() if n} == {"mismatched": len(PAIRS)}
    assert sum(group["count"] for group in experiment["groups"]) == len(PAIRS)

    told = Counter(
        {
            frozenset((one["kind"], one["path"]) for one in group["differences"]): group["count"]
            for group in experiment["groups"]
        }
    )
    found = [frozenset((one.kind, one.pattern) for one in diff(before, after)) for _, before, after in PAIRS]
    walked = [frozenset(walked_patterns(before, after)) for _, before, after in PAIRS]
    assert told == Counter(found)
    # Only in lists that were aligned there is less to tell than index by index.
    assert all(one <= other for one, other in zip(found, walked, strict=True))
    assert sum(one == other for one, other in zip(found, walked, strict=True)) >= len(PAIRS) - 6
    assert '"worker_error"' not in log
