"""Members of enumerations: kept by name, found again among the modules that are imported already.

Nothing is imported for it, and no code of the enumeration runs.
"""

from __future__ import annotations

import enum
from typing import Any, cast

from sidecar_science.codec import types
from sidecar_science.errors import NotEncodable, Undecodable

_HINT = "give the enumeration a name at the top of its module, where the other side can find it"


def describe(member: Any) -> list[Any]:
    """Module, qualified name of the class, and the member's name; of a Flag without one, its number."""
    cls = type(member)
    place = [types.module_of(cls), types.qualname_of(cls)]
    if types.find(*place) is not cls:
        raise NotEncodable(types.full_name(cls), "$", _HINT)
    name = types.attribute(member, "_name_")
    if type(name) is str and _members(cls).get(name) is member:
        return [*place, name]
    number = types.attribute(member, "_value_")
    if types.is_kind(cls, enum.Flag) and type(number) is int:
        return [*place, number]
    raise NotEncodable(types.full_name(cls), "$", "not one of the enumeration's own members")


def member(module: str, qualname: str, which: str | int) -> Any:
    """The member that `describe` named. Raises `Undecodable` where nothing of that name is imported."""
    cls = types.find(module, qualname)
    if not types.is_enum(cls):
        raise Undecodable(f"{module}.{qualname} is no enumeration that is imported here")
    if type(which) is str and which in _members(cls):
        return _members(cls)[which]
    if type(which) is int and types.is_kind(cls, enum.Flag):
        return _combination(cls, which)
    raise Undecodable(f"{module}.{qualname} has no such member here")


def _combination(cls: Any, number: int) -> Any:
    """The Flag member of that number, made by the standard library's own code, never by an override."""
    known = types.static(cls, "_value2member_map_")
    if number in known:
        return known[number]
    make = cast(Any, enum.Flag.__dict__["_missing_"]).__func__
    return make(cls, number)


def _members(cls: type) -> dict[str, Any]:
    return cast("dict[str, Any]", types.static(cls, "_member_map_"))
