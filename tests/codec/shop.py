"""What an application might pass to its adapters: classes and enumerations of every make."""

from __future__ import annotations

import dataclasses
import enum
import functools
from typing import Any, ClassVar, NamedTuple

import attrs

from sidecar_science.codec.classes import Classes


class Color(enum.Enum):
    RED = "red"
    ALSO_RED = "red"  # noqa: PIE796 - an alias
    BLUE = ("b", 1)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    YES = "yes"
    PASSWORD = "password"


class Right(enum.Flag):
    READ = 1
    WRITE = 2
    ADMIN = 4


class Bit(enum.IntFlag):
    ONE = 1
    TWO = 2


class House:
    class Room(enum.Enum):
        HALL = 1


@attrs.frozen
class Money:
    amount: int
    currency: str = "GBP"


@attrs.define
class Basket:
    items: Any
    note: str | None = None


@attrs.frozen(unsafe_hash=True, cache_hash=True)
class Hashed:
    text: str


@dataclasses.dataclass
class Ticket:
    kinds: ClassVar[int] = 3
    subject: str
    tags: list[Any] = dataclasses.field(default_factory=list)
    number: int = dataclasses.field(default=7, init=False)

    def __post_init__(self) -> None:
        self.extra = "set by __post_init__"

    @functools.cached_property
    def loud(self) -> str:
        return self.subject.upper()


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclasses.dataclass(frozen=True, slots=True)
class Point3(Point):
    z: float


class Pair(NamedTuple):
    left: Any
    password: Any


@attrs.define
class Unregistered:
    token: Any


CLASSES = Classes()
for _cls in (Money, Basket, Hashed, Ticket, Point, Point3, Pair):
    CLASSES.register(_cls)
