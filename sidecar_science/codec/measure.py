"""The walk that comes before encoding: it stops early where a value would be too large to keep.

It counts and never converts: the length of text, bytes and containers, by exact type, level by level. A 100 MB string
or a list of a million items costs it no more than a small one.
"""

from __future__ import annotations

import gc
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import ormsgpack

from sidecar_science.codec import types
from sidecar_science.errors import TooLarge

EXTENDED = 1  # something that MessagePack has no type for
KEYED = 2  # a dict whose keys are not all text, yet each of a type that MessagePack has
AWKWARD = 4  # something that ormsgpack would write in another type's form

Inside = Callable[[Any], Iterable[Any] | None]

NATIVE_KEYS = frozenset((str, int, float, bool, bytes, type(None)))
_SMALL = frozenset((float, bool, type(None)))
_LIGHT = _SMALL | {int}  # ormsgpack refuses integers that are too long
_BOX = 64  # what a container counts for in itself, lest one that contains itself is looked into for long
_SEQUENCES = frozenset((tuple, set, frozenset))
_MAPPINGS = frozenset((OrderedDict, defaultdict))
_BUFFERS = frozenset((bytearray, memoryview))
_WORD = 1 << 63
_SMALL_DECIMAL = 200  # what one of common size takes in memory, which is more than it takes encoded


def measure(value: Any, *, max_bytes: int, max_depth: int, max_nodes: int, inside: Inside | None = None) -> int:
    """What encoding ``value`` will need, as flags; 0 where it is plain data. Raises `TooLarge`.

    ``inside`` gives the parts of an object of another type, or None where it has none. An object that contains
    itself is infinitely deep. The size is a lower bound: whoever encodes looks at the length of what came out.
    """
    found = size = nodes = 0
    level: list[Iterable[Any]] = [(value,)]
    for _ in range(max_depth + 1):
        below: list[Iterable[Any]] = []
        for box in level:
            for item in box:
                kind = type(item)
                if kind is str or kind is bytes:
                    size += len(item)
                elif kind is dict:
                    nodes += len(item)
                    if nodes > max_nodes:
                        raise TooLarge("nodes", max_nodes)
                    for key in item:
                        if type(key) is str:
                            size += len(key)
                        else:
                            more, bits = _key(key, below)
                            size, found = size + more, found | bits
                    below.append(item.values())
                elif kind is list:
                    nodes += len(item)
                    below.append(item)
                elif kind in _SMALL or (kind is int and -_WORD <= item <= _WORD):
                    pass
                else:
                    more, parts, bits = _other(item, kind, below, inside, max_nodes)
                    size, nodes, found = size + more, nodes + parts, found | bits
            if nodes > max_nodes:
                raise TooLarge("nodes", max_nodes)
            if size + nodes > max_bytes:
                raise TooLarge("bytes", max_bytes)
        if not below:
            return found
        level = below
    raise TooLarge("depth", max_depth)


def is_light(value: Any, most: int, max_depth: int) -> bool:
    """Whether ``value`` is plain data of no more than ``most`` characters and items. At a glance: no is no verdict.

    It costs half of what `measure` does, and nearly every value is light. It looks at no key: that of a dict was
    hashed when it came in, which costs more than to copy it, and ormsgpack refuses one that is no text.
    """
    boxes: list[Iterable[Any]] = [(value,)]
    for box in boxes:
        for item in box:
            kind = type(item)
            if kind is str:
                most -= len(item)
            elif kind is dict:
                most -= len(item) + _BOX
                boxes.append(item.values())
            elif kind is list:
                most -= len(item) + _BOX
                boxes.append(item)
            elif kind not in _LIGHT:
                return False
        if most < 0:
            return False
    return len(boxes) <= max_depth or is_shallow(value, max_depth)


def is_shallow(value: Any, max_depth: int) -> bool:
    """Whether plain data is no deeper than that."""
    level = [value]
    for _ in range(max_depth + 1):
        level = gc.get_referents(*level)
        if not level:
            return True
    return False


def _key(key: Any, below: list[Iterable[Any]]) -> tuple[int, int]:
    """The size and the flags of a key that is no text."""
    kind = type(key)
    if kind is bytes:
        return len(key), KEYED
    if kind is int and not -_WORD <= key < _WORD:
        return key.bit_length() >> 3, KEYED | AWKWARD
    if kind in NATIVE_KEYS:
        return 0, KEYED
    below.append((key,))
    return 0, KEYED | AWKWARD


def _other(
    item: Any, kind: type, below: list[Iterable[Any]], inside: Inside | None, max_nodes: int
) -> tuple[int, int, int]:
    """The size, the number of parts and the flags of what is not plain data."""
    if kind in _SEQUENCES:
        below.append(item)
        return 0, len(item), EXTENDED
    if kind in _MAPPINGS:
        # They become dicts, of which ormsgpack would write some keys in another type's form.
        if len(item) <= max_nodes:
            below.extend((dict.values(item), tuple(dict.keys(item))))
        return 0, len(item), EXTENDED | AWKWARD
    if kind in _BUFFERS:
        return len(item), 0, AWKWARD
    if kind is ormsgpack.Ext:
        return 0, 0, AWKWARD
    parts = inside(item) if inside is not None else None
    if parts is None:
        return _size(item, kind), 0, EXTENDED
    parts = list(parts)
    below.append(parts)
    return 0, len(parts), EXTENDED


def _size(item: Any, kind: type) -> int:
    if kind is int:
        return int.bit_length(item) >> 3
    if kind is Decimal:
        return max(0, Decimal.__sizeof__(item) - _SMALL_DECIMAL)
    if types.is_kind(kind, str):
        return str.__len__(item)
    return 0
