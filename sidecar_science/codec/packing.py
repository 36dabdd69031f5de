"""One encoding under way: a fast way that has no idea where it is, and a slow one that can tell.

The fast way lets ormsgpack walk the value and asks for a shape where it knows no type. Where that fails, or where
ormsgpack would write one type in another's form, the slow way takes every item in hand and knows its path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import ormsgpack
from ormsgpack import Ext

from sidecar_science.codec import shapes, types
from sidecar_science.codec.measure import NATIVE_KEYS
from sidecar_science.codec.shapes import Shape
from sidecar_science.errors import (
    CodecError,
    DeadlineExceeded,
    EgressRefused,
    MismatchError,
    NotEncodable,
    TooLarge,
)

PLAIN = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
KEYS = ormsgpack.OPT_NON_STR_KEYS

_LEAVES = frozenset((float, bool, bytes, type(None)))
_MIN_INT, _MAX_INT = -(1 << 63), (1 << 64) - 1
_LONGEST_PATH = 200

# What must pass through whatever stands in the way; everything else that code of others raises is an obstacle.
PASSING = (KeyboardInterrupt, MismatchError, EgressRefused, DeadlineExceeded)

Path = tuple[Any, ...]  # (path above, segment), () for the root
_EACH = object()


class Packing:
    """Encodes one value; ``shape`` gives the shape of what MessagePack has no type for."""

    def __init__(
        self, shape: Callable[[Any], Shape], *, max_depth: int, options: int = PLAIN | KEYS, sort: bool = False
    ) -> None:
        self._shape = shape
        self._max_depth = max_depth
        self._options = options
        self._sort = sort
        self._stopped: BaseException | None = None

    def fast(self, value: Any) -> bytes | None:
        """The encoded value, or None where only the slow way can tell what is the matter."""
        if self._sort:  # which ormsgpack cannot do here
            return None
        try:
            return ormsgpack.packb(value, self._extend, self._options)
        except Exception:  # noqa: BLE001 - the slow way comes to it again, and tells
            # ormsgpack puts an exception of its own in the place of whatever was raised below it.
            if isinstance(self._stopped, PASSING):
                raise self._stopped from None
            return None

    def slow(self, value: Any) -> bytes:
        """The encoded value. Raises `NotEncodable`, with the type and the path, or `TooLarge`."""
        return _packed(self._lower(value, (), 0))

    def _extend(self, value: Any) -> Any:
        try:
            code, content = self._shape(value)
            if code is None:
                return content
            raw = code in shapes.RAW
            return Ext(code, content if raw else ormsgpack.packb(content, self._extend, self._options))
        except BaseException as error:
            self._stopped = self._stopped or error
            raise

    def _lower(self, value: Any, path: Path, depth: int) -> Any:
        """``value`` in types that MessagePack has, with extensions made already."""
        kind = type(value)
        if kind in _LEAVES:
            return value
        if kind is str:
            return value if _is_utf8(value) else Ext(shapes.SURROGATES, value.encode("utf-8", "surrogatepass"))
        if kind is int:
            return value if _MIN_INT <= value <= _MAX_INT else Ext(*shapes.big_int(value))
        if depth > self._max_depth:
            raise TooLarge("depth", self._max_depth)
        if kind is list:
            return [self._lower(item, (path, i), depth + 1) for i, item in enumerate(value)]
        if kind is dict:
            return self._lower_dict(value, path, depth)
        code, content = self._shape_at(value, path)
        if code is None:
            return self._lower(content, path, depth)
        return Ext(code, content if code in shapes.RAW else self._payload(code, content, path, depth))

    def _shape_at(self, value: Any, path: Path) -> Shape:
        try:
            return self._shape(value)
        except NotEncodable as error:
            raise NotEncodable(error.type_name, text(path), error.hint) from error
        except (CodecError, *PASSING):
            raise
        except BaseException as error:
            # Even SystemExit: this is code of a value's own class, and the control has not failed.
            hint = f"looking at it raised {types.type_name(error)}"
            raise NotEncodable(types.type_name(value), text(path), hint) from error

    def _payload(self, code: int, content: Any, path: Path, depth: int) -> bytes:
        if code in (shapes.SET, shapes.FROZENSET):
            packed = [_packed(self._lower(item, (path, _EACH), depth + 1)) for item in content]
            return join(sorted(packed) if self._sort else packed)
        if code == shapes.RECORD:
            name, state = content
            return _packed([name, self._lower(state, path, depth)])
        return _packed(self._lower(content, path, depth))

    def _lower_dict(self, value: dict[Any, Any], path: Path, depth: int) -> Any:
        pairs = [
            (self._lower(key, path, depth + 1), self._lower(item, (path, key), depth + 1))
            for key, item in list(value.items())
        ]
        if not all(type(key) in NATIVE_KEYS for key, _ in pairs):
            packed = [(_packed(key), _packed(item)) for key, item in pairs]
            parts = [part for pair in (sorted(packed) if self._sort else packed) for part in pair]
            return Ext(shapes.PAIRS, join(parts))
        if self._sort:
            pairs.sort(key=lambda pair: _rank(pair[0]))
        lowered = dict(pairs)
        if len(lowered) != len(pairs):
            raise NotEncodable("builtins.dict", text(path), "two of its keys are the same text")
        return lowered


def text(path: Path) -> str:
    """A path as people read it: ``$[0].files["a b"]``; what is no text and no number is ``[?]``."""
    segments: list[str] = []
    while path:
        path, segment = path
        segments.append(_segment(segment))
    whole = "$" + "".join(reversed(segments))
    return whole if len(whole) <= _LONGEST_PATH else whole[:_LONGEST_PATH] + "…"


def join(items: Iterable[bytes]) -> bytes:
    """The list of values that are encoded already, encoded."""
    parts = list(items)
    count = len(parts)
    if count < 16:
        head = bytes((0x90 | count,))
    elif count < 1 << 16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return head + b"".join(parts)


def _segment(segment: Any) -> str:
    if segment is _EACH:
        return "[*]"
    if type(segment) is int:
        return f"[{segment}]" if _MIN_INT <= segment <= _MAX_INT else "[?]"
    if type(segment) is not str:
        return "[?]"
    return f".{segment}" if segment.isascii() and segment.isidentifier() else f"[{json.dumps(segment)}]"


def _rank(key: Any) -> bytes:
    """Where a key stands in order: text as ormsgpack sorts it."""
    return key.encode() if type(key) is str else _packed(key)


def _packed(lowered: Any) -> bytes:
    return ormsgpack.packb(lowered, None, PLAIN | KEYS)


def _is_utf8(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
