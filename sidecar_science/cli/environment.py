"""``sidecar-worker environment``: the B-branches of a journal, and moving one of them to another instant."""

from __future__ import annotations

import argparse
from typing import Any

from sidecar_science.cli import options as common
from sidecar_science.cli import tables
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.moving import NOBODY
from sidecar_science.cli.opening import open_for, opened, require_known
from sidecar_science.journal.protocol import Accounts, Environment, Joined, Journal, Position
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.render.words import counted
from sidecar_science.sidecar import Sidecar


def add(commands: Any) -> None:
    parser = commands.add_parser("environment", help="list the B-branches; move one to another instant")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    action = actions.add_parser("list", help="every environment: where it began, who works in it, what waits")
    common.add_target(action)
    action.set_defaults(execute=list_)
    action = actions.add_parser("reset", help="begin anew, as after a fresh copy of A's data")
    common.add_target(action)
    common.add_environment(action)
    action.add_argument(
        "--from", dest="start", required=True, metavar="earliest|latest|TIME",
        help="where it begins: when the copy was taken, such as 2026-11-23T02:00Z",
    )  # fmt: skip
    action.add_argument("--epoch", metavar="NAME", help="which data and deploy B has from here on (default: as before)")
    action.add_argument(
        "--force", action="store_true", help="even while workers live in it: what they have in hand may run twice"
    )
    action.set_defaults(execute=reset)


def list_(arguments: argparse.Namespace) -> int:
    with opened(arguments, NOBODY) as (sidecar, journal):
        rows = [_row(known, _accounts(sidecar, known)) for known in _sorted(journal)]
    tables.show(("name", "epoch", "began at", "workers", "last seen", "pending", "dead"), rows)
    return Exit.OK


def reset(arguments: argparse.Namespace) -> int:
    """New accounts, nothing in hand, no dead letters, no taint; the report begins anew as well."""
    start = common.position(arguments.start)
    with opened(arguments) as (_, journal):
        require_known(journal)
        done = journal.reset(start, arguments.epoch, force=arguments.force)
        accounts = journal.accounts()
    tables.tell(_told(journal.environment, done, accounts))
    return Exit.OK


def _told(name: str, done: Joined, accounts: Accounts) -> str:
    epoch = f", epoch {done.epoch}" if done.epoch else ""
    return (
        f"{name} begins at {_place(done.start)}{epoch}: {counted(accounts.pending, 'job waits', 'jobs wait')}, "
        f"{accounts.before_start:,} lie before"
    )


def _sorted(journal: Journal) -> list[Environment]:
    return sorted(journal.environments(), key=lambda known: known.name)


def _accounts(sidecar: Sidecar, known: Environment) -> Accounts:
    journal = open_for(sidecar, known.name)
    try:
        return journal.accounts()
    finally:
        journal.close()


def _row(known: Environment, accounts: Accounts) -> tuple[str, ...]:
    seen = rfc3339(known.seen) if known.seen is not None else "never"
    if known.expired is not None:
        seen += f" (expired {rfc3339(known.expired)})"
    cells = (known.name, known.epoch or "-", _place(known.start), f"{known.workers:,}", seen)
    return *map(visible, cells), f"{accounts.pending:,}", f"{accounts.dead:,}"


def _place(start: Position) -> str:
    return start if isinstance(start, str) else rfc3339(start)
