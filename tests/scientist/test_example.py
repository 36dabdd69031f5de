"""The story of the reading room, as its README tells it."""

from __future__ import annotations

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
README = ROOT / "examples" / "inline_science" / "README.md"
COMMANDS = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_each_command_of_the_readme_prints_what_the_readme_shows(command, shown):
    """Where the README leaves lines out, the end is the same."""
    program, *arguments = shlex.split(command)
    assert program == "python"

    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)

    printed = (done.stdout + done.stderr).rstrip("\n")
    if shown.startswith("...\n"):
        assert done.returncode == 1
        assert printed.endswith("\n" + shown.removeprefix("...\n").rstrip("\n"))
    else:
        assert (done.returncode, printed) == (0, shown.rstrip("\n"))


def test_the_readme_tells_three_commands():
    """None of its console blocks escapes the test above."""
    assert len(COMMANDS) == 3
