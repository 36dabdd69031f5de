"""Which places look as if an id stood there: always another on B than on A, and never the same twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from sidecar_science.comparison.paths import ANY_INDEX, ROOT, spell
from sidecar_science.translation.texts import text_of

FEWEST: Final = 5
"""Pairs of answers below which nothing is proposed."""

_DEEPEST: Final = 20
_MOST: Final = 10_000


@attrs.frozen(kw_only=True)
class Proposal:
    """A place that could be declared, and in how many pairs of answers it looked like one."""

    path: str
    seen: int


def propose(answers: Iterable[tuple[Any, Any]], *, fewest: int = FEWEST) -> list[Proposal]:
    """The places in ``answers``, pairs of A's and B's result as plain data, at which an id seems to stand.

    There both sides always have an id of one type, and always another one; no id of A is there for two of B, nor the
    reverse; and not all of them are the same. The surest first. Instants fit as well: look before you declare one.
    """
    seen: defaultdict[str, list[tuple[str, str] | None]] = defaultdict(list)
    for one, other in answers:
        for path, pair in _pairs(one, other, ROOT, 0):
            if len(seen[path]) < _MOST:
                seen[path].append(pair)
    found = [Proposal(path=path, seen=len(pairs)) for path, pairs in seen.items() if _are_ids(pairs, fewest)]
    return sorted(found, key=lambda proposal: (-proposal.seen, proposal.path))


def _pairs(one: Any, other: Any, path: str, depth: int) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """What stands on both sides, by path pattern; None where it is no id, or the same on both sides."""
    if depth > _DEEPEST:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() & other.keys():
            yield from _pairs(one[key], other[key], path + spell(key), depth + 1)
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) == len(other):
            for mine, its in zip(one, other, strict=True):
                yield from _pairs(mine, its, path + ANY_INDEX, depth + 1)
    elif not isinstance(one, dict | list) and not isinstance(other, dict | list):
        a, b = text_of(one), text_of(other)
        usable = a is not None and b is not None and a != b and type(one) is type(other) and " " not in a + b
        yield path, (a, b) if usable and a is not None and b is not None else None


def _are_ids(pairs: list[tuple[str, str] | None], fewest: int) -> bool:
    told = [pair for pair in pairs if pair is not None]
    if len(told) < max(fewest, 1) or len(told) < len(pairs):
        return False
    different = set(told)
    there, back = Counter(a for a, _ in different), Counter(b for _, b in different)
    return len(different) > 1 and max(there.values()) == 1 and max(back.values()) == 1
