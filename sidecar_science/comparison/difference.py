"""One path where two answers differ, with its kind."""

from __future__ import annotations

from typing import Any, Literal

import attrs

Where = Literal["value", "error", "exchange", "evidence"]
Kind = Literal["changed", "missing", "extra", "type", "order", "length"]


@attrs.frozen
class Difference:
    """One path where two answers differ.

    ``path`` is concrete (``$.a.b[3].c``); ``pattern`` is the same with every index as ``[*]``, which is what groups
    and reports are made of. ``missing``: A has it, B has not; ``extra``: the reverse. ``control`` and ``candidate``
    hold the two values at that path (``None`` where a side has none).
    """

    where: Where
    path: str
    kind: Kind
    control: Any = None
    candidate: Any = None

    @property
    def pattern(self) -> str:
        """The path with every list index as ``[*]``."""
        from sidecar_science.comparison.paths import to_pattern

        return to_pattern(self.path)
