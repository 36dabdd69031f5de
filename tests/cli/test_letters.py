"""`journal dead`, `requeue` and `drop` on a real server: what an operator does about dead letters."""

from __future__ import annotations

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.journal.layout import DEAD_BYTES
from tests.cli.apps import buried, outside, recorded

pytestmark = pytest.mark.realserver


@pytest.fixture
def command(app, capsys):
    """The action of `journal` on the app's journal, in this process: its exit code, and what it told."""
    target = app()

    def run(action, *arguments):
        code = main(["journal", action, target, "--environment", "b-1", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    run.target = target
    return run


def test_a_letter_is_found_by_its_name_and_requeued_from_outside(command):
    """The name that `dead` shows is the one that `requeue` takes, as processes of their own."""
    journal, [name, other] = buried(recorded(command.target, 1), b"one", b"two")
    named = ("--environment", "b-1")

    listed = outside("journal", "dead", command.target, *named)
    told = outside("journal", "requeue", command.target, name, *named)

    assert f"\n{name}" in listed
    assert "it is one" in listed
    assert told == "1 dead letter requeued\n"
    assert [letter.name for letter in journal.dead(10)] == [other]
    assert journal.accounts().pending == 2


def test_all_of_them_are_requeued(command):
    """They wait again, and none is dead."""
    journal, names = buried(recorded(command.target, 1), b"one", b"two")

    assert command("requeue", "--all") == (Exit.OK, "2 dead letters requeued\n")
    accounts = journal.accounts()
    assert (accounts.dead, accounts.pending, journal.dead(10)) == (0, 3, [])


def test_a_dropped_letter_stays_counted(command):
    """It is gone, and the books know of it."""
    journal, [name, other] = buried(recorded(command.target, 1), b"one", b"two")

    assert command("drop", other) == (Exit.OK, "1 dead letter dropped\n")
    assert [letter.name for letter in journal.dead(10)] == [name]
    assert journal.accounts().dead == 2


def test_a_letter_that_was_not_kept_whole_stays(command):
    """By name that is an error; among all of them it is told."""
    journal, [large, small] = buried(recorded(command.target, 1), b"x" * (DEAD_BYTES + 1), b"small")

    code, told = command("requeue", large)
    assert (code, journal.accounts().dead) == (Exit.USAGE, 2)
    assert f"letter {large} cannot be requeued: of its 65,537 bytes the first 65,536 were kept" in told

    code, told = command("requeue", "--all")
    assert (code, journal.accounts().dead) == (Exit.OK, 1)
    assert told == "1 dead letter requeued; 1 stays, being larger than what is kept of a letter\n"


@pytest.mark.parametrize("action", ["requeue", "drop"])
def test_an_unknown_name_changes_nothing(command, action):
    """A slip in one name leaves the others alone, too."""
    journal, [name] = buried(recorded(command.target, 1), b"one")

    code, told = command(action, name, "00:1-1")

    assert (code, journal.accounts().dead, len(journal.dead(10))) == (Exit.USAGE, 1, 1)
    assert "'00:1-1' is no dead letter of environment 'b-1' (it has 1)" in told


@pytest.mark.parametrize("arguments", [(), ("00:1-1", "--all")])
def test_names_or_all_have_to_be_said(command, arguments):
    """Nothing is deleted because somebody typed too little."""
    buried(recorded(command.target, 1), b"one")

    code, told = command("drop", *arguments)

    assert code == Exit.USAGE
    assert "either their names, as `journal dead` shows them, or --all" in told
