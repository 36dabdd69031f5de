"""``sidecar-worker demo``: the whole story on this machine, with nothing set up and nothing left running."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import IO, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sidecar_science.cli.exits import Exit
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.journal.embedded import EmbeddedServer, tied
from sidecar_science.journal.protocol import Journal
from sidecar_science.journal.redis import open_journal
from sidecar_science.reports.records import Report
from sidecar_science.reports.render import text
from sidecar_science.reports.store import report_of

_PACKAGE: Final = "sidecar_science.cli.demonstration"
_ENVIRONMENT: Final = "b-1"
_LANES: Final = 4


def add(commands: Any) -> None:
    parser = commands.add_parser("demo", help="see it work: two versions of a service, an app, a worker, a report")
    parser.set_defaults(execute=execute)


def execute(_: argparse.Namespace) -> int:
    console = Console(highlight=False)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer())
        logs = stack.enter_context(tempfile.TemporaryFile("w+"))
        a_url, b_url = (stack.enter_context(_service(version, logs)) for version in ("a", "b"))
        console.print(f"[bold]A[/] is in production at {a_url}; [bold]B[/], a rewrite of it, is at {b_url}.")
        environment = {**os.environ, "SIDECAR_REDIS_URL": server.url, "DEMO_SERVICE_URL": a_url}
        environment |= {"SIDECAR_SIGNING_KEY": "a key for a demonstration"}
        made = _let_app_work(console, environment, logs)
        journal = open_journal(server.url, "demo", _ENVIRONMENT)
        _let_worker_work(console, environment, b_url, journal, made, logs)
        report = report_of(journal, namespace="demo", generated_at=SYSTEM_CLOCK.wall())
        journal.close()
    console.print()
    text.render(report, console)
    console.print(f"\n[bold]Verdict[/]  {_verdict(report)}")
    return Exit.OK


@contextlib.contextmanager
def _service(version: str, logs: IO[str]) -> Iterator[str]:
    """The service in one version, for as long as the block lasts; its URL."""
    process = _start([f"{_PACKAGE}.service", version, "0"], dict(os.environ), logs)
    try:
        port = _line(process, logs).strip()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _let_app_work(console: Console, environment: dict[str, str], logs: IO[str]) -> int:
    """Run the app against A; how many calls it made."""
    process = _start([f"{_PACKAGE}.traffic"], environment, logs)
    made = 0
    with _progress(console) as progress:
        task = progress.add_task("The app calls A, and is none the wiser", total=None)
        while line := (process.stdout or sys.stdin).readline():
            made, planned = (int(word) for word in line.split()[:2])
            progress.update(task, completed=made, total=planned)
    _check(process, logs)
    return made


def _let_worker_work(
    console: Console, environment: dict[str, str], b_url: str, journal: Journal, made: int, logs: IO[str]
) -> None:
    """Run a real worker until the journal is drained."""
    process = _start(
        ["sidecar_science.cli", "run", f"{_PACKAGE}.declarations:sidecar", "--environment", _ENVIRONMENT]
        + ["--route", f"publishing={b_url}", "--allow-writes", "publishing,notify", "--lanes", str(_LANES), "--burst"]
        + (["--route", f"notify={b_url}"] if _has_notify() else []),
        environment,
        logs,
    )
    with _progress(console) as progress:
        task = progress.add_task("The worker makes the same calls to B  ", total=made)
        while process.poll() is None:
            progress.update(task, completed=journal.accounts().settled)
            time.sleep(0.1)
        progress.update(task, completed=journal.accounts().settled)
    _check(process, logs)


def _has_notify() -> bool:
    from importlib.util import find_spec

    return find_spec("notifications_python_client") is not None


def _start(module: list[str], environment: dict[str, str], logs: IO[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own modules
        tied([sys.executable, "-m", *module]), env=environment, stdout=subprocess.PIPE, stderr=logs, text=True
    )


def _line(process: subprocess.Popen[str], logs: IO[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        _check(process, logs)
    return line


def _check(process: subprocess.Popen[str], logs: IO[str]) -> None:
    if process.wait() != 0:
        logs.seek(0)
        raise UsageError(f"a part of the demonstration ended with code {process.returncode}; it said:\n{logs.read()}")


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), console=console)


def _verdict(report: Report) -> str:
    """What somebody who has to decide would say."""
    groups = sum(len(experiment.groups) for experiment in report.experiments)
    if not groups:
        return "B answers as A does."
    return f"not yet: B differs in {groups} ways that no rule explains. Mend them, or say why they are right."
