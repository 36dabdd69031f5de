"""One path where two answers differ, with its kind."""

from __future__ import annotations

import re
from typing import Any, Literal

import attrs

Where = Literal["value", "error", "exchange", "evidence"]
Kind = Literal["changed", "missing", "extra", "type", "order", "length"]
Surplus = tuple[tuple[range, ...], tuple[range, ...]]
Side = Literal["request", "response"]

_OF_REQUEST = re.compile(r"\$(?:\[[0-9*]+\](?!\.status(?![\w]))|\Z)")


@attrs.frozen
class Difference:
    """One path where two answers differ.

    ``path`` is concrete (``$.a.b[3].c``); ``pattern`` is the same with every index as ``[*]``, which is what groups
    and reports are made of. ``missing``: A has it, B has not; ``extra``: the reverse. ``control`` and ``candidate``
    hold the two values at that path (``None`` where a side has none).

    An element of a list is named by the control's index, an ``extra`` one by the candidate's. ``surplus``, of
    ``length``: which elements have no counterpart, the control's and the candidate's.
    """

    where: Where
    path: str
    kind: Kind
    control: Any = None
    candidate: Any = None
    surplus: Surplus | None = attrs.field(default=None, repr=False)

    @property
    def side(self) -> Side:
        """Whether B was asked something else, or answered something else."""
        return side_of(self.where, self.path)

    @property
    def pattern(self) -> str:
        """The path with every list index as ``[*]``."""
        from sidecar_science.comparison.paths import to_pattern

        return to_pattern(self.path)


def side_of(where: str, path: str) -> Side:
    """On which side of an exchange a difference is: another request was sent, or another answer came back.

    What a call returned or raised is its answer.
    """
    return "request" if where == "exchange" and _OF_REQUEST.match(path) else "response"
