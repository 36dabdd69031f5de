"""One path where two answers differ, with its kind."""

from __future__ import annotations

from typing import Any, Literal

import attrs

Where = Literal["value", "error", "exchange", "evidence"]
Kind = Literal["changed", "missing", "extra", "type", "order", "length"]
Surplus = tuple[tuple[range, ...], tuple[range, ...]]


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
    def pattern(self) -> str:
        """The path with every list index as ``[*]``."""
        from sidecar_science.comparison.paths import to_pattern

        return to_pattern(self.path)
