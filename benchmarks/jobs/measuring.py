"""How many requests a second a contender's process makes, counted where they arrive, and what CPU each one costs it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from benchmarks.jobs.content_server import ContentServer

_PATIENCE: Final = 30.0
_LOOK: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Rate:
    """Jobs per second, and CPU µs per job of all its processes (0.0 where the system does not tell)."""

    jobs: float
    cpu: float


def measure(
    command: Sequence[str],
    environ: Mapping[str, str],
    server: ContentServer,
    *,
    seconds: float,
    warm: float,
    core: int | None,
) -> Rate:
    """Run ``command`` on ``core``; what it does in ``seconds``, from ``warm`` seconds after its first request on.

    What it writes to standard error is shown when it makes no requests.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            start_new_session=True, preexec_fn=lambda: _stay_on(core),
        )  # fmt: skip
        try:
            first = _first(server, process)
            time.sleep(max(0.0, first + warm - time.monotonic()))
            begin, spent = time.monotonic(), _cpu(process.pid)
            time.sleep(seconds)
            end, spent = time.monotonic(), _cpu(process.pid) - spent
            times = [at for at in server.times() if begin <= at <= end]
            return _rate(times, begin, end, spent)
        except LookupError:
            errors.seek(0)
            sys.stderr.write(errors.read().decode(errors="replace")[-4000:])
            raise
        finally:
            _end(process)


def _rate(times: Sequence[float], begin: float, end: float, spent: float) -> Rate:
    if len(times) < 2:
        raise LookupError(f"no jobs were done in {end - begin:g} s")
    # Who was through before the end is measured by the last job.
    span = end - begin if end - times[-1] < (end - begin) / 4 else times[-1] - begin
    return Rate(jobs=len(times) / span, cpu=spent * 1e6 / len(times))


def _first(server: ContentServer, process: subprocess.Popen[bytes]) -> float:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        count, first = server.seen()
        if count:
            return first
        time.sleep(_LOOK)
    raise LookupError(f"{process.args!r} made no request in {_PATIENCE:g} s (exit {process.poll()})")


def _stay_on(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def _cpu(session: int) -> float:
    """Seconds that the processes of a session have used."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _end(process: subprocess.Popen[bytes]) -> None:
    """All processes of its session: some queues leave children behind when they are told to end in a hurry."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
