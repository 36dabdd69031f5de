"""Classes of the application whose instances may stand in arguments: attrs classes, dataclasses, named tuples.

An instance is kept as its class's name and its attributes, and rebuilt without running its ``__init__``,
``__post_init__``, validators or properties. A name that nobody registered builds nothing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import MemberDescriptorType
from typing import Any, TypeVar

from sidecar_science.codec import types
from sidecar_science.errors import DeclarationError, Undecodable

C = TypeVar("C", bound=type)

_CACHED_HASH = "_attrs_cached_hash"  # differs from process to process, so it is forgotten


class Classes:
    """The classes that `register` was given, by name and by class."""

    def __init__(self) -> None:
        self._by_name: dict[str, Layout] = {}
        self._layouts: dict[type, Layout] = {}

    def register(self, cls: C) -> C:
        """Let instances of ``cls`` stand in arguments; gives ``cls`` back, so it is a decorator too.

        Enumerations need no registration and are let pass. Raises `DeclarationError` for what is neither an attrs
        class, a dataclass nor a named tuple, and for a second class of the same name.
        """
        if types.is_enum(cls):
            return cls
        layout = Layout(cls)
        known = self._by_name.get(layout.name, layout)
        if known.cls is not cls:
            raise DeclarationError(f"there are two classes {layout.name}; B could not tell which one an argument means")
        if not (is_record(cls) and layout.can_rebuild()):
            raise DeclarationError(
                f"{layout.name} is neither an attrs class, a dataclass nor a named tuple, or it derives from a "
                "built-in type or is abstract: its instances cannot be rebuilt from their attributes"
            )
        self._by_name[layout.name] = self._layouts[cls] = layout
        return cls

    def layout(self, cls: type) -> Layout | None:
        """How instances of ``cls`` are taken apart; None where it is not registered."""
        return self._layouts.get(cls)

    def rebuild(self, name: str, state: Any) -> Any:
        """The instance of the class registered as ``name`` that has these attributes.

        Raises `Undecodable` where there is no such class or it has no such attributes.
        """
        layout = self._by_name.get(name)
        if layout is None:
            hint = f"sidecar.register({name.rpartition('.')[2]})"
            raise Undecodable(f"the class {name} is not registered here; {hint}")
        return layout.rebuild(state)


def is_record(cls: type) -> bool:
    """Whether ``cls`` is an attrs class, a dataclass or a named tuple."""
    marks = ("__attrs_attrs__", "__dataclass_fields__")
    return _is_named_tuple(cls) or any(types.static(cls, mark) is not types.MISSING for mark in marks)


class Layout:
    """How instances of one class are taken apart and put together, without running its code."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.name = types.full_name(cls)
        self._fields = types.static(cls, "_fields") if _is_named_tuple(cls) else None
        self._slots = dict(_slots(cls))

    def state(self, value: Any) -> dict[str, Any]:
        """The attributes of ``value`` by name."""
        if self._fields is not None:
            return dict(zip(self._fields, tuple.__iter__(value), strict=True))
        found: dict[str, Any] = {}
        for name, slot in self._slots.items():
            with contextlib.suppress(AttributeError):  # a slot may be empty
                found[name] = slot.__get__(value)
        for name, item in types.own(value).items():
            if type(types.static(self.cls, name)) is not functools.cached_property:
                found[name] = item
        if found.get(_CACHED_HASH) is not None:
            found[_CACHED_HASH] = None
        return found

    def rebuild(self, state: Any) -> Any:
        """An instance with these attributes, set past ``__init__``, ``__setattr__`` and properties."""
        if type(state) is not dict:
            raise Undecodable(f"a {self.name} without attributes")
        if self._fields is not None:
            if state.keys() != set(self._fields):
                raise Undecodable(f"{self.name} has other fields here")
            return tuple.__new__(self.cls, [state[name] for name in self._fields])
        made: Any = object.__new__(self.cls)
        own = types.attribute(made, "__dict__")
        for name, item in state.items():
            if name in self._slots:
                self._slots[name].__set__(made, item)
            elif type(own) is dict and type(name) is str:
                own[name] = item
            else:
                raise Undecodable(f"{self.name} has no such attribute here")
        return made

    def can_rebuild(self) -> bool:
        """Whether an instance can be made at all."""
        try:
            self.rebuild(dict.fromkeys(self._fields or ()))
        except TypeError:  # object.__new__ refuses the layouts of built-in types, and abstract classes
            return False
        return True


def _is_named_tuple(cls: type) -> bool:
    return types.is_kind(cls, tuple) and type(types.static(cls, "_fields")) is tuple


def _slots(cls: type) -> Iterator[tuple[str, Any]]:
    for base in reversed(types.mro(cls)):
        for name, item in types.namespace(base).items():
            if type(item) is MemberDescriptorType:
                yield name, item
