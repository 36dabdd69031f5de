"""An independent, plain walk over two trees, index by index: what our diff must agree with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Told = tuple[str, str]


def told_by_index(control: Any, candidate: Any, path: str = "") -> Iterator[Told]:
    """(kind, path) of every difference, with the words and the paths that SOURCE.md of the examples uses."""
    if _type(control) != _type(candidate):
        yield "type", path
    elif isinstance(control, dict):
        for key in sorted({*control, *candidate}):
            below = f"{path}.{key}" if path else key
            if key not in candidate:
                yield "removed", below
            elif key not in control:
                yield "added", below
            else:
                yield from told_by_index(control[key], candidate[key], below)
    elif isinstance(control, list):
        if len(control) != len(candidate):
            yield "length", path
        for index, pair in enumerate(zip(control, candidate, strict=False)):
            yield from told_by_index(*pair, f"{path}[{index}]")
    elif control != candidate and (control == control or candidate == candidate):
        yield "changed", path


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__
