"""Recorded values as JSON data for a person to look at: no sense is lost, and no more is shown than asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import attrs

from sidecar_science.codec.markers import Opaque, Oversize, Secret

MORE = "…"
_MAX_INT_BITS = 256
_PREVIEW = 200


@attrs.frozen
class Bounds:
    """How much of a value is shown: levels, items of one list or dict, characters of one text."""

    depth: int
    width: int
    text: int


_WHOLE = Bounds(depth=100, width=10_000, text=100_000)
_TIGHTER = (
    Bounds(depth=20, width=100, text=1_000),
    Bounds(depth=10, width=30, text=250),
    Bounds(depth=8, width=12, text=120),
    Bounds(depth=6, width=6, text=60),
    Bounds(depth=4, width=3, text=30),
    Bounds(depth=2, width=2, text=20),
)


class DoesNotFit(Exception):
    """A value takes more than was asked for; the rest of it was not looked at."""


def encoded(plain: Any) -> bytes:
    """JSON data as compact UTF-8 (lone surrogates included: `json.loads` reads them back)."""
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def whole(value: Any, limit: int) -> Any:
    """``value`` as JSON data of at most ``limit`` bytes, uncut; raises `DoesNotFit`."""
    return _within(_WHOLE, value, limit)


def fitted(value: Any, limit: int) -> Any:
    """``value`` as JSON data of at most ``limit`` bytes, cut as little as needed; a cut tells how much."""
    for bounds in (_WHOLE, *_TIGHTER):
        with contextlib.suppress(DoesNotFit):
            return _within(bounds, value, limit)
    return MORE


def cut(text: str, length: int) -> str:
    """``text``, or its first ``length`` characters and how many bytes are missing."""
    if len(text) <= length:
        return text
    missing = len(text[length:].encode("utf-8", "surrogatepass"))
    return f"{text[:length]}{MORE} ({missing} bytes more)"


def common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _within(bounds: Bounds, value: Any, limit: int) -> Any:
    plain = _Plainer(bounds, limit).plain(value)
    if len(encoded(plain)) > limit:
        raise DoesNotFit
    return plain


class _Plainer:
    """Turns one value into JSON data within ``bounds``; gives up past ``budget`` characters."""

    def __init__(self, bounds: Bounds, budget: int) -> None:
        self._bounds = bounds
        self._left = budget

    def plain(self, value: Any, level: int = 0) -> Any:
        self._spend(1)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._container(value, level)
        for kinds, turn in _LEAVES:
            if isinstance(value, kinds):
                return turn(value, self._bounds.text)
        return {"opaque": type(value).__qualname__}

    def _container(self, value: Any, level: int) -> Any:
        if level >= self._bounds.depth and value:
            return f"{MORE} ({len(value)} {'keys' if isinstance(value, Mapping) else 'items'})"
        return self._dict(value, level + 1) if isinstance(value, Mapping) else self._list(value, level + 1)

    def _dict(self, value: Mapping[Any, Any], level: int) -> dict[str, Any]:
        width = self._bounds.width
        plain = {self._text(str(key)): self.plain(item, level) for key, item in islice(value.items(), width)}
        if len(value) > width:
            plain[MORE] = f"{len(value) - width} more"
        return plain

    def _list(self, value: Any, level: int) -> list[Any]:
        width = self._bounds.width
        plain = [self.plain(item, level) for item in islice(value, width)]
        if len(value) > width:
            plain.append(f"{MORE} ({len(value) - width} more)")
        return plain

    def _text(self, text: str) -> str:
        self._spend(min(len(text), self._bounds.text))
        return cut(text, self._bounds.text)

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise DoesNotFit


def _float(value: float, _: int) -> Any:
    return value if math.isfinite(value) else {"float": str(value)}


def _int(value: int, _: int) -> Any:
    """Python refuses to print integers of thousands of digits; nobody reads them either."""
    return (
        value
        if value.bit_length() <= _MAX_INT_BITS
        else {"int": f"{hex(value)[:20]}{MORE}", "bits": value.bit_length()}
    )


def _bytes(value: bytes, length: int) -> dict[str, Any]:
    told = {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    shown = min(length, _PREVIEW)
    try:
        return {**told, "text": cut(value.decode(), shown)}
    except UnicodeDecodeError:
        missing = len(value) - shown // 2
        return {
            **told,
            "hex": value[: shown // 2].hex() + (f"{MORE} ({missing} bytes more)" if missing > 0 else ""),
        }


def _oversize(value: Oversize, length: int) -> dict[str, Any]:
    return {
        "oversize": value.size,
        "digest": value.digest,
        "preview": cut(value.preview, min(length, _PREVIEW)),
    }


_LEAVES: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    ((bool, type(None)), lambda value, _: value),
    (int, _int),
    (float, _float),
    ((bytes, bytearray, memoryview), lambda value, length: _bytes(bytes(value), length)),
    ((date, time, timedelta, Decimal, UUID), lambda value, _: str(value)),
    (Secret, lambda value, _: {"secret": value.fingerprint}),
    (Oversize, _oversize),
    (Opaque, lambda value, _: {"opaque": value.type_name}),
)
