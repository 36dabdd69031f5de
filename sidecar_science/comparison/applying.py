"""Differences put to use: applied to the control they give the candidate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from sidecar_science.comparison.difference import Difference, Kind, Surplus
from sidecar_science.comparison.paths import spell, steps_of

_CUT = 64 + 1 + 16
_WHOLE: tuple[Kind, ...] = ("changed", "type", "order")


@attrs.define
class _Place:
    """What is known to differ at one place, and the places below it."""

    found: dict[Kind, Difference] = attrs.field(factory=dict)
    below: dict[str | int, _Place] = attrs.field(factory=dict)


def apply(control: Any, differences: Iterable[Difference]) -> Any:
    """What the candidate answered, from what the control did and *all* differences between the two.

    ``control`` stays as it is; what did not differ is shared with it. Raises ValueError for an ``extra`` key above 200
    characters, of which the path holds only the beginning.
    """
    root = _Place()
    for difference in differences:
        place = root
        for step in steps_of(difference.path):
            place = place.below.setdefault(step, _Place())
        place.found[difference.kind] = difference
    return _applied(control, root)


def _applied(control: Any, place: _Place) -> Any:
    for kind in _WHOLE:
        if kind in place.found:
            return place.found[kind].candidate
    if isinstance(control, dict):
        return _object(control, place)
    return _list(control, place) if isinstance(control, list) else control


def _object(control: dict[str, Any], place: _Place) -> dict[str, Any]:
    made = dict(control)
    for step, below in place.below.items():
        key = _key(str(step), made)
        if "missing" in below.found:
            del made[key]
        elif "extra" in below.found:
            if _was_cut(key):
                raise ValueError(f"the key {key!r} was cut, and only the candidate has it: its whole name is not known")
            made[key] = below.found["extra"].candidate
        else:
            made[key] = _applied(made[key], below)
    return made


def _key(step: str, control: dict[str, Any]) -> str:
    """The key that a step names; one that was cut is looked for by its digest."""
    if step in control or "…" not in step:
        return step
    return next((key for key in control if spell(key) == spell(step)), step)


def _was_cut(key: str) -> bool:
    return len(key) == _CUT and "…" in key


def _list(control: list[Any], place: _Place) -> list[Any]:
    made = list(control)
    missing: set[int] = set()
    extra: dict[int, Any] = {}
    for step, below in place.below.items():
        index = int(step)
        if "extra" in below.found:
            extra[index] = below.found["extra"].candidate
        if "missing" in below.found:
            missing.add(index)
        elif below.below or below.found.keys() - {"extra"}:
            made[index] = _applied(made[index], below)
    if "length" in place.found:
        length = place.found["length"]
        if length.surplus is None:
            return list(length.candidate)
        missing, extra = _of(length.surplus, length.candidate)
    kept = [element for index, element in enumerate(made) if index not in missing]
    for index in sorted(extra):
        kept.insert(index, extra[index])
    return kept


def _of(surplus: Surplus, candidate: list[Any]) -> tuple[set[int], dict[int, Any]]:
    missing, extra = surplus
    return {at for each in missing for at in each}, {at: candidate[at] for each in extra for at in each}
