"""Differences that are none: where A's answer has A's id of something, and B's has B's id of the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from sidecar_science.comparison.difference import Difference
from sidecar_science.translation.idmap import Id
from sidecar_science.translation.texts import differing_words, is_place, is_telling, same_words, text_of

Lookup = Callable[[Sequence[Id]], Mapping[Id, str]]
StandsFor = Callable[[str, str], bool]

_MOST: Final = 500


class Sameness:
    """Knows the pairs that a job has to do with, and asks for others where a difference may be one.

    In exchanges and errors an id of the job is known as a whole value and as a whole word; in values it is so in URLs
    and paths alone, and otherwise where it is declared. What can be nothing but an id is known everywhere.
    """

    def __init__(self, known: Mapping[Id, str], *, kinds: Collection[str], lookup: Lookup) -> None:
        self._kinds = sorted(kinds)
        self._lookup = lookup
        self._pairs: defaultdict[str, set[str]] = defaultdict(set)
        self._add(known)

    def unexplained(self, differences: Sequence[Difference]) -> tuple[Difference, ...]:
        """Those of ``differences`` that pairs do not explain."""
        self._ask(differences)
        return tuple(difference for difference in differences if not self._explains(difference))

    def _ask(self, differences: Sequence[Difference]) -> None:
        texts = {text for difference in differences for text in _telling(difference) if text not in self._pairs}
        wanted = [Id(kind, text) for text in sorted(texts) for kind in self._kinds]
        if wanted:
            self._add(self._lookup(wanted[:_MOST]))

    def _add(self, known: Mapping[Id, str]) -> None:
        for each, other in known.items():
            self._pairs[each.text].add(other)

    def _explains(self, difference: Difference) -> bool:
        if difference.kind != "changed":
            return False
        one, other = difference.control, difference.candidate
        a, b = text_of(one), text_of(other)
        of_job = difference.where in ("exchange", "error")
        if a is not None and b is not None and (self._is_pair if of_job else self._is_telling_pair)(a, b):
            return True
        if not isinstance(one, str) or not isinstance(other, str):
            return False
        return same_words(one, other, self._is_pair if of_job or is_place(one) else self._is_telling_pair)

    def _is_pair(self, a: str, b: str) -> bool:
        return b in self._pairs.get(a, ())

    def _is_telling_pair(self, a: str, b: str) -> bool:
        return is_telling(a) and self._is_pair(a, b)


def _telling(difference: Difference) -> Iterator[str]:
    """The texts on A's side that are ids wherever they stand, and differ on B's."""
    if difference.kind != "changed":
        return
    text = text_of(difference.control)
    if text is not None and is_telling(text):
        yield text
    if isinstance(difference.control, str) and isinstance(difference.candidate, str):
        words = differing_words(difference.control, difference.candidate)
        yield from (one for one, _ in words if is_telling(one))
