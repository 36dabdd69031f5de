"""What `doctor` has to say about one thing."""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen
class Finding:
    """One thing that was looked at: how it stands, and what to do about it."""

    state: Literal["good", "note", "bad"]
    what: str
    remedy: str = ""


def ago(seconds: float) -> str:
    """How long ago, in the unit that suits it."""
    return f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """How long, in the unit that suits it."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} seconds"
