"""How a command ends, as other programs see it."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Exit codes with names."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 3
    NOT_DRAINED = 4
