"""The values that MessagePack has no type for: the plain shape of each, and back.

A shape is an extension code and something simpler, whose parts may need a shape themselves. The codes stand in the
journal: none ever changes its meaning, new ones get new numbers.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sidecar_science.codec import enums, files, types
from sidecar_science.codec.classes import Classes, is_record
from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.errors import NotEncodable, Undecodable

TUPLE, SET, FROZENSET, PAIRS, BIG_INT, SURROGATES, BYTEARRAY = 1, 2, 3, 4, 5, 6, 7
DATETIME, DATE, TIME, TIMEDELTA, DECIMAL, UNIQUE_ID = 8, 9, 10, 11, 12, 13
MEMBER, RECORD, FILE, SECRET, OVERSIZE, OPAQUE = 14, 15, 16, 17, 18, 19

RAW = frozenset((BIG_INT, SURROGATES, BYTEARRAY, UNIQUE_ID))  # their payload is bytes, not MessagePack

_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_COLLISIONS = 100

Shape = tuple[int | None, Any]  # without a code: an equal value of a simpler type
Shaper = Callable[[Any], Shape]


def of(value: Any, classes: Classes, max_bytes: int) -> Shape:
    """The shape of ``value``. Raises `NotEncodable` (at path ``$``) where it has none."""
    kind = type(value)
    # A metaclass may say that its class equals another, so a class is only looked up where that cannot be.
    shaper = EXACT.get(kind) if type(kind) is type else None
    if shaper is not None:
        return shaper(value)
    layout = classes.layout(kind)
    if layout is not None and layout.cls is kind:
        return RECORD, [layout.name, layout.state(value)]
    if types.is_enum(kind):
        return MEMBER, enums.describe(value)
    if types.is_kind(kind, str):
        return None, str.__str__(value)
    if files.is_file(value):
        return FILE, list(files.content(value, max_bytes))
    raise NotEncodable(types.full_name(kind), "$", _hint(kind))


def restore(code: int, content: Any, classes: Classes) -> Any:
    """The value that has this shape. Raises `Undecodable`, or what the value's own type raises."""
    if code == RECORD:
        name, state = content
        return classes.rebuild(name, state)
    maker = _MAKERS.get(code)
    if maker is None:
        raise Undecodable(f"unknown extension {code}")
    return maker(content)


def big_int(value: int) -> tuple[int, bytes]:
    """An integer of any size; its decimal digits are never needed, which Python limits to 4,300."""
    return BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _hint(kind: type) -> str:
    if is_record(kind):
        return f"declare it with sidecar.register({types.qualname_of(kind)})"
    return ""


def _datetime(value: dt.datetime) -> Shape:
    parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    return DATETIME, [*parts, value.fold, _zone(value.tzinfo)]


def _time(value: dt.time) -> Shape:
    parts = [value.hour, value.minute, value.second, value.microsecond]
    return TIME, [*parts, value.fold, _zone(value.tzinfo)]


def _zone(zone: dt.tzinfo | None) -> Any:
    """None, the name of a zone, or a fixed offset: days, seconds, microseconds and perhaps its name."""
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset.days, offset.seconds, offset.microseconds, *name]
    if type(zone) is zoneinfo.ZoneInfo and type(zone.key) is str:
        return zone.key
    raise NotEncodable(types.type_name(zone), "$", "use zoneinfo.ZoneInfo(name) or datetime.timezone")


def _to_zone(content: Any) -> dt.tzinfo | None:
    if content is None:
        return None
    if type(content) is str:
        return _zone_named(content)
    days, seconds, microseconds, *name = content
    return dt.timezone(dt.timedelta(days, seconds, microseconds), *name)


def _zone_named(name: str) -> dt.tzinfo:
    # ZoneInfo looks for files and for packages of that name: it gets nothing that is no plain name of a zone.
    if _ZONE_NAME.fullmatch(name) is None:
        raise Undecodable("no name of a time zone")
    return zoneinfo.ZoneInfo(name)


def _to_datetime(content: Any) -> dt.datetime:
    year, month, day, hour, minute, second, microsecond, fold, zone = content
    return dt.datetime(year, month, day, hour, minute, second, microsecond, _to_zone(zone), fold=fold)


def _to_time(content: Any) -> dt.time:
    hour, minute, second, microsecond, fold, zone = content
    return dt.time(hour, minute, second, microsecond, _to_zone(zone), fold=fold)


def _to_dict(content: Any) -> dict[Any, Any]:
    keys = _hashable(content[::2])
    return dict(zip(keys, content[1::2], strict=True))


def _hashable(items: list[Any]) -> list[Any]:
    """``items``, unless so many share a hash that a table of them would take for ever: numbers can be made so."""
    if len(items) - len(set(map(hash, items))) > _COLLISIONS:
        raise Undecodable("keys that were made to collide")
    return items


def _from(kind: type, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``make``, for content of that kind alone."""

    def made(content: Any) -> Any:
        if type(content) is not kind:
            raise Undecodable(f"{kind.__name__} was expected")
        return make(content)

    return made


def _to_oversize(content: Any) -> Oversize:
    digest, size, preview = content
    if not (digest is None or type(digest) is str) or type(size) is not int or type(preview) is not str:
        raise Undecodable("no digest, size and preview")
    return Oversize(digest, size, preview)


EXACT: Mapping[type, Shaper] = {
    tuple: lambda value: (TUPLE, list(value)),
    set: lambda value: (SET, list(value)),
    frozenset: lambda value: (FROZENSET, list(value)),
    OrderedDict: lambda value: (None, dict(value)),
    defaultdict: lambda value: (None, dict(value)),
    int: big_int,
    bytearray: lambda value: (BYTEARRAY, bytes(value)),
    dt.datetime: _datetime,
    dt.date: lambda value: (DATE, value.toordinal()),
    dt.time: _time,
    dt.timedelta: lambda value: (TIMEDELTA, [value.days, value.seconds, value.microseconds]),
    Decimal: lambda value: (DECIMAL, str(value)),
    UUID: lambda value: (UNIQUE_ID, value.int.to_bytes(16, "big")),
    Secret: lambda value: (SECRET, value.fingerprint),
    Oversize: lambda value: (OVERSIZE, [value.digest, value.size, value.preview]),
    Opaque: lambda value: (OPAQUE, value.type_name),
}

_MAKERS: Mapping[int, Callable[[Any], Any]] = {
    TUPLE: _from(list, tuple),
    SET: _from(list, lambda content: set(_hashable(content))),
    FROZENSET: _from(list, lambda content: frozenset(_hashable(content))),
    PAIRS: _from(list, _to_dict),
    BIG_INT: lambda content: int.from_bytes(content, "big", signed=True),
    SURROGATES: lambda content: content.decode("utf-8", "surrogatepass"),
    BYTEARRAY: bytearray,
    DATETIME: _to_datetime,
    DATE: dt.date.fromordinal,
    TIME: _to_time,
    TIMEDELTA: lambda content: dt.timedelta(*content),
    DECIMAL: _from(str, Decimal),
    UNIQUE_ID: lambda content: UUID(bytes=content),
    MEMBER: lambda content: enums.member(*content),
    FILE: lambda content: files.rebuild(*content),
    SECRET: _from(str, Secret),
    OVERSIZE: _to_oversize,
    OPAQUE: _from(str, Opaque),
}
