"""What "the same" means for the codec's promise, and the values that it is tried on."""

from __future__ import annotations

import datetime as dt
import math
import struct
import zoneinfo
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
from hypothesis import strategies as st

from sidecar_science.codec.markers import Opaque, Oversize, Secret

from .shop import Basket, Bit, Color, House, Level, Money, Pair, Point, Point3, Right, Ticket, Word


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types all the way down; NaN is itself, -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if type(one) is float:
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    if type(one) is Decimal:
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, dt.datetime | dt.time):
        return one.replace(tzinfo=None) == other.replace(tzinfo=None) and _clock(one) == _clock(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is dict:
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one.items(), other.items(), strict=True))
    if isinstance(one, set | frozenset):
        return Counter(map(_typed, one)) == Counter(map(_typed, other))
    if attrs.has(type(one)) or hasattr(type(one), "__dataclass_fields__"):
        return same(_fields(one), _fields(other))
    return bool(one == other)


def _typed(item: Any) -> Any:
    """Something that tells 1 from True and from 1.0, and 0.0 from -0.0, in a set."""
    if isinstance(item, frozenset):
        return "frozenset", frozenset(map(_typed, item))
    if isinstance(item, tuple):
        return "tuple", tuple(map(_typed, item))
    return type(item).__name__, repr(item)


def _clock(value: Any) -> Any:
    zone = value.tzinfo
    return value.fold, type(zone), getattr(zone, "key", None) or (zone and (zone.utcoffset(None), zone.tzname(None)))


def _fields(value: Any) -> dict[str, Any]:
    names = [*getattr(type(value), "__attrs_attrs__", ()), *getattr(type(value), "__dataclass_fields__", ())]
    return {(name if isinstance(name, str) else name.name): _field(value, name) for name in names}


def _field(value: Any, name: Any) -> Any:
    return getattr(value, name if isinstance(name, str) else name.name)


ZONES = st.one_of(
    st.none(),
    st.just(dt.UTC),
    st.sampled_from(["Europe/London", "America/New_York", "UTC", "Asia/Kolkata"]).map(zoneinfo.ZoneInfo),
    st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(dt.timezone),
    st.builds(dt.timezone, st.just(dt.timedelta(hours=2)), st.text(max_size=5)),
)

MARKERS = st.one_of(
    st.builds(Secret, st.text("0123456789abcdef", min_size=16, max_size=16)),
    st.builds(Oversize, st.one_of(st.none(), st.text(max_size=5)), st.integers(0, 2**40), st.text(max_size=5)),
    st.builds(Opaque, st.text(max_size=10)),
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1]),
    st.floats(allow_nan=False),
    ANY_TEXT,
    st.binary(max_size=12),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.builds(dt.datetime, *[st.just(n) for n in (2020, 10, 25, 1, 30)], fold=st.integers(0, 1), tzinfo=ZONES),
    st.times(timezones=st.one_of(st.none(), st.just(dt.UTC))),
    st.timedeltas(),
    st.sampled_from([*Color, *Level, *Word, Right.READ | Right.ADMIN, Right(0), Bit(3), Bit.ONE, House.Room.HALL]),
    st.builds(Money, st.integers()),
    MARKERS,
)

_KEYS = st.recursive(
    SCALARS, lambda below: st.one_of(st.tuples(below, below), st.frozensets(below, max_size=3)), max_leaves=4
)

KEYS = st.deferred(lambda: _KEYS)  # deferred spares hypothesis from printing them
EXACT = st.deferred(lambda: _EXACT)
PLAIN = st.deferred(lambda: _PLAIN)

_EXACT = st.recursive(
    st.one_of(SCALARS, st.just(math.nan), st.decimals(), st.binary(max_size=8).map(bytearray)),
    lambda below: st.one_of(
        st.lists(below, max_size=4),
        st.lists(below, max_size=4).map(tuple),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=8), KEYS), below, max_size=4),
        st.builds(Basket, below),
        st.builds(Ticket, st.text(max_size=5), st.lists(below, max_size=2)),
        st.builds(Point, st.floats(), st.floats()),
        st.builds(Point3, st.floats(), st.floats(), st.floats()),
        st.builds(Pair, below, below),
    ),
    max_leaves=15,
)

_PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.binary(max_size=12), MARKERS),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(ANY_TEXT, below, max_size=4)),
    max_leaves=20,
)

FIXED = UUID("0c0e7b3e-5b0e-4c3e-9d7e-1a2b3c4d5e6f")
