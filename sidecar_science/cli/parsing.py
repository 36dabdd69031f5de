"""How a command line is read: a wrong one ends with an exit code of its own, and names may stand after options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from sidecar_science.cli.exits import Exit


class Parser(argparse.ArgumentParser):
    """Reads one command, or which command it is."""

    # Whether arguments are found wherever they stand; not for a parser that has commands below it.
    any_order = False

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does it, which takes an optional argument for missing when an option stands before it."""
        if not self.any_order:
            return super().parse_known_args(args, namespace)
        self.any_order = False  # it calls this again, for each of its steps
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.any_order = True
