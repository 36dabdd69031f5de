"""Projection: any result to plain data, once, and the same on both sides."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import pathlib
import types
import uuid
from typing import Any, NamedTuple
from unittest import mock

import attrs
import pytest

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.plain import is_plain
from sidecar_science.comparison.projection import project


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Kind(enum.StrEnum):
    NEWS = "news"


class Point(NamedTuple):
    x: int
    y: Any


class Text(str):
    def __str__(self):
        return "not my content"


class Number(int):
    pass


class Ratio(float):
    pass


class Blob(bytes):
    pass


@attrs.define
class Subscriber:
    id: int
    address: str
    _token: str = "t"


@dataclasses.dataclass
class Ticket:
    id: int
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        10**40,
        2.5,
        "text",
        b"bytes",
        Secret("aa"),
        Oversize("d", 3, "abc"),
        {"a": [1, {"b": [b"", None, Secret("x")]}]},
        [],
    ],
)
def test_plain_data_is_given_back_as_the_same_object(value):
    """What is plain already costs one look and no copy."""
    assert project(value) is value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, 2), [1, 2]),
        (Point(1, (2, 3)), {"x": 1, "y": [2, 3]}),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Kind.NEWS, "news"),
        (Text("content"), "content"),
        (Number(3), 3),
        (Ratio(0.5), 0.5),
        (Blob(b"ab"), b"ab"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (dt.date(2026, 11, 23), "2026-11-23"),
        (dt.datetime(2026, 11, 23, 1, 2, tzinfo=dt.UTC), "2026-11-23T01:02:00+00:00"),
        (dt.time(1, 2, 3), "01:02:03"),
        (dt.timedelta(minutes=1, milliseconds=5), 60.005),
        (decimal.Decimal("1.50"), "1.50"),
        (fractions.Fraction(1, 3), "1/3"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (range(3), [0, 1, 2]),
        (collections.deque([1]), [1]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.items(), [["a", 1]]),
        (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
        (collections.OrderedDict(a=(1,)), {"a": [1]}),
        (collections.UserDict({"a": 1}), {"a": 1}),
        (Subscriber(1, "a@example.com"), {"id": 1, "address": "a@example.com", "_token": "t"}),
        (Ticket(1, ("x",)), {"id": 1, "tags": ["x"]}),
    ],
)
def test_values_of_known_types_become_what_they_say(value, plain):
    """The standard library's values, enums, records and mappings have one plain form each."""
    found = project({"deep": [value]})

    assert found == {"deep": [plain]}
    assert is_plain(found, max_depth=10, max_nodes=100)
    assert diff(found, {"deep": [plain]}) == []


def test_sets_are_sorted_the_same_way_in_every_process():
    """A set has no order of its own: elements go by type, then by value, numbers by size."""
    elements = [None, True, 10, 9.5, "b", "a", b"z", (1, 2), float("inf"), uuid.UUID(int=1)]

    found = project(set(elements))

    assert found[:7] == [None, True, 9.5, 10, float("inf"), "00000000-0000-0000-0000-000000000001", "a"]
    assert found[7:] == ["b", b"z", [1, 2]]
    assert project(frozenset(reversed(elements))) == found
    assert project({15, 1.0}) == [1.0, 15]


def test_a_set_may_hold_numbers_that_cannot_be_ordered():
    """NaN has a place too, and so has an integer that no float can hold."""
    found = project({float("nan"), 10**400, -1})

    assert found[1:] == [-1, 10**400]
    assert found[0] != found[0]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({1: "a", None: "b", True + 1: "c"}, {"1": "a", "null": "b", "2": "c"}),
        ({True: 1, 1.5: 2}, {"true": 1, "1.5": 2}),
        ({False: 1}, {"false": 1}),
        ({b"k\xff": 1, Color.RED: 2, Text("t"): 3}, {"k\\xff": 1, "red": 2, "t": 3}),
        ({(1, "a"): 1}, {"[1, 'a']": 1}),
        ({uuid.UUID(int=1): 1}, {"00000000-0000-0000-0000-000000000001": 1}),
        ({1: "int", "1": "str"}, {"1 (int)": "int", "1": "str"}),
        ({"1": "str", 1: "int"}, {"1": "str", "1 (int)": "int"}),
        ({1: "int", "1": "str", "1 (int)": "taken"}, {"1 (int 2)": "int", "1": "str", "1 (int)": "taken"}),
        ({Text("a"): 1, b"a": 2}, {"a (Text)": 1, "a (bytes)": 2}),
    ],
)
def test_keys_that_are_no_strings_become_strings_and_none_is_lost(value, plain):
    """A key has its JSON form; of two with the same one, the string keeps it and the other names its type."""
    assert project(value) == plain


def test_a_key_too_long_to_be_written_in_decimal_is_written_in_hexadecimal():
    """Python refuses to print an integer of more than 4,300 digits; the entry is kept all the same."""
    (name,) = project({10**5000: 1})

    assert name == hex(10**5000)


def test_generators_and_iterators_are_not_consumed():
    """They are somebody else's to read: they become opaque, and still give their first item afterwards."""
    generator, iterator = (n for n in range(3)), iter([1, 2])

    found = project({"g": generator, "i": iterator, "z": zip([1], [2], strict=True)})

    assert found == {"g": Opaque("generator"), "i": Opaque("list_iterator"), "z": Opaque("zip")}
    assert (next(generator), next(iterator)) == (0, 1)


class Client:
    def __init__(self):
        self.api_key = "very secret"


@pytest.mark.parametrize("value", [Client(), Client, print, types, mock.Mock(), object()])
def test_an_object_without_a_rule_is_opaque_and_its_attributes_stay_where_they_are(value):
    """Attributes are never taken by guessing: a client would hand over its credentials."""
    found = project([value])

    assert type(found[0]) is Opaque
    assert "secret" not in repr(found)


def test_an_opaque_object_is_known_by_its_qualified_name():
    """A report says which class somebody should write a rule for."""
    assert project(Client()) == Opaque(f"{__name__}.Client")
    assert project(object()) == Opaque("object")


class Liar:
    """Claims to be a dict, as proxies do."""

    @property
    def __class__(self):
        return dict


def test_a_proxy_that_claims_another_class_is_opaque():
    """What an object says of its class is not believed."""
    assert type(project(Liar())) is Opaque


class Holds:
    def __init__(self, answer):
        self.answer = answer

    def to_dict(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_to_dict_is_believed_when_it_gives_data():
    """A dict, list or other mapping is projected further; anything else leaves the object opaque."""
    assert project(Holds({"a": Holds([1, (2,)])})) == {"a": [1, [2]]}
    assert project(Holds("text")) == Opaque("str")
    assert type(project(Holds(mock.Mock()))) is Opaque


def test_foreign_code_that_raises_leaves_the_object_opaque():
    """Whatever to_dict, a property or a field raises, the rest of the result is kept."""
    broken = Subscriber(1, "a")
    del broken.address

    found = project({"ok": 1, "broken": Holds(ValueError("no")), "fields": broken})

    assert found == {"ok": 1, "broken": Opaque(f"{__name__}.Holds"), "fields": Opaque(f"{__name__}.Subscriber")}


class Model:
    __pydantic_fields__ = ("id",)

    def model_dump(self):
        return {"id": 7, "at": dt.date(2026, 1, 2)}


class OldModel:
    __fields__ = ("id",)

    def dict(self):
        return {"id": 7}


def test_pydantic_models_of_both_generations_give_their_data():
    """Known by their shape, so that pydantic need not be there."""
    assert project([Model(), OldModel()]) == [{"id": 7, "at": "2026-01-02"}, {"id": 7}]
