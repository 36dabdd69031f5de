"""What an object's type really is and is called, asked without running any code of the object or its class.

``__class__`` may lie, a metaclass may answer for its classes, a module may import others when it is looked at: these
functions go by the interpreter's own slots instead.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Mapping
from typing import Any

_mro_of = type.__dict__["__mro__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_module_of = type.__dict__["__module__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__

MISSING: Any = object()


def mro(cls: type) -> tuple[type, ...]:
    """The class and its bases."""
    return _mro_of(cls)  # type: ignore[no-any-return]


def namespace(cls: type) -> Mapping[str, Any]:
    """What ``cls`` itself defines, by name."""
    return _namespace_of(cls)  # type: ignore[no-any-return]


def is_kind(cls: type, base: type) -> bool:
    """Whether ``cls`` really derives from ``base``."""
    return any(known is base for known in _mro_of(cls))


def is_enum(cls: type) -> bool:
    """Whether ``cls`` really is an enumeration."""
    return is_kind(type(cls), enum.EnumType)


def module_of(cls: type) -> str:
    """The name of the module that defines ``cls``; "?" where that is no text."""
    module = _module_of(cls)
    return module if type(module) is str else "?"


def qualname_of(cls: type) -> str:
    """The name of ``cls`` inside its module."""
    return _qualname_of(cls)  # type: ignore[no-any-return]


def full_name(cls: type) -> str:
    """``module.qualname`` of a class."""
    return f"{module_of(cls)}.{qualname_of(cls)}"


def type_name(value: Any) -> str:
    """``module.qualname`` of what ``value`` really is."""
    return full_name(type(value))


def static(cls: type, name: str) -> Any:
    """What ``cls`` or its nearest base defines under ``name``, unbound; MISSING where none does."""
    for base in _mro_of(cls):
        defined = _namespace_of(base)
        if name in defined:
            return defined[name]
    return MISSING


def attribute(value: Any, name: str) -> Any:
    """The instance attribute ``name``, by the default lookup alone; MISSING where there is none."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return MISSING


def own(value: Any) -> Mapping[str, Any]:
    """The instance's own ``__dict__``; empty where it has none."""
    found = attribute(value, "__dict__")
    return found if type(found) is dict else {}


def find(module: str, qualname: str) -> Any:
    """What stands under that name in a module that is imported already; MISSING where there is none."""
    place = sys.modules.get(module)
    if place is None:
        return MISSING
    names = attribute(place, "__dict__")
    found: Any = MISSING
    for name in qualname.split("."):
        if name not in names:
            return MISSING
        found = names[name]
        names = _namespace_of(found) if is_kind(type(found), type) else {}
    return found
