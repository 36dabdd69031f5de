"""Instances of the application's own classes, and members of its enumerations."""

from __future__ import annotations

import abc
import dataclasses
import enum
import sys
import types
from typing import ClassVar

import attrs
import pytest

from sidecar_science.codec.classes import Classes
from sidecar_science.codec.values import Codec
from sidecar_science.errors import DeclarationError, NotEncodable, Undecodable

from .shop import CLASSES, Basket, Bit, Color, Hashed, House, Money, Pair, Point, Point3, Right, Ticket, Word

codec = Codec(classes=CLASSES)


def there_and_back(value):
    return codec.decode(codec.encode(value))


@pytest.mark.parametrize(
    "value",
    [
        Money(3),
        Basket([Money(1)], note="x"),
        Point(1.0, 2.0),
        Point3(1.0, 2.0, 3.0),
        Pair(1, (2,)),
        {Money(1): [{Point(0, 0)}]},
    ],
)
def test_instances_of_registered_classes_come_back(value):
    """attrs classes, dataclasses and named tuples, frozen and with slots, also as keys and members."""
    decoded = there_and_back(value)

    assert decoded == value
    assert type(decoded) is type(value)


def test_nothing_of_the_class_runs_when_an_instance_is_rebuilt():
    """Neither __init__ nor __post_init__, validators, converters, setters or __setattr__."""

    @attrs.define(on_setattr=attrs.setters.NO_OP)
    class Careful:
        number: int = attrs.field()
        ran: ClassVar = []

        @number.validator
        def _check(self, attribute, value):
            self.ran.append(value)

        def __attrs_post_init__(self):
            self.ran.append("post")

        def __setattr__(self, name, value):
            self.ran.append(name)
            object.__setattr__(self, name, value)

        def __getattribute__(self, name):
            if name == "number":
                Careful.ran.append("asked")
            return object.__getattribute__(self, name)

    classes = Classes()
    classes.register(Careful)
    careful = Codec(classes=classes)
    value = Careful(5)
    del Careful.ran[:]

    decoded = careful.decode(careful.encode(value))

    assert object.__getattribute__(decoded, "number") == 5
    assert Careful.ran == []


def test_attributes_that_are_no_fields_are_kept_and_cached_ones_are_not():
    """What __post_init__ made is part of the instance; what can be computed again is not."""
    ticket = Ticket("hello", [1])
    assert ticket.loud == "HELLO"

    decoded = there_and_back(ticket)

    assert decoded == ticket
    assert vars(decoded) == {"subject": "hello", "tags": [1], "extra": "set by __post_init__"}
    assert decoded.loud == "HELLO"


def test_an_empty_slot_stays_empty():
    """An attribute that was deleted is not invented."""
    basket = Basket([])
    del basket.note

    assert not hasattr(there_and_back(basket), "note")


def test_a_cached_hash_is_forgotten():
    """Hashes of text differ from process to process."""
    value = Hashed("x")
    hash(value)
    object.__setattr__(value, "_attrs_cached_hash", 12345)

    assert hash(there_and_back(value)) == hash(Hashed("x"))


def test_a_subclass_needs_its_own_registration():
    """What is not registered is told, with what to do."""

    @attrs.define
    class Special(Money):
        pass

    with pytest.raises(NotEncodable, match=r"sidecar\.register\(.*Special\)"):
        codec.encode(Special(1))


def test_registering_gives_the_class_back_and_again_changes_nothing():
    """It is a decorator, and enumerations may be registered though they need not be."""
    classes = Classes()

    assert classes.register(Money) is Money
    assert classes.register(Money) is Money
    assert classes.register(Color) is Color


def test_two_classes_of_one_name_are_refused():
    """B could not tell them apart."""

    def make():
        @attrs.define
        class Twin:
            pass

        return Twin

    classes = Classes()
    classes.register(make())

    with pytest.raises(DeclarationError, match="two classes"):
        classes.register(make())


@dataclasses.dataclass
class Broken(Exception):
    code: int


@dataclasses.dataclass
class Keyed(dict):
    name: str


@attrs.define
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Free:
    pass


@pytest.mark.parametrize("cls", [Broken, Keyed, Shape, Free, int, dict])
def test_what_cannot_be_rebuilt_from_attributes_is_refused(cls):
    """Plain classes, built-in types and what derives from them, abstract classes."""
    with pytest.raises(DeclarationError, match=cls.__name__):
        Classes().register(cls)


def encoded_record(name, state):
    forger = Codec(classes=CLASSES)
    return forger.encode(Money(state)).replace(b"tests.codec.shop.Money", name)


def test_a_name_that_nobody_registered_builds_nothing():
    """A job names classes; only registered ones exist for it."""
    with pytest.raises(Undecodable, match=r"sidecar\.register\(Mon_y\)"):
        codec.decode(encoded_record(b"tests.codec.shop.Mon_y", 1))


def test_attributes_that_a_class_does_not_have_are_refused():
    """A class that lost a field, or gained one in a named tuple, is told and not guessed at."""
    renamed = codec.encode(Money(1)).replace(b"amount", b"amoumt")
    tuples = codec.encode(Pair(1, 2)).replace(b"left", b"lift")

    for data in (renamed, tuples):
        with pytest.raises(Undecodable):
            codec.decode(data)


def test_an_attribute_never_goes_through_a_property():
    """What a forged job calls like a property lands beside it, and its setter does not run."""

    @dataclasses.dataclass
    class Door:
        name: str

        @property
        def code(self):
            return "from the property"

        @code.setter
        def code(self, value):
            raise AssertionError("nobody may set")

    classes = Classes()
    classes.register(Door)
    doors = Codec(classes=classes)

    decoded = doors.decode(doors.encode(Door("x")).replace(b"name", b"code"))

    assert decoded.code == "from the property"


# -- enumerations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "member",
    [
        Color.RED,
        Color.ALSO_RED,
        Color.BLUE,
        House.Room.HALL,
        Right.READ | Right.ADMIN,
        Right(0),
        Bit(3),
        Bit(8),
        ~Bit.ONE,
    ],
)
def test_a_member_is_the_same_object_again(member):
    """Aliases, nested enumerations, and combinations of flags."""
    assert there_and_back(member) is member


def test_a_combination_that_nobody_made_yet_is_made():
    """A combination of flags is decoded in a process that never had it before."""
    made = codec.encode(Right.READ | Right.WRITE)

    decoded = codec.decode(made.replace(b"Right\x03", b"Right\x06"))

    assert decoded is Right.WRITE | Right.ADMIN
    with pytest.raises(Undecodable):
        codec.decode(made.replace(b"Right\x03", b"Right\x08"))


def test_members_that_are_text_or_numbers_stay_members():
    """StrEnum and IntEnum are not flattened."""
    decoded = there_and_back({Word.YES: Bit.ONE})

    assert [type(key) for key in decoded] == [Word]
    assert type(decoded["yes"]) is Bit


def test_an_enumeration_that_cannot_be_found_again_is_told():
    """One that is made inside a function has no name that the other side knows."""

    class Local(enum.Enum):
        ONE = 1

    with pytest.raises(NotEncodable, match="top of its module"):
        codec.encode(Local.ONE)


def test_a_member_that_its_class_does_not_know_is_told():
    """A pseudo-member that is no flag has no name."""
    stranger = object.__new__(Color)
    stranger._name_, stranger._value_ = "NONE", 9

    with pytest.raises(NotEncodable):
        codec.encode(stranger)


def forged(module, qualname, which):
    return codec.encode(Color.RED).replace(
        b"\x93\xb0tests.codec.shop\xa5Color\xa3RED",
        bytes((0x93, 0xA0 | len(module))) + module + bytes((0xA0 | len(qualname),)) + qualname + which,
    )


@pytest.mark.parametrize(
    ("module", "qualname", "which"),
    [
        (b"tests.codec.shop", b"Colon", b"\xa3RED"),
        (b"tests.codec.shop", b"Color", b"\xa3RAD"),
        (b"tests.codec.shop", b"Color", b"\x01\xc0\xc0"),
        (b"tests.codec.shop", b"Money", b"\xa3RED"),
        (b"tests.codec.shop", b"House", b"\xa3RED"),
        (b"tests.codec.shoq", b"Color", b"\xa3RED"),
        (b"this.not_on_disk", b"Color", b"\xa3RED"),
    ],
)
def test_forged_members_are_refused(module, qualname, which):
    """Only members of enumerations that are imported already exist."""
    with pytest.raises(Undecodable):
        codec.decode(forged(module, qualname, which))


def test_nothing_is_imported_to_find_a_member():
    """A module that was never imported stays so."""
    assert "this" not in sys.modules

    with pytest.raises(Undecodable):
        codec.decode(
            codec.encode(["tests.codec.shop", Color.RED]).replace(
                b"\xb0tests.codec.shop\xa5Color", b"\xa4this\xb1Color............"
            )
        )

    assert "this" not in sys.modules


def test_a_lazy_module_is_not_woken():
    """Names are looked up in a module's own dict, past any __getattr__."""

    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError("nobody may ask")

    name = "tests.codec.lazy"  # as long as the name that it takes the place of
    sys.modules[name] = Lazy(name)
    try:
        with pytest.raises(Undecodable):
            codec.decode(codec.encode(Color.RED).replace(b"tests.codec.shop", name.encode()))
    finally:
        del sys.modules[name]
