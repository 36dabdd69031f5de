"""One walk over two trees of plain data that names every place where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import attrs

from sidecar_science.comparison.alignment import (
    Alignment,
    beside,
    cost,
    gaps_by_index,
    gaps_of,
    regardless_of_order,
)
from sidecar_science.comparison.difference import Difference, Kind, Surplus, Where
from sidecar_science.comparison.equality import SIMPLE, certainly_same, leaf_kind, unlike_pairs
from sidecar_science.comparison.paths import join
from sidecar_science.comparison.sieve import RuleSet, Sieve
from sidecar_science.comparison.tokens import Token, Tokens

_LONGEST_TEXT = 1024 * 1024
_LONGEST_EXPLAINED = 16 * _LONGEST_TEXT
_DEEPEST_RULE = 200
_DEEPEST_LOOK = 16
_NO_RULES = RuleSet()
_Trail = tuple[Any, str | int, int] | None
"""The way down to a value, as (the way to its parent, the last step, depth): a path is spelled only where
one is told.
"""
_Task = tuple[Any, Any, Any, _Trail]
_Pair = tuple[list[Any], list[Any]]
_Told = tuple[Kind, Any, Any, _Trail, Surplus | None]


class Differences(list[Difference]):
    """The differences in the order of the control's own data.

    ``truncated`` when there may be more than these; ``looked`` is about how many values were looked at.
    """

    def __init__(self, found: Iterable[Difference] = (), *, truncated: bool = False, looked: int = 0) -> None:
        super().__init__(found)
        self.truncated = truncated
        self.looked = looked


def diff(
    control: Any,
    candidate: Any,
    *,
    where: Where = "value",
    max_nodes: int = 1_000_000,
    limit: int = 1_000,
    in_place: bool = False,
    sieve: Sieve | None = None,
) -> Differences:
    """The differences between two pieces of plain data; none when they are the same.

    At most ``limit`` of them are told and ``max_nodes`` values looked at. When that was not enough,
    ``truncated`` is set, and there is at least one difference: what could not be compared does not count as
    the same. Lists are aligned, so that an insertion is one difference; with ``in_place`` the outermost two
    are compared index by index. What the rules behind ``sieve`` explain is counted there and not told.
    """
    if certainly_same(control, candidate):
        return Differences()
    return _Walk(where, max_nodes, limit, in_place, sieve or _NO_RULES.sieve()).run(control, candidate)


class _Walk:
    """Works through tasks (what is to be done, control, candidate, trail) on a stack of its own.

    A task either tells a difference of a kind or opens a pair of lists or objects. No call nests in another,
    so depth is bounded by memory only.
    """

    def __init__(self, where: Where, max_nodes: int, limit: int, in_place: bool, sieve: Sieve) -> None:
        self._where = where
        self._sieve = sieve
        self._in_place = in_place
        self._max_nodes = self._nodes = max_nodes
        self._limit = limit
        self._tokens = Tokens(max_nodes)
        self._tasks: list[_Task] = []
        self._found: list[_Told] = []
        self._kept: list[Difference] = []
        self._room = _LONGEST_TEXT
        self._explained = 0
        self._truncated = False

    def run(self, control: Any, candidate: Any) -> Differences:
        first = _task(control, candidate)
        if first is not None:
            self._tasks.append((first, control, candidate, None))
        while self._tasks:
            task, left, right, trail = self._tasks.pop()
            if task is dict:
                self._open_objects(left, right, trail)
            elif task is list:
                self._open_lists(left, right, trail)
            else:
                self._tell(task, left, right, trail)
        return self._told(control, candidate)

    def _open_objects(self, control: dict[str, Any], candidate: dict[str, Any], trail: _Trail) -> None:
        depth = trail[2] + 1 if trail else 1
        common = [key for key in control if key in candidate]
        ours, theirs = [control[key] for key in common], [candidate[key] for key in common]
        tasks: dict[str, _Task] = {}
        for at in _unlike(ours, theirs, depth):
            if (task := _task(ours[at], theirs[at])) is not None:
                tasks[common[at]] = (task, ours[at], theirs[at], (trail, common[at], depth))
        if len(common) != len(control):
            ordered = [(key, tasks.get(key)) for key in control]
            tasks = {
                key: task or ("missing", control[key], None, (trail, key, depth))
                for key, task in ordered
                if task or key not in candidate
            }
        if len(common) != len(candidate):
            extra = [key for key in candidate if key not in control]
            tasks |= {key: ("extra", None, candidate[key], (trail, key, depth)) for key in extra}
        self._add(list(tasks.values()), len(control) + len(candidate) - len(common))

    def _open_lists(self, control: list[Any], candidate: list[Any], trail: _Trail) -> None:
        depth = trail[2] + 1 if trail else 1
        found = [
            (index, task)
            for index in _unlike(control, candidate, depth)
            if (task := _task(control[index], candidate[index])) is not None
        ]
        if len(control) == len(candidate) and len(found) < 2:
            tasks = [(task, control[at], candidate[at], (trail, at, depth)) for at, task in found]
            self._add(tasks, len(control))
            return
        steps = _steps(trail) if depth <= _DEEPEST_RULE else None
        if steps is not None and self._sieve.is_unordered(steps) and self._open_unordered(control, candidate, trail):
            return
        seen = self._seen(control, candidate, steps)
        unlike = [index for index, _ in found]
        aligned = self._aligned(control, candidate, seen, unlike, trail is None and self._in_place)
        if aligned is None:
            self._tell("order", control, candidate, trail)
        else:
            self._open_aligned(control, candidate, aligned, trail)

    def _seen(self, control: list[Any], candidate: list[Any], steps: Sequence[str | int] | None) -> _Pair:
        """Two lists as the rules see them."""
        if steps is None:
            return control, candidate
        return self._sieve.seen(steps, control), self._sieve.seen(steps, candidate)

    def _open_unordered(self, control: list[Any], candidate: list[Any], trail: _Trail) -> bool:
        ours, theirs = self._seen(control, candidate, _steps(trail))
        tokens = self._tokens.of(ours, theirs)
        if tokens is None:
            return False
        same, aligned = regardless_of_order(ours, theirs, *tokens)
        pairs = sorted([*same, *aligned.pairs])
        if any(one[1] > other[1] for one, other in pairwise(pairs)):
            self._tell("order", control, candidate, trail)
        if ours is not control or theirs is not candidate:
            aligned = attrs.evolve(aligned, pairs=pairs)
        self._open_aligned(control, candidate, aligned, trail)
        return True

    def _open_aligned(self, control: list[Any], candidate: list[Any], aligned: Alignment, trail: _Trail) -> None:
        if len(control) != len(candidate):
            surplus = tuple(aligned.missing), tuple(aligned.extra)
            self._tell("length", control, candidate, trail, surplus)
        self._add(_paired(control, candidate, aligned, trail), len(control))

    def _aligned(
        self, control: list[Any], candidate: list[Any], seen: _Pair, unlike: list[int], in_place: bool
    ) -> Alignment | None:
        """How to lay two lists side by side that differ at the indexes ``unlike``; None when their order alone differs.

        Index by index, unless there are fewer differences otherwise. ``seen``: as the rules see the lists.
        """
        ours, theirs = seen
        sizes = len(control), len(candidate)
        even = sizes[0] == sizes[1]
        gaps = gaps_by_index(unlike, *sizes)
        others: Iterable[tuple[int, int]] = ()
        if even and (in_place or 2 * len(unlike) <= unlike[-1] + 1 - unlike[0]):
            tokens = self._tokens.of([ours[at] for at in unlike], [theirs[at] for at in unlike])
            if tokens and _permuted(*tokens):
                return None
        elif unlike and not in_place:
            begin = unlike[0]
            ends = [unlike[-1] + 1] * 2 if even else sizes
            tokens = self._tokens.of(ours[begin : ends[0]], theirs[begin : ends[1]])
            if tokens and even and _permuted(*tokens):
                return None
            if tokens:
                unlike = [begin + at for at, (one, other) in enumerate(zip(*tokens, strict=False)) if one != other]
                shifted = [(a + begin, b + begin, c + begin, d + begin) for a, b, c, d in gaps_of(*tokens)]
                gaps = min(gaps_by_index(unlike, *sizes), shifted, key=cost)
                others = beside(gaps, *sizes) if ours is not control or theirs is not candidate else ()
        aligned = Alignment.of(control, candidate, gaps, by_name=not in_place)
        return attrs.evolve(aligned, pairs=sorted([*aligned.pairs, *others]))

    def _add(self, tasks: Sequence[_Task], nodes: int) -> None:
        self._nodes -= nodes
        if self._nodes < 0:
            self._stop()
        else:
            self._tasks.extend(reversed(tasks))

    def _tell(self, kind: Kind, control: Any, candidate: Any, trail: _Trail, surplus: Surplus | None = None) -> None:
        if len(self._kept) + len(self._found) >= self._limit:
            self._sift()
        if len(self._kept) < self._limit:
            self._found.append((kind, control, candidate, trail, surplus))
        else:
            self._stop()

    def _stop(self) -> None:
        self._truncated = True
        self._tasks.clear()

    def _sift(self) -> None:
        """Keep of what was found what no rule explains: only that counts towards the limit."""
        for kind, control, candidate, trail, surplus in self._found:
            path = _spell(trail)
            kept = self._sieve.kept([Difference(self._where, path, kind, control, candidate, surplus)])
            self._explained += 0 if kept else len(path)
            self._room -= len(path) if kept else 0
            if (self._kept and self._room < 0) or self._explained > _LONGEST_EXPLAINED:
                self._stop()
                break
            self._kept += kept
        self._found.clear()

    def _told(self, control: Any, candidate: Any) -> Differences:
        self._sift()
        if self._truncated and not self._kept:
            self._kept.append(Difference(self._where, _spell(None), "changed", control, candidate))
        looked = 2 * self._max_nodes - self._nodes - self._tokens.budget
        return Differences(self._kept, truncated=self._truncated, looked=looked)


def _paired(control: list[Any], candidate: list[Any], aligned: Alignment, trail: _Trail) -> list[_Task]:
    """What is to be done about the elements of two aligned lists."""
    depth = trail[2] + 1 if trail else 1
    tasks: list[_Task] = []
    ours, theirs = [control[one] for one, _ in aligned.pairs], [candidate[other] for _, other in aligned.pairs]
    for at in _unlike(ours, theirs, depth):
        one, other = aligned.pairs[at]
        if (task := _task(control[one], candidate[other])) is not None:
            tasks.append((task, control[one], candidate[other], (trail, one, depth)))
    if aligned.missing and aligned.extra:
        tasks += [("missing", control[at], None, (trail, at, depth)) for each in aligned.missing for at in each]
        tasks.sort(key=_index)
        tasks += [("extra", None, candidate[at], (trail, at, depth)) for each in aligned.extra for at in each]
    return tasks


def _index(task: _Task) -> Any:
    return task[3][1] if task[3] else 0


def _permuted(left: list[Token], right: list[Token]) -> bool:
    return left != right and Counter(left) == Counter(right)


def _unlike(control: Sequence[Any], candidate: Sequence[Any], depth: int) -> Sequence[int]:
    """Where two rows need a closer look: deep down everywhere, or each level would look at all that is below it."""
    return unlike_pairs(control, candidate) if depth < _DEEPEST_LOOK else range(min(len(control), len(candidate)))


def _task(control: Any, candidate: Any) -> Any:
    """What to do about two values: open both (``dict``, ``list``), tell a kind, or nothing (None)."""
    kind = type(control)
    if kind is not type(candidate):
        return leaf_kind(control, candidate)
    if kind in SIMPLE:
        return "changed" if control != candidate else None
    return kind if kind is dict or kind is list else leaf_kind(control, candidate)


def _spell(trail: _Trail) -> str:
    return join(_steps(trail))


def _steps(trail: _Trail) -> list[str | int]:
    steps: list[str | int] = []
    while trail is not None:
        trail, step, _ = trail
        steps.append(step)
    return steps[::-1]
