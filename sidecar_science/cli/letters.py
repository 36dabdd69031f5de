"""``sidecar-worker journal requeue`` and ``drop``: what becomes of dead letters."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from sidecar_science.cli import options as common
from sidecar_science.cli import tables
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import opened, require_known
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import DeadLetter, Journal
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.render.words import counted

_ALL = 1_000_000


def add(actions: Any) -> None:
    for name, execute, told in (
        ("requeue", requeue, "let dead letters be replayed again, after all that waits"),
        ("drop", drop, "delete dead letters; they stay counted"),
    ):
        action = actions.add_parser(name, help=told)
        common.add_target(action)
        common.add_environment(action)
        action.add_argument("letters", nargs="*", metavar="NAME", help="as `journal dead` names it: PARTITION:ID")
        action.add_argument("--all", action="store_true", help="every dead letter of the environment")
        action.any_order = True
        action.set_defaults(execute=execute)


def requeue(arguments: argparse.Namespace) -> int:
    """Those of which all bytes were kept are appended again."""
    with opened(arguments) as (_, journal):
        chosen = _chosen(journal, arguments)
        whole = [letter for letter in chosen if letter.is_whole]
        if len(whole) < len(chosen) and not arguments.all:
            cut = next(letter for letter in chosen if not letter.is_whole)
            raise UsageError(
                f"letter {cut.name} cannot be requeued: of its {cut.size:,} bytes the first {len(cut.data):,} were "
                "kept; nothing was changed. Drop it, and make its call again from the app"
            )
        done = journal.requeue(letter.name for letter in whole)
    stay = len(chosen) - len(whole)
    rest = f"; {counted(stay, 'stays', 'stay')}, being larger than what is kept of a letter" if stay else ""
    tables.tell(f"{counted(done, 'dead letter')} requeued{rest}")
    return Exit.OK


def drop(arguments: argparse.Namespace) -> int:
    """They are gone; the accounts go on counting them dead."""
    with opened(arguments) as (_, journal):
        done = journal.drop(letter.name for letter in _chosen(journal, arguments))
    tables.tell(f"{counted(done, 'dead letter')} dropped")
    return Exit.OK


def row(letter: DeadLetter) -> tuple[str, ...]:
    """A letter as a row of a table, its name first."""
    return letter.name, rfc3339(letter.at), visible(letter.job or "-"), visible(letter.reason)


def _chosen(journal: Journal, arguments: argparse.Namespace) -> list[DeadLetter]:
    """The letters that were asked for, the oldest first. Raises `UsageError` for a name that is none's."""
    require_known(journal)
    if bool(arguments.letters) == arguments.all:
        raise UsageError("say which dead letters: either their names, as `journal dead` shows them, or --all")
    letters = {letter.name: letter for letter in reversed(journal.dead(_ALL))}
    if arguments.all:
        return list(letters.values())
    return [letters[name] for name in dict.fromkeys(_known(arguments.letters, letters, journal.environment))]


def _known(names: Iterable[str], letters: Iterable[str], environment: str) -> Iterable[str]:
    there = set(letters)
    for name in names:
        if name not in there:
            raise UsageError(
                f"{name!r} is no dead letter of environment {environment!r} (it has {len(there):,}); expected a name "
                "that `sidecar-worker journal dead` shows, such as 07:1763900000000-0. Nothing was changed"
            )
        yield name
