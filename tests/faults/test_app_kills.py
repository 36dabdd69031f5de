"""Twenty apps that are killed at full speed: each loses what one interval of its shipping holds, and it is said."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Final

import pytest

from sidecar_science.journal.job import unseal
from tests.faults.declarations import sidecar
from tests.faults.processes import Process, until
from tests.faults.rig import Rig

pytestmark = [pytest.mark.realserver, pytest.mark.faults]

RUNS: Final = 20
AT_ONCE: Final = 4
CALLS_BEFORE: Final = 150
LOSS_BOUND: Final = 12


def start(rig: Rig) -> Process:
    """An app that calls 200 times a second, and would go on for long."""
    return rig.start_app("--count", "20000", "--rate", "200", "--seed", str(len(rig.apps)))


def made(rig: Rig) -> Counter[str]:
    """How many calls each app has ended, by its own file."""
    return Counter(call.app for call in rig.history().calls if call.end < float("inf"))


def kill_in_turn(rig: Rig, chance: random.Random) -> None:
    """Start some apps, and kill each at a moment of its own, in the middle of its calls."""
    apps = [start(rig) for _ in range(AT_ONCE)]
    names = {app.log.stem for app in apps}
    until("calls of each", lambda: all(made(rig)[name] >= CALLS_BEFORE for name in names))
    for app in apps:
        time.sleep(chance.uniform(0.0, 0.2))
        app.kill()


def recorded(rig: Rig) -> set[str]:
    """The jobs that the journal holds."""
    entries = rig.journal.peek(1_000_000)
    return {unseal(each.data, sidecar.keyring, each.partition)[0].id for each in entries}


def test_each_of_twenty_killed_apps_loses_a_few_calls_at_most(rig: Rig) -> None:
    """No more than twelve at 200 calls a second; each is listed as unclean, and the books balance."""
    rig.journal.join()
    chance = random.Random(20)
    for _ in range(RUNS // AT_ONCE):
        kill_in_turn(rig, chance)

    there = recorded(rig)
    ended = [call for call in rig.history().calls if call.end < float("inf")]
    lost = Counter(call.app for call in ended if call.job not in there)

    assert min(made(rig).values()) >= CALLS_BEFORE
    assert max(lost.values(), default=0) <= LOSS_BOUND, lost
    rig.age_producers(60.0)
    told = rig.report()["capture"]
    assert told["balanced"], told
    assert told["unclean"] == len(told["unclean_producers"]) == RUNS
    assert {each["producer"] for each in told["unclean_producers"]} == {app.producer for app in rig.history().apps}
    assert told["recorded"] == len(there)
