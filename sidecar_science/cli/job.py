"""``sidecar-worker job``: one job in full, as far as it may be shown."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from sidecar_science.cli import logs, recorded
from sidecar_science.cli import options as common
from sidecar_science.cli.again import Again
from sidecar_science.cli.again import told as told_again
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import ids_for, open_for, require_known
from sidecar_science.cli.run import declarations
from sidecar_science.cli.target import adopt, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.journal.job import Job, Stamp
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.one_job import kept_of
from sidecar_science.reports.render import job as text
from sidecar_science.reports.store import report_of
from sidecar_science.routing.current import Current
from sidecar_science.sidecar import Sidecar
from sidecar_science.translation.idmap import ReadIds
from sidecar_science.worker.assembly import Settings, prepare_process

SCHEMA = 1


def add(commands: Any) -> None:
    parser = commands.add_parser("job", help="one job in full: what it was called with, what A and B answered")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("job", metavar="JOB", help="the job's id, as the report shows it")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--again", action="store_true", help="make it again on B, once more and counted nowhere")
    parser.add_argument("--route", action="append", default=[], metavar="SERVICE=URL", help="of --again: B's SERVICE")
    parser.add_argument(
        "--allow-writes", action="append", default=[], metavar="SERVICE", help="of --again: let it write to B's SERVICE"
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    told = _again(arguments) if arguments.again else _shown(arguments)
    if arguments.format == "json":
        written = json.dumps(told, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    else:
        written = text.render(told)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(written.encode(encoding, "backslashreplace").decode(encoding))
    return Exit.OK


def _shown(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.route or arguments.allow_writes:
        raise UsageError("--route and --allow-writes are for --again, which makes the job again on B; add it")
    sidecar = adopt(load(arguments.target), arguments.redis_url, arguments.config)
    with contextlib.closing(open_for(sidecar, arguments.environment)) as journal:
        require_known(journal)
        return _told(sidecar, journal, arguments.job, recorded.find(sidecar, journal, arguments.job))


def _again(arguments: argparse.Namespace) -> dict[str, Any]:
    """From here on this process reaches B and nothing else, as a worker does."""
    if not arguments.route:
        raise UsageError("--again needs to know where B is: add --route SERVICE=URL, as for sidecar-worker run")
    settings = Settings(
        environment=arguments.environment,
        targets=common.routes(arguments.route),
        allow_writes=common.names(arguments.allow_writes),
    )
    # Standard output is for the answer: what adapters print is none.
    with contextlib.redirect_stdout(sys.stderr):
        log, current = logs.configure("warning"), Current()
        sidecar = declarations(arguments, settings, current)
        place = prepare_process(
            services=sidecar.services, redis_url=sidecar.redis_url, settings=settings, current=current, log=log
        )
        with contextlib.closing(open_for(sidecar, settings.environment, own=place.guard.own)) as journal:
            require_known(journal)
            found = recorded.find(sidecar, journal, arguments.job)
            told = _told(sidecar, journal, arguments.job, found)
        ids = ids_for(sidecar, settings.environment, own=place.guard.own)
        again = Again(
            sidecar=sidecar, settings=settings, current=current, clock=SYSTEM_CLOCK,
            ids=None if ids is None else ReadIds(ids),
        )  # fmt: skip
        return {**told, "again": told_again(again.replay(*_still_there(arguments.job, found)))}


def _still_there(wanted: str, found: tuple[Job, Stamp] | None) -> tuple[Job, Stamp]:
    if found is None:
        raise UsageError(
            f"job {wanted} cannot be made again: its bytes have left the journal; set the journal's retention (seconds)"
            " to keep what is settled"
        )
    return found


def _told(sidecar: Sidecar, journal: Journal, wanted: str, found: tuple[Job, Stamp] | None) -> dict[str, Any]:
    report = report_of(journal, namespace=sidecar.namespace, generated_at=SYSTEM_CLOCK.wall())
    kept = kept_of(report, wanted)
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
