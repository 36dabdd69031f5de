"""What docs/a-side.md says of the A side as a whole: what is in single rooms, their own tests hold."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from redis import Redis

from sidecar_science import Sidecar
from sidecar_science.journal.redis import open_journal
from sidecar_science.reports.render.advice import DROPPED
from sidecar_science.testing import FakeClock
from tests.examples.pages import ROOT

PAGE = (ROOT / "docs" / "a-side.md").read_text()

SHORT_PROGRAM = """
import sys
from sidecar_science import Sidecar

sidecar = Sidecar("short", redis_url=sys.argv[1])


@sidecar.experiment("double", effect="read")
def double(number):
    return 2 * number


print(double(21))
"""


def run(program: str, *arguments: str) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def until(condition) -> bool:
    """Whether ``condition()`` came true in ten seconds."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_the_table_of_reasons_is_that_of_the_report():
    """Whoever reads a reason in a report finds it on the page, and the other way round."""
    table = PAGE[PAGE.index("| reason | when |") : PAGE.index("B is told: ")]

    reasons = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert set(reasons) == set(DROPPED)


def test_the_table_of_settings_names_arguments_and_variables_that_there_are():
    """A variable of the table sets the argument beside it."""
    table = PAGE[PAGE.index("## Settings") : PAGE.index("## Forks")]
    texts = {"SIDECAR_ENABLED": "0", "SIDECAR_SAMPLE": "0.5", "SIDECAR_BUFFER_BYTES": "9", "SIDECAR_FLUSH_TIMEOUT": "2"}
    rows = re.findall(r"^\| `(\w+)` \| `(SIDECAR_\w+)` \|", table, re.MULTILINE)
    plain = {name: variable for name, variable in rows if variable in texts}

    from_variables = Sidecar.from_env("s", environ={variable: texts[variable] for variable in plain.values()})

    recorder = from_variables.recorder
    assert len(rows) == 7
    assert set(plain) == {"enabled", "sample", "buffer_bytes", "flush_timeout"}
    assert (recorder.enabled, recorder.sample, recorder.buffer.capacity, recorder.flush_timeout) == (False, 0.5, 9, 2.0)


@pytest.mark.realserver
def test_what_a_short_program_calls_is_recorded(valkey_server):
    """A program may end right after its first call: nothing that is needed to ship it may be missing by then."""
    journal = open_journal(valkey_server.url, "short", "b")
    before = journal.accounts().recorded

    printed = [run(SHORT_PROGRAM, valkey_server.url) for _ in range(3)]

    assert printed == ["42\n"] * 3
    assert journal.accounts().recorded - before == 3
    assert len(journal.peek(10)) == 3


def test_a_program_without_its_redis_prints_and_ends_as_it_would(tmp_path):
    """Nobody listens there, and the program cannot tell."""
    assert run(SHORT_PROGRAM, f"unix://{tmp_path}/nobody.sock") == "42\n"


@pytest.mark.realserver
def test_what_is_set_in_redis_is_obeyed_within_two_seconds(valkey_server):
    """The field and the words of the page stop a running process, and let it go on."""
    clock = FakeClock()
    sidecar = Sidecar("switch", redis_url=valkey_server.url, clock=clock)
    double = sidecar.experiment("double", effect="read")(lambda number: 2 * number)
    redis = Redis.from_url(valkey_server.url)
    double(1)
    assert sidecar.flush(timeout=10.0)

    redis.hset("sidecar:{switch}:settings", "enabled", "0")
    clock.advance(2.0)
    stopped = until(lambda: not sidecar.recorder.recording)
    answer = double(21)
    uncounted = sidecar.stats()["called"] == 1
    redis.hdel("sidecar:{switch}:settings", "enabled")
    clock.advance(2.0)
    went_on = until(lambda: sidecar.recorder.recording)

    assert (stopped, answer, uncounted, went_on) == (True, 42, True, True)
    sidecar.close()
