"""`settings` on a real server: what is followed at run time."""

from __future__ import annotations

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.recording.rates import Rates
from tests.cli.apps import joined, outside, recorded

pytestmark = pytest.mark.realserver


@pytest.fixture
def target(app):
    return app()


@pytest.fixture
def journal(target):
    return joined(recorded(target, 1))


def shown(text):
    """The names in the first column; what a row goes on with is indented."""
    return [line.split()[0] for line in text.splitlines()[1:] if line[:1].strip()]


def test_what_is_set_is_there_for_the_app_and_the_workers(target, journal):
    """From outside: a rate, a rate of one experiment, the kill switch, and the journal's own."""
    outside("settings", target, "sample=0.1", "sample|shop.order=1", "enabled=off", "retention=86400")

    settings = journal.settings()
    rates = Rates.read(settings)
    assert (rates.enabled, rates.default, rates.of, rates.unreadable) == (False, 0.1, {"shop.order": 1.0}, ())
    assert settings["retention"] == "86400"


def test_all_settings_are_shown_with_what_holds_without_them(target, journal, capsys):
    """Those that can be set, and those that are."""
    journal.configure("sample|shop.order", "0.5")
    journal.configure("retention", "60")

    assert main(["settings", target]) == Exit.OK

    told = capsys.readouterr().out
    assert shown(told) == ["enabled", "sample", "retention", "environment_ttl", "sample|shop.order"]
    assert "(on)" in told
    assert "(as declared)" in told
    assert "60" in told


def test_one_setting_is_shown(target, journal, capsys):
    """By its name alone."""
    journal.configure("retention", "60")

    assert main(["settings", target, "retention"]) == Exit.OK

    assert shown(capsys.readouterr().out) == ["retention"]
    assert journal.settings() == {"retention": "60"}


def test_a_setting_is_unset(target, journal):
    """Without a value it holds no more, also one of an experiment that is gone."""
    journal.configure("retention", "60")
    journal.configure("sample|gone", "0.5")

    assert main(["settings", target, "retention=", "sample|gone="]) == Exit.OK

    assert journal.settings() == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sample=1.5", "the setting sample cannot be '1.5'; expected a share from 0 to 1"),
        ("sample|shop.order=half", "expected a share from 0 to 1"),
        ("sample|shop.odrer=0.5", "no experiment 'shop.odrer' is declared (declared: shop.order)"),
        ("enabled=maybe", "expected on or off"),
        ("retention=a day", "expected seconds, such as 86400"),
        ("retnetion=60", "there is no setting 'retnetion'; expected one of enabled, sample, retention"),
    ],
)
def test_what_could_not_be_followed_is_not_set(target, journal, capsys, text, told):
    """Nor is what was asked for beside it."""
    assert main(["settings", target, "environment_ttl=60", text]) == Exit.USAGE

    assert told in capsys.readouterr().err
    assert journal.settings() == {}
