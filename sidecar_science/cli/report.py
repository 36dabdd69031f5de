"""``sidecar-worker report``: what differs between A and B, how often, and what became of every call."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rich.console import Console

from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import opened, require_known
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.reports.render import as_json, markdown, text
from sidecar_science.reports.store import report_of


def add(commands: Any) -> None:
    parser = commands.add_parser("report", help="what differs, how often, and what became of every call")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (sidecar, journal):
        require_known(journal)
        report = report_of(
            journal,
            namespace=sidecar.namespace,
            generated_at=SYSTEM_CLOCK.wall(),
            declared=sidecar.rules_as_text,
        )
    if arguments.format == "text":
        text.render(report, Console(file=sys.stdout, highlight=False))
    else:
        written = (as_json if arguments.format == "json" else markdown).render(report)
        # A terminal or pipe that knows no UTF-8 gets escapes instead of an error.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(written.encode(encoding, "backslashreplace").decode(encoding).rstrip("\n") + "\n")
    return Exit.OK
