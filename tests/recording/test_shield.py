"""Our own trouble: counted, logged once, and never in the application's way."""

from __future__ import annotations

import logging

import pytest
import structlog

from sidecar_science.recording.shield import Shield
from tests.desk import Lines


@pytest.fixture(autouse=True)
def unconfigured():
    """structlog as it is before anybody has configured it."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_the_first_of_each_kind_is_logged():
    """With its type, and not with its text."""
    lines = Lines()
    shield = Shield(lines)

    for kind in ("key", "key", "project"):
        shield.tell(kind, ValueError("a secret"), experiment="x")

    assert shield.errors == {"key": 2, "project": 1}
    assert lines.told == [
        ("sidecar.trouble", {"kind": "key", "error": "ValueError", "experiment": "x"}),
        ("sidecar.trouble", {"kind": "project", "error": "ValueError", "experiment": "x"}),
    ]


def test_without_a_logger_the_standard_library_is_used(caplog, capfd):
    """structlog's own default would print to standard output, which may be somebody's data."""
    shield = Shield()
    with caplog.at_level(logging.INFO, "sidecar_science"):
        shield.tell("key", ValueError(), experiment="x")
        shield.inform("journal.recovered", after="JournalFull")

    assert [(record.levelname, record.name) for record in caplog.records] == [
        ("WARNING", "sidecar_science"),
        ("INFO", "sidecar_science"),
    ]
    assert caplog.messages[0] == "sidecar.trouble kind='key' error='ValueError' experiment='x'"
    assert capfd.readouterr().out == ""


def test_where_structlog_is_configured_it_is_used():
    """Also when it was configured after the sidecar was made."""
    shield = Shield()
    lines = []
    structlog.configure(processors=[lambda logger, name, event: lines.append(event) or "x"])

    shield.warn("journal.trouble", state="JournalFull")

    assert [(line["event"], line["state"]) for line in lines] == [("journal.trouble", "JournalFull")]


def test_a_silenced_shield_only_counts():
    """The interpreter is ending."""
    lines = Lines()
    shield = Shield(lines)
    shield.silence()

    shield.tell("key", ValueError())

    assert lines.told == []
    assert shield.errors == {"key": 1}
