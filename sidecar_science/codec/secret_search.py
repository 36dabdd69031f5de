"""A fast look at an encoded value: is there any key in it that a test says yes to?

Most jobs hold no secret, and this look spares them being rebuilt, searched and encoded once more. Reading the bytes
again takes less time than searching them for a hundred names.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import ormsgpack

from sidecar_science.codec import shapes
from sidecar_science.codec.packing import KEYS

Test = Callable[[Any], bool]

_MEMBER = object()  # of an enumeration: it is encoded by its name, and may be a key by its value
_NESTED = frozenset((shapes.TUPLE, shapes.SET, shapes.FROZENSET, shapes.RECORD))


def any_key(encoded: bytes, test: Test, harmless: Set[Any]) -> bool:
    """Whether ``test`` says yes to any key of a dict or field of a record in there; True also where nobody can tell.

    ``harmless`` are keys that it certainly says no to.
    """
    try:
        value = ormsgpack.unpackb(encoded, ext_hook=_Look(test), option=KEYS)
    except ValueError:
        return True
    return _any_key(value, test, harmless)


class _Look:
    """Looks into the extension types. (A function that knows itself would be garbage for the collector, every time.)"""

    def __init__(self, test: Test) -> None:
        self._test = test

    def __call__(self, code: int, payload: bytes) -> Any:
        if code in _NESTED:
            return ormsgpack.unpackb(payload, ext_hook=self, option=KEYS)
        if code == shapes.PAIRS:
            pairs = ormsgpack.unpackb(payload, ext_hook=self, option=KEYS)
            if any(key is _MEMBER or self._test(key) for key in pairs[::2]):
                raise LookupError  # which ends the reading
            return pairs
        return _MEMBER if code == shapes.MEMBER else None


def _any_key(value: Any, test: Test, harmless: Set[Any]) -> bool:
    level = [(value,)]
    while level:
        below: list[Any] = []
        for box in level:
            for item in box:
                kind = type(item)
                if kind is dict:
                    if not item.keys() <= harmless and any(map(test, item)):
                        return True
                    below.append(item.values())
                elif kind is list:
                    below.append(item)
        level = below
    return False
