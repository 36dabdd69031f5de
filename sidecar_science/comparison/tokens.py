"""One hashable token for each element of two lists: two are equal exactly when the elements are the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import ormsgpack

from sidecar_science.codec.markers import Oversize
from sidecar_science.comparison.equality import EXACT, JSON_TYPES, marker

_DEEPEST = 200
_BYTES_A_NODE = 16
_FLOAT = b"\xcb"
_SORTED = EXACT | ormsgpack.OPT_SORT_KEYS

Token = Hashable


class OutOfBudget(Exception):
    """Looking closer would cost more than the comparison allows."""


class Tokens:
    """Makes tokens while there is a ``budget``: about as many values as it may look at, in all."""

    def __init__(self, budget: int) -> None:
        self.budget = budget

    def of(self, control: Sequence[Any], candidate: Sequence[Any]) -> tuple[list[Token], list[Token]] | None:
        """The tokens of both lists; None when they would cost more than is left.

        Encoded bytes are the cheapest, but they tell ``1`` from ``1.0``: where a float may be among the elements, all
        of them are looked at one value at a time.
        """
        try:
            left, right = self._encoded(control), self._encoded(candidate)
            if left is None or right is None:
                left, right = self._frozen_each(control), self._frozen_each(candidate)
        except OutOfBudget:
            return None
        return left, right

    def _encoded(self, elements: Sequence[Any]) -> list[Token] | None:
        found: list[Token] = []
        for element in elements:
            try:
                token = ormsgpack.packb(element, marker, _SORTED)
            except (TypeError, ValueError, RecursionError):
                self._spend(1)
                return None
            self._spend(1 + len(token) // _BYTES_A_NODE)
            if _FLOAT in token:
                return None
            found.append(token)
        return found

    def _frozen_each(self, elements: Iterable[Any]) -> list[Token]:
        return [self._frozen(element, 0) for element in elements]

    def _frozen(self, value: Any, depth: int) -> Token:
        self._spend(1)
        if depth > _DEEPEST:
            raise OutOfBudget
        kind = type(value)
        if kind is dict:
            return dict, frozenset((key, self._frozen(below, depth + 1)) for key, below in value.items())
        if kind is list:
            return list, tuple(self._frozen(below, depth + 1) for below in value)
        if kind is bool:
            return bool, value
        if kind is float and value != value:
            return float
        if kind is Oversize:
            return Oversize, value.digest or object()
        # What nobody can look into equals nothing, not even itself.
        return value if kind in JSON_TYPES else object()

    def _spend(self, nodes: int) -> None:
        self.budget -= nodes
        if self.budget < 0:
            raise OutOfBudget
