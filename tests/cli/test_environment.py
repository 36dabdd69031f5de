"""`environment list` and `environment reset` on a real server."""

from __future__ import annotations

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.journal.records import Settlement
from tests.cli.apps import joined, outside, recorded

pytestmark = pytest.mark.realserver


@pytest.fixture
def target(app):
    return app()


def settle_all(journal, keep="3600"):
    """Settle whatever waits; the journal keeps it."""
    journal.configure("retention", keep)
    for partition in range(journal.partitions):
        lease = journal.acquire(partition, "w", 30.0)
        entries = journal.claim([lease], 100)
        journal.settle(lease, [Settlement(entry=each.entry) for each in entries])
        journal.release(lease)


def test_every_environment_is_listed(target):
    """Where it began, who works in it, when somebody did, and what waits, from outside."""
    sidecar = recorded(target, 3)
    joined(sidecar, "b-1").beat("w", partitions=1, ttl=60.0)
    joined(sidecar, "b-2").join(epoch="e-7")

    head, first, second = (line.split() for line in outside("environment", "list", target).splitlines())

    assert head == ["name", "epoch", "began", "at", "workers", "last", "seen", "pending", "dead"]
    assert (first[:4], first[-2:]) == (["b-1", "-", "earliest", "1"], ["3", "0"])
    assert (second[:4], second[-2:]) == (["b-2", "e-7", "earliest", "0"], ["3", "0"])


def test_an_environment_begins_again(target):
    """What was settled and is kept waits again, with another epoch, and the report begins anew; from outside."""
    sidecar = recorded(target, 3)
    journal = joined(sidecar)
    settle_all(journal)
    assert journal.accounts().settled == 3

    told = outside("environment", "reset", target, "--environment", "b-1", "--from", "earliest", "--epoch", "e-2")

    assert told == "b-1 begins at earliest, epoch e-2: 3 jobs wait, 0 lie before\n"
    accounts = journal.accounts()
    assert (accounts.settled, accounts.pending) == (0, 3)
    assert journal.environments()[0].epoch == "e-2"


def test_what_lies_before_the_instant_is_told(target, capsys):
    """Everything, when it begins at the end."""
    joined(recorded(target, 2))

    assert main(["environment", "reset", target, "--environment", "b-1", "--from", "latest"]) == Exit.OK

    assert capsys.readouterr().out == "b-1 begins at latest: 0 jobs wait, 2 lie before\n"


def test_an_instant_is_told_as_it_was_given(target, capsys):
    """In UTC."""
    joined(recorded(target, 1))

    main(["environment", "reset", target, "--environment", "b-1", "--from", "2026-01-01T01:00+01:00"])

    assert "b-1 begins at 2026-01-01T00:00:00" in capsys.readouterr().out


def test_workers_are_not_reset_under_their_hands(target, capsys):
    """Unless it is forced."""
    journal = joined(recorded(target, 1))
    journal.beat("w", partitions=1, ttl=60.0)
    command = ["environment", "reset", target, "--environment", "b-1", "--from", "latest"]

    assert main(command) == Exit.USAGE
    assert "1 workers are at work in environment 'b-1'; stop them" in capsys.readouterr().err
    assert journal.accounts().pending == 1

    assert main([*command, "--force"]) == Exit.OK
    assert journal.accounts().pending == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--environment", "b-9", "--from", "latest"], "environment 'b-9' is not known in this journal (known: b-1)"),
        (["--environment", "b-1", "--from", "2036-01-01T00:00Z"], "seconds in the future"),
        (["--environment", "b-1", "--from", "yesterday"], "expected earliest, latest or an instant"),
    ],
)
def test_what_cannot_be_done_is_told(target, capsys, arguments, told):
    """And nothing is changed."""
    journal = joined(recorded(target, 1))

    assert main(["environment", "reset", target, *arguments]) == Exit.USAGE

    assert told in capsys.readouterr().err
    assert journal.accounts().pending == 1


def test_where_it_begins_has_to_be_said(target):
    """To throw all accounts away is nothing that happens for want of a word."""
    with pytest.raises(SystemExit) as ended:
        main(["environment", "reset", target, "--environment", "b-1"])

    assert ended.value.code == Exit.USAGE
