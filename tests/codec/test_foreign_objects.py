"""Objects of other people: what has no exact form is told, and nothing of theirs runs, breaks or is used up."""

from __future__ import annotations

import array
import collections
import datetime as dt
import io
import socket
import threading
import types
import xmlrpc.client
from unittest import mock
from uuid import UUID

import pytest
import requests

from sidecar_science.codec.classes import Classes
from sidecar_science.codec.values import Codec
from sidecar_science.errors import NotEncodable, TooLarge

from .sameness import FIXED
from .shop import CLASSES, Money, Unregistered

codec = Codec(classes=CLASSES)


class Hostile:
    """Raises SystemExit whatever is asked of it."""

    def _no(self, *args, **kwargs):
        raise SystemExit(1)

    __str__ = __repr__ = __iter__ = __len__ = __eq__ = __hash__ = __bool__ = __getattr__ = __reduce_ex__ = _no
    __getattribute__ = __class__ = property(_no)


class Liar:
    """Says that it is a str."""

    __class__ = str

    def __len__(self):
        return 0


class Untruthful(type):
    """A metaclass whose classes equal every other class."""

    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(UUID)


class Impostor(metaclass=Untruthful):
    int = 5


class Exploding(type):
    def __hash__(cls):
        raise SystemExit(3)


class Mine(metaclass=Exploding):
    pass


class Zone(dt.tzinfo):
    def utcoffset(self, when):
        raise AssertionError("nobody may ask")


Row = collections.namedtuple("Row", "a b")


class Sub:
    class Int(int):
        pass

    class Float(float):
        pass

    class Bytes(bytes):
        pass

    class List(list):
        pass

    class Dict(dict):
        def items(self):
            raise AssertionError("nobody may ask")

    class Date(dt.datetime):
        pass


# Made when needed: no test runner survives holding some of them.
FOREIGN = [
    lambda: object(),
    lambda: Hostile(),
    lambda: Liar(),
    lambda: Impostor(),
    lambda: Mine(),
    lambda: Mine,
    lambda: (item for item in [1]),
    lambda: iter([1]),
    lambda: map(str, [1]),
    lambda: range(3),
    lambda: memoryview(b"x"),
    lambda: array.array("i", [1]),
    lambda: collections.deque([1]),
    lambda: collections.Counter("ab"),
    lambda: Row(1, 2),
    lambda: Sub.Int(1),
    lambda: Sub.Float(1.0),
    lambda: Sub.Bytes(b"x"),
    lambda: Sub.List([1]),
    lambda: Sub.Dict(a=1),
    lambda: Sub.Date(2020, 1, 1),
    lambda: threading.Lock(),
    lambda: requests.Session(),
    lambda: requests.Response(),
    lambda: mock.MagicMock(),
    lambda: xmlrpc.client.ServerProxy("http://127.0.0.1:9"),
    lambda: types.SimpleNamespace(read=lambda n: b"", seek=lambda n: 0, tell=lambda: 0),
    lambda: len,
    lambda: type,
    lambda: 1j,
    lambda: ...,
    lambda: NotImplemented,
    lambda: dt.datetime(2020, 1, 1, tzinfo=Zone()),
    lambda: dt.time(1, tzinfo=Zone()),
    lambda: ValueError("x"),
    lambda: Unregistered("x"),
]


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [(1, {"k": x})], lambda x: [bytearray(), x]])
def test_what_has_no_exact_form_is_not_encodable(make, wrap):
    """Bare, inside containers, and by the slow way: one answer, whatever the object would do or say."""
    value = wrap(make())

    with pytest.raises(NotEncodable):
        codec.encode(value)


def test_the_error_says_which_type_and_where():
    """The path leads to the object, and the message to what to do."""
    value = [1, {"files": {"a b": (0, [Unregistered(1)])}}]

    with pytest.raises(NotEncodable) as raised:
        codec.encode(value)

    assert raised.value.type_name == "tests.codec.shop.Unregistered"
    assert raised.value.path == '$[1].files["a b"][1][0]'
    assert str(raised.value).endswith("declare it with sidecar.register(Unregistered)")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({object(): 1}, "$"),
        ({"a": {object(): 1}}, "$.a"),
        ({"a": {3: object()}}, "$.a[3]"),
        ({"a": {(1, 2): object()}}, "$.a[?]"),
        ({"é\ud800": object()}, '$["\\u00e9\\ud800"]'),
        ({frozenset([1, object()])}, "$[*][*]"),
        ([Money(object())], "$[0].amount"),
        ({2**70: object()}, "$[?]"),
        (["x", bytearray(), object()], "$[2]"),
        ({"x" * 500: object()}, "$." + "x" * 198 + "…"),
    ],
)
def test_paths_are_readable_and_bounded(value, path):
    """Odd keys, set members and fields have a path, always of printable ASCII and of 200 characters at most."""
    with pytest.raises(NotEncodable) as raised:
        codec.encode(value)

    assert raised.value.path == path


def test_iterators_are_not_used_up():
    """Refusing a generator leaves it where it was."""
    generator = (item for item in [1, 2])

    with pytest.raises(NotEncodable):
        codec.encode([generator])

    assert list(generator) == [1, 2]


def test_a_type_that_raises_is_named():
    """The name of a type is read past its metaclass."""
    with pytest.raises(NotEncodable) as raised:
        codec.encode([Hostile()])

    assert raised.value.type_name == f"{__name__}.Hostile"


def test_a_module_name_that_is_no_text_has_a_stand_in():
    """A class may have anything for its module."""
    cls = type("Odd", (), {"__module__": object()})

    with pytest.raises(NotEncodable, match=r"\?\.Odd"):
        codec.encode(cls())


def test_unique_ids_made_by_others_are_taken_by_their_number():
    """A UUID's number is what it is."""
    assert codec.decode(codec.encode(FIXED)) == FIXED


def test_a_dict_that_changes_meanwhile_is_not_encodable():
    """What another thread changes while it is looked at has no exact form."""

    class Changing(dict):
        pass

    class Layouts(Classes):
        def layout(self, cls):
            victim["more"] = 1

    victim = {"a": object(), "b": 1, "c": 2}
    with pytest.raises(NotEncodable, match="RuntimeError"):
        Codec(classes=Layouts()).encode(victim)


def test_a_stack_that_is_almost_used_up_is_too_deep():
    """The caller's own recursion is no error of ours to add to."""

    def at_the_end(value):
        try:
            return at_the_end(value)
        except RecursionError:
            return codec.encode(value)

    try:
        at_the_end([(1, bytearray()), Money(1)])
    except (TooLarge, RecursionError):
        ended = True
    else:
        ended = True
    assert ended


def test_a_wrong_socket_is_no_file():
    """Sockets can be read from in other ways and cannot seek."""
    one, other = socket.socketpair()
    with one, other, one.makefile("rb") as file:
        for value in (one, file):
            with pytest.raises(NotEncodable):
                codec.encode([value])


def test_an_interrupt_is_passed_on():
    """Ctrl-C while a file is read belongs to the caller."""

    class Interrupted(io.BytesIO):
        def read(self, size=-1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.encode((Interrupted(),))
