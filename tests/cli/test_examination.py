"""What `doctor` looks at, finding by finding, on a journal in memory."""

from __future__ import annotations

import attrs
import pytest

from sidecar_science.cli.examination import Examination
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.health import Health
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.sidecar import Sidecar
from sidecar_science.testing import FakeClock

HEALTHY = Health(
    version="8.0.1", policy="noeviction", append_only="yes", snapshots="", maxmemory="0", clock_ahead=0.0,
    round_trip=0.001,
)  # fmt: skip


class Set:
    """An app's set-up, as far as doctor looks at it."""

    def __init__(self, monkeypatch):
        self.clock = FakeClock()
        self.health = HEALTHY
        self.server = MemoryServer(partitions=2, clock=self.clock)
        self.sidecar = Sidecar("app", enabled=False, partitions=2, signing_key="a key of sixteen characters")
        self.sidecar.experiment("ping", effect="read")(ping)
        monkeypatch.setattr("sidecar_science.cli.examination.look", lambda url, clock: self.health)
        monkeypatch.setattr(
            "sidecar_science.cli.examination.open_journal",
            lambda url, namespace, environment, partitions: MemoryJournal(self.server, environment),
        )

    def findings(self, environment=None, **targets):
        found = Examination(self.sidecar, environment=environment, targets=targets, clock=self.clock).run()
        return {finding.what: finding for finding in found}

    def told(self, text, environment=None, **targets):
        """The one finding that says ``text``."""
        [finding] = [each for what, each in self.findings(environment, **targets).items() if text in what]
        return finding


def ping():
    return "pong"


@pytest.fixture
def setup(monkeypatch):
    return Set(monkeypatch)


def test_a_server_that_is_too_old_is_found(setup):
    """The journal's scripts need what it does not know."""
    setup.health = attrs.evolve(HEALTHY, version="6.2.7")

    finding = setup.told("Redis 6.2.7 is too old")

    assert (finding.state, "Redis 7.0" in finding.remedy) == ("bad", True)


@pytest.mark.parametrize("version", ["7.0.15", "8.1.0", ""])
def test_a_server_that_is_new_enough_or_does_not_tell_is_not(setup, version):
    """What nobody knows is no finding."""
    setup.health = attrs.evolve(HEALTHY, version=version)

    assert not [what for what in setup.findings() if "too old" in what]


def test_a_server_without_persistence_is_noted(setup):
    """With the command that gives it some."""
    setup.health = attrs.evolve(HEALTHY, append_only="no")

    finding = setup.told("keeps no append-only file")

    assert (finding.state, finding.remedy) == ("note", "CONFIG SET appendonly yes")


@pytest.mark.parametrize(("ahead", "noted"), [(0.1, 0), (-0.3, 1), (7.0, 1)])
def test_clocks_that_are_apart_are_noted(setup, ahead, noted):
    """Order across hosts rests on them."""
    setup.health = attrs.evolve(HEALTHY, clock_ahead=ahead)

    assert len([what for what in setup.findings() if "clock" in what]) == noted


def test_an_eviction_policy_is_found_and_an_unknown_one_is_not(setup):
    """A server that does not say how it is set up gets no finding for it."""
    setup.health = attrs.evolve(HEALTHY, policy="volatile-ttl")
    bad = setup.told("maxmemory-policy is volatile-ttl")
    setup.health = attrs.evolve(HEALTHY, policy="")

    assert (bad.state, bad.remedy) == ("bad", "CONFIG SET maxmemory-policy noeviction")
    assert not [what for what in setup.findings() if "maxmemory" in what]


def test_an_app_process_that_went_silent_is_noted(setup):
    """Up to what its buffer held is lost, and doctor says where it ran."""
    MemoryLog(setup.server).report("p-1", {"called": 3, "recorded": 3})
    setup.clock.advance(3 * 3600)

    finding = setup.told("1 app processes went silent without a goodbye")

    assert finding.state == "note"
    assert "memory:0" in finding.what
    assert "the last 3 hours ago" in setup.told("app processes recorded").what


def test_an_app_process_that_said_goodbye_is_not(setup):
    """It ended as it should."""
    MemoryLog(setup.server).report("p-1", {"called": 3, "recorded": 3}, ended=True)
    setup.clock.advance(2 * 86400)

    assert not [what for what in setup.findings() if "silent" in what]
    assert "the last 2 days ago" in setup.told("app processes recorded").what


def test_accounts_that_do_not_add_up_are_found(setup):
    """A job was recorded that is nowhere."""
    MemoryLog(setup.server).report("p-1", {"called": 5, "recorded": 3})
    MemoryJournal(setup.server, "b-1").join()

    finding = setup.told("the accounts do not add up", "b-1")

    assert (finding.state, "sidecar-worker report" in finding.remedy) == ("bad", True)


def test_an_environment_without_a_worker_is_noted(setup):
    """With the time of its last heartbeat."""
    MemoryJournal(setup.server, "b-1").join()
    setup.clock.advance(600)

    finding = setup.told("no worker is at work in b-1", "b-1")

    assert (finding.state, finding.what.endswith("the last was seen 10 minutes ago")) == ("note", True)


def test_a_journal_that_cannot_be_read_is_found(setup):
    """The server answers, and its journal does not."""
    setup.server.trouble = JournalUnavailable("Redis: LOADING")

    assert setup.told("the journal cannot be read: Redis: LOADING").state == "bad"


def test_nothing_is_changed_by_looking(setup):
    """No environment is made, nothing is read away."""
    setup.findings("b-1")

    assert setup.server.environments == {}
