"""A value with some of its parts changed: containers and records of the same types, and the same object if none was."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sidecar_science.codec.classes import Layout, is_record

Change = Callable[[Any, Any], Any]  # (part, key or index) -> part

_SEQUENCES = frozenset((list, tuple, set, frozenset))
MAPPINGS = frozenset((dict, OrderedDict, defaultdict))
LEAVES = frozenset((str, bytes, int, float, bool, type(None)))

EACH = object()  # stands for the index where the parts have no order


def rebuilt(value: Any, change: Change) -> Any:
    """``value`` with every part replaced by what ``change`` gives; what has no parts is given back as it is."""
    kind = type(value)
    if kind in LEAVES:
        return value
    if kind in MAPPINGS:
        return _with(value, {key: change(item, key) for key, item in dict.items(value)})
    if kind in _SEQUENCES:
        ordered = kind is list or kind is tuple
        parts = [change(item, i if ordered else EACH) for i, item in enumerate(value)]
        return value if _same(parts, value) else kind(parts)
    if is_record(kind):
        return _rebuilt_record(value, Layout(kind), change)
    return value


def parts(value: Any) -> Iterable[Any]:
    """The parts of a value, one level down."""
    kind = type(value)
    if kind in LEAVES:
        return ()
    if kind in MAPPINGS:
        return dict.values(value)
    if kind in _SEQUENCES:
        return value  # type: ignore[no-any-return]
    if is_record(kind):
        return Layout(kind).state(value).values()
    return ()


def _with(mapping: dict[Any, Any], changed: dict[Any, Any]) -> dict[Any, Any]:
    """``mapping`` itself, or a dict with the changed items: encoding makes one of every kind of mapping."""
    return mapping if _same(changed.values(), dict.values(mapping)) else changed


def _rebuilt_record(value: Any, layout: Layout, change: Change) -> Any:
    state = layout.state(value)
    fields = {name: change(item, name) for name, item in state.items()}
    return value if _same(fields.values(), state.values()) else layout.rebuild(fields)


def _same(changed: Iterable[Any], original: Iterable[Any]) -> bool:
    return all(new is old for new, old in zip(changed, original, strict=True))
