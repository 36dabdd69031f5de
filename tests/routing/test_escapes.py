"""Every way out of a replay that we know of, tried for real in a process of its own: A is never reached.

Each attempt is made three times: under the guard, on the kernel's floor alone, and with nothing in the way. The last
shows that the attempt is one, the second what the floor holds by itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar_science.routing import landlock

PROGRAM = Path(__file__).with_name("escapes.py")
NAMES = re.findall(r"@attempt\ndef (\w+)", PROGRAM.read_text())
REROUTED = [name for name in NAMES if name.startswith("requests_") and "redirect" not in name] + [
    "urllib_by_the_proxy_of_the_environment"
]
DATAGRAMS = [name for name in NAMES if name.startswith("datagram_")]

Outcomes = dict[str, dict[str, Any]]


def run(mode: str) -> Outcomes:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), mode], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    outcomes: Outcomes = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def guarded() -> Outcomes:
    return run("guarded")


@pytest.fixture(scope="module")
def unguarded() -> Outcomes:
    return run("unguarded")


@pytest.fixture(scope="module")
def floored() -> Outcomes:
    if landlock.abi() < landlock.NEEDED_ABI:
        pytest.skip(f"this kernel's Landlock ABI is {landlock.abi()}, and {landlock.NEEDED_ABI} is needed")
    return run("floor")


def outcome(outcomes: Outcomes, name: str) -> dict[str, Any]:
    if name not in outcomes:
        pytest.skip(f"what {name} needs is not installed")
    return outcomes[name]


@pytest.mark.parametrize("name", REROUTED)
def test_what_can_be_rerouted_lands_on_b(name: str, guarded: Outcomes) -> None:
    """Requests that an adapter aims at A, or that a proxy would carry elsewhere, arrive at B and nowhere else."""
    assert outcome(guarded, name) | {"b": 1} == {"error": "", "refusals": [], "a": 0, "b": 1}
    assert guarded[name]["b"] >= 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REROUTED])
def test_everything_else_is_refused(name: str, guarded: Outcomes) -> None:
    """A hears nothing, whatever library, thread, process or foreign function tries, and the replay knows of it."""
    tried = outcome(guarded, name)

    assert tried["a"] == 0
    assert tried["refusals"]
    assert tried["refusals"][0].startswith("refused ")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REROUTED])
def test_a_refusal_passes_through_the_libraries(name: str, guarded: Outcomes) -> None:
    """No library takes it for a broken connection and tries again; at most it ends unseen, in a thread."""
    tried = outcome(guarded, name)

    hidden = dict.fromkeys(("thread", "thread_without_a_name", "swallowed"), "")
    changed = {"httpx_async": "BaseExceptionGroup", "process_like_interpreter": "RuntimeError"}
    assert tried["error"] == {**hidden, **changed}.get(name, "EgressRefused")
    assert len(tried["refusals"]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_without_a_guard_every_attempt_reaches_a(name: str, unguarded: Outcomes) -> None:
    """The attempts are real: with nothing in the way, A is called."""
    assert outcome(unguarded, name)["a"] >= 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DATAGRAMS])
def test_the_floor_alone_keeps_tcp_from_a(name: str, floored: Outcomes) -> None:
    """The kernel stops native clients, children and foreign functions as well, which the guard could not see."""
    assert outcome(floored, name)["a"] == 0


@pytest.mark.parametrize("name", DATAGRAMS)
def test_the_floor_alone_lets_datagrams_through(name: str, floored: Outcomes) -> None:
    """Landlock knows no UDP: that is promised nowhere, and stopped by the guard alone."""
    assert outcome(floored, name)["a"] == 1
