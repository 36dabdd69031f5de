"""The command line as other programs see it: exit codes, and which stream says what."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sidecar_science import __version__
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main

DEMO = "sidecar_science.cli.demonstration.declarations:sidecar"


def test_the_version_is_told(capsys):
    """The version goes to standard output."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["run", DEMO],
        ["run", DEMO, "--environment", "b", "--lanes", "0"],
        ["run", DEMO, "--rate", "-1"],
    ],
)
def test_a_wrong_command_line_ends_with_usage(arguments, capsys):
    """Usage errors have an exit code of their own, and say nothing on standard output."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == Exit.USAGE == 3
    assert capsys.readouterr().out == ""


def test_our_errors_are_one_line_and_an_exit_code(capsys):
    """A set-up error is said in a sentence, without a traceback."""
    code = main(["report", "nowhere_at_all:sidecar", "--environment", "b"])

    told = capsys.readouterr()
    assert code == Exit.USAGE
    assert told.out == ""
    assert told.err.startswith("sidecar-worker: ")
    assert "Traceback" not in told.err


def test_help_ends_with_commands_to_copy(capsys):
    """The help shows whole command lines."""
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "sidecar-worker run publisher.experiments:sidecar" in capsys.readouterr().out


def test_the_package_can_be_run_without_its_script():
    """``python -m sidecar_science.cli`` is the same command."""
    done = subprocess.run(
        [sys.executable, "-m", "sidecar_science.cli", "--version"], capture_output=True, text=True, check=True
    )

    assert __version__ in done.stdout


def test_an_interrupted_command_ends_without_a_traceback(monkeypatch, capsys):
    """Ctrl-C is no error of anybody's."""
    monkeypatch.setattr("sidecar_science.cli.opening.load", _interrupted)

    assert main(["report", DEMO, "--environment", "b"]) == Exit.UNEXPECTED
    assert "Traceback" not in capsys.readouterr().err


def _interrupted(_):
    raise KeyboardInterrupt


def test_a_reader_that_has_seen_enough_is_no_error():
    """As in ``sidecar-worker report ... --format json | head -1``, where the pipe is closed early."""
    code = (
        "import sys; from sidecar_science.cli import main, report\n"
        "def execute(_): print('x' * 1_000_000); return 0\n"
        "report.execute = execute\n"
        f"sys.exit(main.main(['report', {DEMO!r}, '--environment', 'b']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    process.stdout.close()
    told = process.stderr.read()

    assert (process.wait(), told) == (Exit.OK, "")
