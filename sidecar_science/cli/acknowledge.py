"""``sidecar-worker acknowledge``: a known group, with a note and an end, is no reason against B."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import Any

from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import open_for, require_known
from sidecar_science.cli.target import adopt, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.acknowledging import name_of, to_note
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.records import Acknowledgement
from sidecar_science.reports.store import report_of


def add(commands: Any) -> None:
    parser = commands.add_parser("acknowledge", help="note that a group is known, until when")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument(
        "fingerprint", metavar="FINGERPRINT", help="the group's sixteen digits, as the report shows them"
    )
    parser.add_argument("--note", help="why it is known")
    parser.add_argument("--until", metavar="DATE", help="the last day on which it counts as known, or an instant")
    parser.add_argument("--withdraw", action="store_true", help="take the acknowledgement back")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    name, now = name_of(arguments.fingerprint), SYSTEM_CLOCK.wall()
    note = None if arguments.withdraw else to_note(_acknowledgement(arguments, now))
    sidecar = adopt(load(arguments.target), arguments.redis_url, arguments.config)
    journal = open_for(sidecar, arguments.environment)
    try:
        require_known(journal)
        journal.note(name, note)
        if note is not None and not _seen(journal, arguments.fingerprint, now):
            _say(f"no job of {arguments.environment} is in group {arguments.fingerprint} yet; it is noted all the same")
    finally:
        journal.close()
    return Exit.OK


def until(text: str, now: float) -> float:
    """The end of a day (UTC), or an instant with its zone, as seconds. Raises `UsageError`, also for what is over."""
    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text!r} cannot be read; expected a day such as 2026-12-24") from None
    if ":" not in text:
        instant = instant.replace(hour=23, minute=59, second=59, microsecond=999_000, tzinfo=datetime.UTC)
    if instant.tzinfo is None:
        raise UsageError(f"--until {text!r} has no zone; write {text}Z for UTC")
    if instant.timestamp() <= now:
        raise UsageError(f"--until {text!r} is over; give the last day on which the group counts as known")
    return instant.timestamp()


def _acknowledgement(arguments: argparse.Namespace, now: float) -> Acknowledgement:
    if arguments.note is None or arguments.until is None:
        raise UsageError(
            "an acknowledgement takes --note and --until: why the group is known, and for how long that holds"
        )
    return Acknowledgement(note=arguments.note, at=rfc3339(now), until=rfc3339(until(arguments.until, now)))


def _seen(journal: Journal, fingerprint: str, now: float) -> bool:
    report = report_of(journal, namespace="", generated_at=now)
    return any(group.fingerprint == fingerprint for experiment in report.experiments for group in experiment.groups)


def _say(sentence: str) -> None:
    print(f"sidecar-worker: {sentence}", file=sys.stderr)  # noqa: T201 - to whoever typed the command
