"""What `doctor` looks at, finding by finding, on a journal in memory."""

from __future__ import annotations

import attrs
import pytest

from sidecar_science.cli.examination import Examination
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.health import Health, problems
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.records import Entry
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
        monkeypatch.setattr("sidecar_science.cli.examination.check", lambda url, clock: problems(self.health))
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

    finding = setup.told("the server is version 6.2.7")

    assert (finding.state, "Redis 7.0" in finding.remedy) == ("bad", True)


@pytest.mark.parametrize("version", ["7.0.15", "8.1.0", ""])
def test_a_server_that_is_new_enough_or_does_not_tell_is_not(setup, version):
    """What nobody knows is no finding."""
    setup.health = attrs.evolve(HEALTHY, version=version)

    assert not [what for what in setup.findings() if "the server is version" in what]


def test_a_server_without_persistence_is_noted(setup):
    """With the command that gives it some."""
    setup.health = attrs.evolve(HEALTHY, append_only="no")

    finding = setup.told("keeps no append-only file")

    assert (finding.state, finding.remedy.startswith("CONFIG SET appendonly yes")) == ("note", True)


@pytest.mark.parametrize(("ahead", "noted"), [(0.1, False), (-0.3, True), (7.0, True)])
def test_clocks_that_are_apart_are_noted(setup, ahead, noted):
    """Order across hosts rests on them."""
    setup.health = attrs.evolve(HEALTHY, clock_ahead=ahead)

    [finding] = [each for what, each in setup.findings().items() if "clock" in what]
    assert (finding.state == "note", "NTP" in finding.remedy) == (noted, noted)


def test_an_eviction_policy_is_found_and_an_unknown_one_is_noted(setup):
    """A server that does not say how it is set up may have a bad one."""
    setup.health = attrs.evolve(HEALTHY, policy="volatile-ttl")
    bad = setup.told("maxmemory-policy is volatile-ttl")
    setup.health = attrs.evolve(HEALTHY, policy="")
    unknown = setup.told("may not ask whether the server throws keys away")

    assert (bad.state, bad.remedy.startswith("CONFIG SET maxmemory-policy noeviction")) == ("bad", True)
    assert (unknown.state, "CONFIG GET" in unknown.remedy) == ("note", True)


def test_an_app_process_that_went_silent_is_noted(setup):
    """Up to what its buffer held is lost, and doctor says where it ran."""
    MemoryLog(setup.server).report("p-1", {"called": 5, "recorded": 3})
    setup.clock.advance(3 * 3600)

    finding = setup.told("1 app processes went silent without a goodbye")

    assert finding.state == "note"
    assert "memory:0, 3 hours ago, with 2 calls in its buffer" in finding.what
    assert "at most what their buffers held" in finding.remedy
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

    finding = setup.told("the books do not balance", "b-1")

    assert (finding.state, "a defect of sidecar_science" in finding.remedy) == ("bad", True)
    assert "3 of them are unaccounted for" in finding.what


def test_an_environment_without_a_worker_is_noted(setup):
    """With the time of its last heartbeat."""
    MemoryJournal(setup.server, "b-1").join()
    setup.clock.advance(600)

    finding = setup.told("no worker is at work in b-1", "b-1")

    assert (finding.state, finding.what.endswith("the last was seen 10 minutes ago")) == ("note", True)


def test_of_many_silent_processes_the_last_are_named(setup):
    """The others are counted."""
    for n in range(5):
        MemoryLog(setup.server).report(f"p-{n}", {"called": n, "recorded": 0})
        setup.clock.advance(100)

    finding = setup.told("5 app processes went silent")

    assert "with 4 calls" in finding.what
    assert "with 1 call " not in finding.what
    assert "; and 2 more" in finding.what


def test_an_idle_environment_is_noted_with_when_it_expires(setup):
    """Redis keeps every job for it."""
    MemoryJournal(setup.server, "b-1").join()
    setup.clock.advance(2 * 86400)

    finding = setup.told("environment b-1 is idle")

    assert (finding.state, "it expires in 5 days" in finding.what) == ("note", True)
    assert "settings MODULE:SIDECAR environment_ttl=SECONDS" in finding.remedy


def test_one_that_is_about_to_expire_is_told_so(setup):
    """By the setting that holds here."""
    journal = MemoryJournal(setup.server, "b-1")
    journal.join()
    journal.configure("environment_ttl", "3600")
    setup.clock.advance(2 * 3600)

    assert "it expires as soon as another one is worked in" in setup.told("environment b-1 is idle").what


def test_an_expired_environment_is_found(setup):
    """What it had not read is counted expired, and more may have been freed."""
    MemoryJournal(setup.server, "b-1").join()
    MemoryLog(setup.server).append([Entry(partition=0, data=b"1")])
    MemoryLog(setup.server).report("p-1", {"called": 1, "recorded": 1}, ended=True)
    setup.clock.advance(8 * 86400)
    other = MemoryJournal(setup.server, "b-2")
    other.join()
    other.trim()
    setup.clock.advance(3 * 3600)

    finding = setup.told("environment b-1 expired 3 hours ago", "b-1")

    assert (finding.state, "its last worker was seen 8 days ago" in finding.what) == ("bad", True)
    assert "environment reset" in finding.remedy
    assert setup.told("1 job expired before a worker came to them", "b-1").state == "note"
    assert setup.told("the books balance", "b-1").state == "good"


def test_dead_letters_are_noted_with_the_last_of_them(setup):
    """And with the commands that look, try again and delete."""
    bury(setup, b"1", b"2")

    finding = setup.told("2 dead letters lie in b-1; the last: 00:", "b-1")

    assert (finding.state, "it is poison" in finding.what) == ("note", True)
    for word in ("journal dead", "requeue", "drop"):
        assert word in finding.remedy


def test_of_many_dead_letters_it_is_said_that_there_are_more(setup):
    """They are not all counted for it."""
    bury(setup, *(b"%d" % n for n in range(25)))

    assert setup.told("at least 20 dead letters", "b-1").state == "note"


def bury(setup, *contents):
    log, journal = MemoryLog(setup.server), MemoryJournal(setup.server, "b-1")
    journal.join()
    log.append([Entry(partition=0, data=data) for data in contents])
    lease = journal.acquire(0, "w", 30.0)
    for entry in journal.claim([lease], 100):
        journal.bury(lease, entry.entry, "it is poison", entry.data)


def test_a_switch_that_is_off_is_noted(setup):
    """Whoever wonders why nothing is recorded finds it here."""
    MemoryJournal(setup.server, "b-1").configure("enabled", "off")

    finding = setup.told("recording is switched off at run time")

    assert (finding.state, "enabled=on" in finding.remedy) == ("note", True)


def test_a_setting_that_means_nothing_is_found(setup):
    """It may have been meant as a brake, so nothing is recorded by it."""
    MemoryJournal(setup.server, "b-1").configure("sample", "half")

    finding = setup.told("the run-time setting sample means nothing")

    assert (finding.state, "'sample='" in finding.remedy) == ("bad", True)


def test_a_journal_that_cannot_be_read_is_found(setup):
    """The server answers, and its journal does not."""
    setup.server.trouble = JournalUnavailable("Redis: LOADING")

    assert setup.told("the journal cannot be read: Redis: LOADING").state == "bad"


def test_nothing_is_changed_by_looking(setup):
    """No environment is made, nothing is read away."""
    setup.findings("b-1")

    assert setup.server.environments == {}
