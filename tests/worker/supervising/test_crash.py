"""Telling the journal of the dead: again while it does not answer, and never too late."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.memory import MemoryJournal
from sidecar_science.testing import FakeClock
from sidecar_science.worker.supervising.crash import Crash, Crashes
from sidecar_science.worker.supervising.duty import Standing
from tests.worker.bench import Bench

STANDING = Standing(name="w", redis_url="memory:", namespace="bench", environment="b-1", partitions=1, lease=10.0)


@pytest.fixture
def bench():
    bench = Bench(clock=FakeClock())
    bench.append(bench.job("shop.get", key="k"))
    return bench


def crashed(bench, until):
    lease = bench.lease()
    bench.journal.beat("w", partitions=1, ttl=10.0)
    [claimed] = bench.journal.claim([lease], 10)
    crashes = Crashes(lambda _: MemoryJournal(bench.server, "b-1"), bench.clock, bench.events)
    crashes.add(Crash(STANDING, {0: [claimed.entry]}, alone=False, until=until))
    return crashes


def test_a_death_is_told_once(bench):
    """The dead one is no member of the crew any more."""
    crashes, now = crashed(bench, 10.0), 0.0

    assert crashes.tell(now)

    assert not crashes.tell(now)
    assert bench.events.names == ["quarantine.begins"]
    assert bench.journal.crew() == 0


def test_a_journal_that_does_not_answer_is_asked_again(bench):
    """Not all the time: the supervisor has other things to do."""
    crashes = crashed(bench, 10.0)
    bench.server.trouble = JournalUnavailable("down")
    assert not crashes.tell(0.0)
    bench.server.trouble = None

    assert not crashes.tell(0.1)
    assert crashes.tell(0.6)


def test_what_could_not_be_told_while_the_leases_lasted_is_not_told(bench):
    """They have ended by themselves, and somebody else has gone on."""
    crashes = crashed(bench, 10.0)
    bench.server.trouble = JournalUnavailable("down")
    crashes.tell(9.9)
    crashes.tell(10.5)
    bench.server.trouble = None

    assert not crashes.tell(11.1)
    assert bench.events.names == ["journal.trouble"] * 2
