"""``sidecar-worker journal export`` and ``import``: recorded traffic from one place to another."""

from __future__ import annotations

import argparse
from typing import Any

from sidecar_science.cli import archives, tables
from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import opened
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal import export as form
from sidecar_science.journal.redis import open_log
from sidecar_science.reports.render.words import counted

# The journal belongs to all environments alike: reading or filling it is done as none of them.
NOBODY = "operator"
_FILE = "a file, compressed when it ends in .gz or .zst; - is"


def add(actions: Any) -> None:
    action = actions.add_parser("export", help="write the entries of the journal as JSON Lines")
    common.add_target(action)
    action.add_argument("file", nargs="?", default="-", metavar="FILE", help=f"{_FILE} standard output (default)")
    action.add_argument("--from", dest="start", metavar="TIME", help="only what was appended from this instant on")
    action.add_argument("--until", metavar="TIME", help="only what was appended before this instant")
    action.any_order = True
    action.set_defaults(execute=export)
    action = actions.add_parser("import", help="append what was exported")
    common.add_target(action)
    action.add_argument("file", nargs="?", default="-", metavar="FILE", help=f"{_FILE} standard input (default)")
    action.any_order = True
    action.set_defaults(execute=import_)


def export(arguments: argparse.Namespace) -> int:
    """All of it, or what lies between two instants. It holds what jobs hold: the file is for its owner alone."""
    since = None if arguments.start is None else common.instant(arguments.start, "--from")
    until = None if arguments.until is None else common.instant(arguments.until, "--until")
    with opened(arguments, NOBODY) as (_, journal):
        lines = archives.write(arguments.file, journal.export(since, until))
    # The first line says what it is.
    if arguments.file != archives.STANDARD:
        tables.tell(f"{counted(lines - 1, 'entry', 'entries')} exported to {arguments.file}")
    return Exit.OK


def import_(arguments: argparse.Namespace) -> int:
    """Nothing is appended before every line has been read once and found to be part of an export."""
    with archives.reading(arguments.file) as lines, opened(arguments, NOBODY) as (sidecar, journal):
        log = open_log(sidecar.redis_url, sidecar.namespace, partitions=sidecar.partitions)
        try:
            log.ensure()
        finally:
            log.close()
        for _ in form.entries(lines(), journal.partitions, lambda _: None):
            pass
        try:
            count = journal.import_(lines())
        except JournalUnavailable as error:
            raise JournalUnavailable(
                f"{error}; a part may have been imported: run it again, and what arrives twice is recognized"
            ) from error
    tables.tell(f"{counted(count, 'entry', 'entries')} imported")
    return Exit.OK
