"""Rows for eyes: what a command prints when its answer is a list."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table


def show(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print ``rows`` under ``head``. The first column is what other commands take: it is never broken."""
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(name, no_wrap=number == 0, overflow="ignore" if number == 0 else "fold")
    for row in rows:
        table.add_row(*row)
    Console(file=sys.stdout, highlight=False, markup=False).print(table)


def tell(text: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{text}\n")
