"""Which entities are recorded: decided by the key alone, the same everywhere, and changeable at run time."""

from __future__ import annotations

import pytest

from sidecar_science.errors import JournalMisconfigured, JournalUnavailable
from sidecar_science.journal.partitions import sample_point
from sidecar_science.recording.rates import Rates
from sidecar_science.testing import FakeClock
from tests.desk import Desk, until

KEYS = [f"c-{n}" for n in range(400)]


def recorded(sample, **options):
    """The keys that are recorded at a rate."""
    desk = Desk(sample=sample, **options)
    taken = []
    get = desk.experiment("get", key="key")(lambda key: key)
    for key in KEYS:
        before = desk.stats["sampled_out"]
        get(key)
        if desk.stats["sampled_out"] == before:
            taken.append(key)
    assert desk.stats["called"] == len(KEYS)
    desk.sidecar.close()
    return set(taken)


def test_a_higher_rate_only_adds_entities():
    """All calls of one entity are in or out together."""
    few, some, most, all_of_them = recorded(0.05), recorded(0.3), recorded(0.9), recorded(1.0)

    assert recorded(0.0) < few < some < most < all_of_them == set(KEYS)
    assert 0.2 < len(some) / len(KEYS) < 0.4


def test_who_is_in_is_the_same_for_every_experiment_and_process():
    """It depends on the namespace and the key, and nothing else."""
    desk = Desk(sample=0.5)
    get = desk.experiment("get", key="key", service="a")(lambda key: key)
    put = desk.experiment("put", key=lambda key: key, service="b", effect="read")(lambda key: key)

    for key in KEYS:
        before = desk.stats["sampled_out"]
        get(key)
        put(key)
        assert desk.stats["sampled_out"] - before in (0, 2)
        assert (desk.stats["sampled_out"] == before) == (sample_point("desk", key) < 0.5)
    desk.sidecar.close()


def test_calls_without_a_key_are_chosen_one_by_one():
    """By the job's id; the same id says where the job goes."""
    desk = Desk(sample=0.5)
    get = desk.experiment("get")(lambda: 1)

    for _ in range(400):
        get()

    assert 120 < desk.stats["sampled_out"] < 280
    assert all(sample_point("desk", job.id) < 0.5 for job in desk.jobs)


def test_an_experiments_own_rate_wins():
    """Over the sidecar's."""
    desk = Desk(sample=0.0)
    get = desk.experiment("get", sample=1.0, effect="read")(lambda: 1)
    put = desk.experiment("put")(lambda: 1)

    get()
    put()

    assert [job.experiment for job in desk.jobs] == ["get"]


def test_one_outside_the_sample_hides_what_it_calls():
    """All of a call is in, or nothing of it."""
    desk = Desk()
    inner = desk.experiment("inner")(lambda: 1)
    outer = desk.experiment("outer", sample=0.0)(inner)

    assert outer() == 1

    assert desk.accounts == (1, 0, {}, 0)


@pytest.fixture
def clocked():
    """A sidecar whose clock is moved by hand: settings are looked at every two seconds of it."""
    clock = FakeClock()
    desk = Desk(clock=clock)
    get = desk.experiment("get", key="key")(lambda key: key)
    get("first")
    desk.flush()

    def configure(**settings):
        desk.server.settings = {name.replace("__", "|"): text for name, text in settings.items()}
        clock.advance(2.0)
        assert until(lambda: desk.sidecar.recorder.rates == Rates.read(desk.server.settings))

    yield desk, get, configure
    desk.sidecar.close(0.2)


def count(desk, get):
    """How many of ten entities are taken."""
    before = desk.stats
    for key in KEYS[:10]:
        get(key)
    after = desk.stats
    return (after["called"] - before["called"]) - (after["sampled_out"] - before["sampled_out"])


def test_the_switch_stops_recording_and_starts_it_again(clocked):
    """Meanwhile a call is only a call: it is not even counted."""
    desk, get, configure = clocked

    configure(enabled="0")
    assert get("x") == "x"
    off = desk.stats["called"]
    configure(enabled="1")
    get("y")

    assert off == 1
    assert desk.stats["called"] == 2


@pytest.mark.parametrize("text", ["0", "false", "OFF", " no ", "maybe", ""])
def test_the_switch_is_off_unless_it_says_on(clocked, text):
    """What cannot be read may have been meant to stop us."""
    desk, get, configure = clocked

    configure(enabled=text)

    assert count(desk, get) == 0
    assert desk.sidecar.recorder.recording is False


def test_after_the_switch_every_key_may_have_a_gap(clocked):
    """Nobody counted the writes that were made meanwhile."""
    desk, get, configure = clocked

    configure(enabled="0")
    configure()
    get("x")

    assert desk.jobs[-1].gaps == ("*",)


def test_what_waits_when_the_switch_is_thrown_is_dropped():
    """A process may have recorded a moment before it could know."""
    desk = Desk()
    desk.server.settings = {"enabled": "0"}
    get = desk.experiment("get")(lambda: 1)

    get()
    assert until(lambda: not desk.sidecar.recorder.recording)

    assert until(lambda: desk.accounts == (1, 0, {"switched_off": 1}, 0))
    assert desk.arrived == []


def test_rates_change_at_run_time(clocked):
    """For all experiments, or for one; and back to what was declared."""
    desk, get, configure = clocked

    configure(sample="0")
    none = count(desk, get)
    configure(sample="0", sample__get="1")
    own = count(desk, get)
    configure(sample__other="0")
    declared = count(desk, get)

    assert (none, own, declared) == (0, 10, 10)


@pytest.mark.parametrize("text", ["10%", "", "half", "nan", "inf", "5", "-0.1"])
def test_a_rate_that_cannot_be_read_records_nothing_and_is_told(clocked, text):
    """It may have been meant as a brake."""
    desk, get, configure = clocked

    configure(sample__get=text, sample="1")

    assert count(desk, get) == 0
    assert ("sidecar.trouble", "sample|get") in [(event, told.get("setting")) for event, told in desk.lines.told]


def test_settings_of_others_are_none_of_ours():
    """The report keeps words of its own there."""
    assert Rates.read({"retention": "7", "sampled": "1"}) == Rates()


def test_a_journal_that_does_not_tell_its_settings_changes_nothing(clocked):
    """What was known is still in force."""
    desk, get, configure = clocked
    configure(sample="0")

    desk.server.trouble = JournalUnavailable("down")
    desk.server.settings = {}
    desk.sidecar.clock.advance(10.0)
    desk.sidecar.flush(0.05)

    assert count(desk, get) == 0


def test_settings_that_are_not_ours_to_read_do_not_stop_the_shipping():
    """An access list may allow appending alone."""

    class Forbidding:
        def __init__(self, log):
            self._log = log

        def __getattr__(self, name):
            return getattr(self._log, name)

        def settings(self):
            raise JournalMisconfigured("NOPERM")

    desk = Desk(log=lambda: Forbidding(Desk.log(desk)))
    desk.experiment("get")(lambda: 1)()

    assert len(desk.jobs) == 1
    assert desk.stats["errors"] == {"journal": 1}
