"""``sidecar-worker journal``: looks at what waits, and at what was buried."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import open_for, require_known
from sidecar_science.cli.target import adopt, load
from sidecar_science.errors import Undecodable
from sidecar_science.journal.job import Job, unseal
from sidecar_science.journal.protocol import Journal
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.render.visible import visible
from sidecar_science.sidecar import Sidecar


def add(commands: Any) -> None:
    parser = commands.add_parser("journal", help="look at what waits, and at what was buried")
    parser.add_argument("look", choices=("lag", "peek", "dead"))
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--count", type=_count, default=20, metavar="N", help="how many entries (default 20)")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    sidecar = adopt(load(arguments.target), arguments.redis_url, arguments.config)
    journal = open_for(sidecar, arguments.environment)
    try:
        require_known(journal)
        table = _TABLES[arguments.look](sidecar, journal, arguments.count)
    finally:
        journal.close()
    Console(file=sys.stdout, highlight=False).print(table)
    return Exit.OK


def _count(text: str) -> int:
    return common.whole_number(text, 1, 10_000)


def _lag(_: Sidecar, journal: Journal, __: int) -> Table:
    accounts = journal.accounts()
    oldest = max((entry.age for entry in journal.peek(1)), default=0.0)
    rows = [
        ("recorded", f"{accounts.recorded:,}"),
        ("pending", f"{accounts.pending:,}"),
        ("settled", f"{accounts.settled:,}"),
        ("dead", f"{accounts.dead:,}"),
        ("oldest entry", f"{oldest:,.1f} s"),
    ]
    return _table(("what", "how much"), rows)


def _peek(sidecar: Sidecar, journal: Journal, count: int) -> Table:
    waiting = journal.peek(count)
    rows = ((f"{entry.partition:02}", f"{entry.age:,.1f} s", *_job(sidecar, entry)) for entry in waiting)
    return _table(("partition", "age", "experiment", "job", "bytes"), rows)


def _dead(_: Sidecar, journal: Journal, count: int) -> Table:
    letters = journal.dead(count)
    rows = ((f"{each.partition:02}", rfc3339(each.at), each.job or "-", visible(each.reason)) for each in letters)
    return _table(("partition", "buried at", "job", "why"), rows)


def _job(sidecar: Sidecar, entry: Any) -> tuple[str, str, str]:
    try:
        job: Job = unseal(entry.data, sidecar.keyring, entry.partition)[0]
    except Undecodable as error:
        return f"({error})", "-", f"{len(entry.data):,}"
    return visible(job.experiment), job.id, f"{len(entry.data):,}"


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    return table


_TABLES = {"lag": _lag, "peek": _peek, "dead": _dead}
