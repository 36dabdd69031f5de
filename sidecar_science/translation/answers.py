"""What two answers of one job teach, and A's answer as B would give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar_science.translation.declared import Ids
from sidecar_science.translation.idmap import Id, Pair
from sidecar_science.translation.texts import like, text_of
from sidecar_science.translation.walking import found, replaced, side_by_side


def pairs_of(ids: Ids, key: str | None, a: Any, b: Any) -> list[Pair]:
    """The pairs that two results show: at each declared place, where both have an id of one type."""
    pairs: dict[Pair, None] = {}
    for place in ids.answers:
        kind = place.kind_for(key)
        for one, other in side_by_side(a, b, place.steps):
            texts = text_of(one), text_of(other)
            if texts[0] is not None and texts[1] is not None and type(one) is type(other):
                pairs[Pair(kind, texts[0], texts[1])] = None
    return list(pairs)


def ids_in(ids: Ids, key: str | None, value: Any) -> list[Id]:
    """The ids at the declared places of a result."""
    there = [
        Id(place.kind_for(key), text)
        for place in ids.answers
        for part in found(value, place.steps)
        if (text := text_of(part)) is not None
    ]
    return list(dict.fromkeys(there))


def as_b_says(ids: Ids, key: str | None, value: Any, known: Mapping[Id, str]) -> Any:
    """A's result with B's ids at the declared places."""
    for place in ids.answers:
        kind = place.kind_for(key)

        def change(part: Any, kind: str = kind) -> Any:
            text = text_of(part)
            other = None if text is None else known.get(Id(kind, text))
            return part if other is None else like(part, other)

        value = replaced(value, place.steps, change)
    return value
