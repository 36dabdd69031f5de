"""``sidecar-worker doctor``: what is off in an application's set-up, and how to mend it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rich.console import Console

from sidecar_science.cli import options as common
from sidecar_science.cli.examination import Examination
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.finding import Finding
from sidecar_science.cli.target import configure, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.reports.render.visible import visible

_MARKS = {"good": ("✔", "green"), "note": ("•", "yellow"), "bad": ("✘", "red")}


def add(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="what is off in the set-up, and how to mend it")
    common.add_target(parser)
    common.add_environment(parser, required=False)
    parser.add_argument("--route", action="append", default=[], metavar="SERVICE=URL", help="as given to run")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Print what was found; the exit code is 1 when something has to be mended."""
    sidecar = load(arguments.target)
    sidecar.recorder.retire()
    configure(sidecar, arguments.redis_url, arguments.config)
    targets = {
        **sidecar.configuration.environment(arguments.environment or "").routes,
        **common.routes(arguments.route),
    }
    examination = Examination(sidecar, environment=arguments.environment, targets=targets, clock=SYSTEM_CLOCK)
    findings = examination.run()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for finding in findings:
        _show(console, finding)
    bad = sum(finding.state == "bad" for finding in findings)
    console.print(f"\n{bad} to mend." if bad else "\nNothing has to be mended.")
    return Exit.UNEXPECTED if bad else Exit.OK


def _show(console: Console, finding: Finding) -> None:
    mark, style = _MARKS[finding.state]
    console.print(f"{mark} ", style=style, end="")
    console.print(visible(finding.what), markup=False)
    if finding.remedy:
        console.print(f"    {visible(finding.remedy)}", style="dim", markup=False)
