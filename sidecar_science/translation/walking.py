"""Finding and changing what stands at a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sidecar_science.codec.rebuilding import EACH, MAPPINGS, rebuilt
from sidecar_science.translation.declared import Steps
from sidecar_science.translation.texts import text_of

Both = tuple[Any, Any]


def replaced(value: Any, steps: Steps, change: Callable[[Any], Any]) -> Any:
    """``value`` with what ``change`` gives for whatever stands at ``steps``; the same object where nothing changes."""
    if not steps:
        return change(value)
    first, rest = steps[0], steps[1:]

    def step(part: Any, key: Any) -> Any:
        return replaced(part, rest, change) if _is(key, first) else part

    return rebuilt(value, step)


def found(value: Any, steps: Steps) -> list[Any]:
    """What stands at ``steps``."""
    seen: list[Any] = []

    def look(part: Any) -> Any:
        seen.append(part)
        return part

    replaced(value, steps, look)
    return seen


def without(value: Any, steps: Steps) -> Any:
    """``value`` without the key that ``steps`` lead to, in every dict that has it."""
    *way, last = steps

    def cut(part: Any) -> Any:
        if type(part) in MAPPINGS and last in part:
            return {key: item for key, item in part.items() if key != last}
        return part

    return replaced(value, tuple(way), cut)


def side_by_side(a: Any, b: Any, steps: Steps) -> Iterator[Both]:
    """What stands at ``steps`` on both sides. A list of which the two sides have another order gives nothing."""
    if not steps:
        yield a, b
        return
    first, rest = steps[0], steps[1:]
    if isinstance(first, str):
        if isinstance(a, dict) and isinstance(b, dict) and first in a and first in b:
            yield from side_by_side(a[first], b[first], rest)
    elif isinstance(a, list) and isinstance(b, list):
        if first is None:
            yield from _items(a, b, rest)
        elif first < min(len(a), len(b)):
            yield from side_by_side(a[first], b[first], rest)


def _items(a: list[Any], b: list[Any], rest: Steps) -> list[Both]:
    """Lists are paired by index, and only where that is sure to mean something."""
    if len(a) != len(b):
        return []
    pairs = [pair for one, other in zip(a, b, strict=True) for pair in side_by_side(one, other, rest)]
    of_b = {text_of(other) for _, other in pairs}
    # An id of A at another place of B's list: either B sorts in another way, or nobody can tell.
    moved = any(text_of(one) in of_b and one != other for one, other in pairs)
    return [] if moved else pairs


def _is(key: Any, step: str | int | None) -> bool:
    if step is None:
        return key is EACH or type(key) is int
    return type(key) is type(step) and bool(key == step)
