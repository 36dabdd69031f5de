"""``sidecar-worker job``: one job in full, as far as it may be shown."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from sidecar_science.cli import options as common
from sidecar_science.cli import recorded
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import open_for, require_known
from sidecar_science.cli.target import adopt, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.one_job import kept_of
from sidecar_science.reports.render import job as text
from sidecar_science.reports.store import report_of
from sidecar_science.sidecar import Sidecar

SCHEMA = 1


def add(commands: Any) -> None:
    parser = commands.add_parser("job", help="one job in full: what it was called with, what A and B answered")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("job", metavar="JOB", help="the job's id, as the report shows it")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    sidecar = adopt(load(arguments.target), arguments.redis_url)
    journal = open_for(sidecar, arguments.environment)
    try:
        require_known(journal)
        told = _told(sidecar, journal, arguments.job)
    finally:
        journal.close()
    if arguments.format == "json":
        written = json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    else:
        written = text.render(told)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(written.encode(encoding, "backslashreplace").decode(encoding))
    return Exit.OK


def _told(sidecar: Sidecar, journal: Journal, wanted: str) -> dict[str, Any]:
    report = report_of(journal, namespace=sidecar.namespace, generated_at=SYSTEM_CLOCK.wall())
    kept = kept_of(report, wanted)
    found = recorded.find(sidecar, journal, wanted)
    if not kept and found is None:
        raise UsageError(
            f"nothing is known of job {wanted!r}: its bytes are not in the journal, and the report of"
            f" {journal.environment} keeps no sample of it; take an id that the report names, or keep jobs for longer"
            " (the journal's retention)"
        )
    told = {"schema": SCHEMA, "job": wanted, "environment": journal.environment}
    if found is not None:
        job, _ = found
        experiment = sidecar.experiments.get(job.experiment)
        told |= {
            **recorded.facts(job),
            "calls": recorded.calls(job, sidecar.codec),
            "control": recorded.control(job, sidecar.codec, experiment),
        }
    # What was recorded is whole; of a large answer the report keeps an excerpt. Only the latter knows B's.
    return told | {name: value for name, value in kept.items() if name not in told or told[name] == recorded.WITHHELD}
