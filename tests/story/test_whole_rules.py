"""Rules in a file, from outside: an app, a server, a worker with ``--config``, a report that counts what they explained."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import pytest

from sidecar_science.cli.exits import Exit
from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.publishing:sidecar"

FILE = """
[[rules]]
rule = "ignore"
path = "$.received"

[[rules]]
rule = "instant"
path = "$.updated_at"

[experiments."publishing.get_content"]
rules = [{{ rule = "unordered", path = "$.tags" }}, {{ rule = "case", path = "$.never" }}]

[environments.b-1]
routes = {{ publishing = "{b}" }}
allow_writes = ["publishing"]
lanes = 2
"""


def service(turn, instant):
    """Answers with a count of its own, one instant in its own form, and tags in its own order."""
    count = itertools.count()

    def answer(heard):
        tags = ["a", "b", "c"] if heard.method == "PUT" else ["a", "b", "c"][::turn]
        return Answer(
            json={"title": "Same", "received": turn * next(count) + turn, "updated_at": instant, "tags": tags}
        )

    return answer


@pytest.mark.realserver
def test_rules_of_a_file_explain_on_the_worker_and_are_counted_in_the_report(valkey_server, tmp_path):
    """Every call differs in nothing that matters: all are ignored, none matched, and each rule says in how many jobs."""
    a_says, b_says = service(1, "2026-11-23T02:00:00Z"), service(-1, "2026-11-23T03:00:00.000+01:00")
    with world.services(a_says, b_says) as (a, b):
        file = tmp_path / "sidecar.toml"
        file.write_text(FILE.format(b=b.url))
        env = world.environment(valkey_server.url, STORY_A_URL=a.url, STORY_NAMESPACE="rules-in-a-file")
        recorded = int(world.run_app("tests.story.apps.publishing", "equal", env=env))
        world.run_worker(TARGET, "--environment", "b-1", "--config", str(file), env=env)
        report = world.report(TARGET, "b-1", env={**env, "SIDECAR_CONFIG": str(file)})

    get, put = report["experiments"]
    assert recorded == get["outcomes"]["ignored"] + put["outcomes"]["ignored"] > 0
    counted = {one["rule"]: one["count"] for one in get["rules"]}
    assert counted == dict.fromkeys(
        ["ignore $.received", "instant $.updated_at", "unordered $.tags"], recorded // 2
    ) | {"case $.never": 0}
    assert {one["rule"] for one in put["rules"]} == {"ignore $.received", "instant $.updated_at"}
    assert all(one["last_explained"] for one in put["rules"])


def test_a_file_that_cannot_be_read_is_a_wrong_setup(tmp_path):
    """Exit 3, and what to mend, before anything is started."""
    file = tmp_path / "sidecar.toml"
    file.write_text("[[rules]]\nrule = 'ignroe'\npath = '$'\n")
    env = world.environment("redis://127.0.0.1:1/0", STORY_A_URL="http://127.0.0.1:9")
    command = [
        sys.executable,
        "-m",
        "sidecar_science.cli",
        "run",
        TARGET,
        "--environment",
        "b-1",
        "--config",
        str(file),
    ]

    done = subprocess.run(command, env=env, cwd=world.ROOT, capture_output=True, text=True, timeout=world.PATIENCE)

    assert done.returncode == Exit.USAGE
    assert json.dumps(str(file))[1:-1] in done.stderr
    assert "is no rule; write rule = one of ignore, unordered" in done.stderr
