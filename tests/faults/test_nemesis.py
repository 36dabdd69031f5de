"""Random faults while a thousand calls are made; and a consumer that the same checker must find wanting (the other proof
that it sees, a pause before the send, is among the crashes)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.checker import check, unflagged
from tests.faults.nemesis import Nemesis, Plan, Result
from tests.faults.rig import Rig

pytestmark = [pytest.mark.realserver, pytest.mark.faults, pytest.mark.timeout(240)]


def _run(directory: Path, plan: Plan) -> Result:
    with Rig(directory) as rig:
        result = Nemesis(rig, plan).run()
    print(result)
    return result


@pytest.mark.parametrize(("seed", "kill_app", "more"), [(1, False, False), (2, True, False), (4, False, True)])
def test_every_promise_is_kept_under_random_faults(tmp_path: Path, seed: int, kill_app: bool, more: bool) -> None:
    """Workers and Redis are killed, stopped and ended; no write runs twice, none out of order, and it adds up."""
    result = _run(tmp_path, Plan(seed=seed, jobs=3200, seconds=40, kill_app=kill_app, more=more))

    assert not unflagged(result.findings), str(result)
    assert sum(result.faults.values()) >= 10
    assert len(result.history.executions) >= 3000


def test_two_environments_read_the_same_journal_under_faults(tmp_path: Path) -> None:
    """Each runs every write once; neither frees what the other one has not read."""
    (tmp_path / "second").mkdir()
    with Rig(tmp_path) as rig, Rig(tmp_path / "second", environment="c", beside=rig) as second:
        for _ in range(2):
            second.start_worker()
        result = Nemesis(rig, Plan(seed=3, jobs=800, seconds=12)).run()
        second.drain()
        found = check(second.history(balance=True))
        left = sum(rig.link.batch([("XLEN", rig.jobs(n)) for n in range(rig.partitions)]))

    assert not unflagged(result.findings), str(result)
    assert not unflagged(found), "\n".join(map(str, found))
    assert left == 0


def test_a_textbook_consumer_is_found_wanting(tmp_path: Path) -> None:
    """It runs writes twice, breaks the order of keys and gives jobs two outcomes: a checker that sees none of it is
    blind."""
    result = _run(tmp_path, Plan(seed=1, jobs=700, seconds=10, consumer="textbook", pause=(0.1, 0.6), drain_seconds=10))

    assert {"twice", "order", "outcomes"} <= {finding.kind for finding in result.findings}
