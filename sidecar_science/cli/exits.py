"""How a command ends, as other programs see it."""

from __future__ import annotations

import enum

from sidecar_science.reports.finding import Standing


class Exit(enum.IntEnum):
    """Exit codes with names."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 3
    NOT_DRAINED = 4


class Judged(enum.IntEnum):
    """Exit codes of ``verdict``. A command that breaks down ends with 1 as well: it never passes by accident."""

    PASS = 0
    FAIL = 1
    NOT_ENOUGH_DATA = 2
    USAGE = 3

    @classmethod
    def of(cls, standing: Standing) -> Judged:
        """The code of a verdict."""
        return cls[standing.name]
