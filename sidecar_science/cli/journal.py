"""``sidecar-worker journal``: what waits, what was buried, and the log itself, from one place to another."""

from __future__ import annotations

import argparse
from typing import Any

from sidecar_science.cli import letters, moving, tables
from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import opened, require_known
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.journal.job import Job, unseal
from sidecar_science.journal.protocol import Waiting
from sidecar_science.reports.render.visible import visible


def add(commands: Any) -> None:
    parser = commands.add_parser("journal", help="look at what waits and what was buried; export and import")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, execute, told in (
        ("lag", lag, "how much waits, and for how long"),
        ("peek", peek, "the oldest entries, without what they hold"),
        ("dead", dead, "dead letters, the newest first: their names, and why"),
    ):
        action = actions.add_parser(name, help=told)
        common.add_target(action)
        common.add_environment(action)
        action.add_argument("--count", type=_count, default=20, metavar="N", help="how many entries (default 20)")
        action.set_defaults(execute=execute)
    letters.add(actions)
    moving.add(actions)


def lag(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (_, journal):
        require_known(journal)
        accounts = journal.accounts()
        oldest = max((entry.age for entry in journal.peek(1)), default=0.0)
    rows = [
        ("recorded", f"{accounts.recorded:,}"),
        ("pending", f"{accounts.pending:,}"),
        ("settled", f"{accounts.settled:,}"),
        ("dead", f"{accounts.dead:,}"),
        ("oldest entry", f"{oldest:,.1f} s"),
    ]
    tables.show(("what", "how much"), rows)
    return Exit.OK


def peek(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (sidecar, journal):
        require_known(journal)
        dictionaries = Dictionaries(journal, sidecar.keyring)
        rows = [
            (f"{entry.partition:02}", f"{entry.age:,.1f} s", *_job(sidecar.keyring, entry, dictionaries))
            for entry in journal.peek(arguments.count)
        ]
    tables.show(("partition", "age", "experiment", "job", "bytes"), rows)
    return Exit.OK


def dead(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (_, journal):
        require_known(journal)
        buried = journal.dead(arguments.count)
    tables.show(("name", "buried at", "job", "why"), map(letters.row, buried))
    return Exit.OK


def _count(text: str) -> int:
    return common.whole_number(text, 1, 10_000)


def _job(keyring: Keyring, entry: Waiting, dictionaries: Dictionaries) -> tuple[str, str, str]:
    try:
        job: Job = unseal(entry.data, keyring, entry.partition, dictionaries.get)[0]
    except Undecodable as error:
        return f"({error})", "-", f"{len(entry.data):,}"
    return visible(job.experiment), job.id, f"{len(entry.data):,}"
