"""`sidecar-worker demo`: the whole story, and nothing left of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.realserver


def children_of(marker):
    """Command lines of running processes that carry a marker in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return found


def test_the_demonstration_tells_the_story_and_leaves_nothing_running():
    """Two places where B differs, how much slower it is, a verdict, accounts that add up, no process left."""
    marker = f"SIDECAR_TEST_MARKER={os.getpid()}-demo"
    name, _, value = marker.partition("=")

    done = subprocess.run(
        [sys.executable, "-m", "sidecar_science.cli", "demo"],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "value $.phase missing on B" in done.stdout
    assert re.search(r"B 1\.\d+x slower|B 2\.\d+x slower", done.stdout)
    assert "Every call is accounted for." in done.stdout
    assert "Verdict  not yet: B differs in 2 ways" in done.stdout
    if Path("/proc").is_dir():
        assert children_of(marker) == []
