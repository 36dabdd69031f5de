"""One walk over two trees of plain data that names every place where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sidecar_science.comparison.alignment import Alignment, cost, gaps_by_index, gaps_of
from sidecar_science.comparison.difference import Difference, Kind, Surplus, Where
from sidecar_science.comparison.equality import SIMPLE, identical, leaf_kind, same_tree
from sidecar_science.comparison.paths import join
from sidecar_science.comparison.tokens import Token, Tokens

_LONGEST_TEXT = 1024 * 1024
_DEEPEST_LOOK = 16
_ABSENT = object()
_Trail = tuple[Any, str | int, int] | None
"""The way down to a value, as (the way to its parent, the last step, depth): a path is spelled only where
one is told.
"""
_Task = tuple[Any, Any, Any, _Trail]
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
) -> Differences:
    """The differences between two pieces of plain data; none when they are the same.

    At most ``limit`` of them are told and ``max_nodes`` values looked at. When that was not enough,
    ``truncated`` is set, and there is at least one difference: what could not be compared does not count as
    the same. Lists are aligned, so that an insertion is one difference; with ``in_place`` the outermost two
    are compared index by index.
    """
    if identical(control, candidate):
        return Differences()
    return _Walk(where, max_nodes, limit, in_place).run(control, candidate)


class _Walk:
    """Works through tasks (what is to be done, control, candidate, trail) on a stack of its own.

    A task either tells a difference of a kind or opens a pair of lists or objects. No call nests in another,
    so depth is bounded by memory only.
    """

    def __init__(self, where: Where, max_nodes: int, limit: int, in_place: bool) -> None:
        self._where = where
        self._in_place = in_place
        self._max_nodes = self._nodes = max_nodes
        self._limit = limit
        self._tokens = Tokens(max_nodes)
        self._tasks: list[_Task] = []
        self._found: list[_Told] = []
        self._truncated = False

    def run(self, control: Any, candidate: Any) -> Differences:
        first = _task(control, candidate, _DEEPEST_LOOK)
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
        if self._truncated and not self._found:
            self._found.append(("changed", control, candidate, None, None))
        return self._spelled()

    def _open_objects(self, control: dict[str, Any], candidate: dict[str, Any], trail: _Trail) -> None:
        tasks: list[_Task] = []
        depth = trail[2] + 1 if trail else 1
        common = 0
        for key, left in control.items():
            right = candidate.get(key, _ABSENT)
            if right is _ABSENT:
                tasks.append(("missing", left, None, (trail, key, depth)))
                continue
            common += 1
            if (task := _task(left, right, depth)) is not None:
                tasks.append((task, left, right, (trail, key, depth)))
        if common != len(candidate):
            extra = [key for key in candidate if key not in control]
            tasks.extend(("extra", None, candidate[key], (trail, key, depth)) for key in extra)
        self._add(tasks, len(control) + len(candidate) - common)

    def _open_lists(self, control: list[Any], candidate: list[Any], trail: _Trail) -> None:
        depth = trail[2] + 1 if trail else 1
        found = [
            (index, task)
            for index, (left, right) in enumerate(zip(control, candidate, strict=False))
            if (task := _task(left, right, depth)) is not None
        ]
        if len(control) == len(candidate) and len(found) < 2:
            tasks = [(task, control[at], candidate[at], (trail, at, depth)) for at, task in found]
            self._add(tasks, len(control))
            return
        aligned = self._aligned(control, candidate, [index for index, _ in found], trail is None and self._in_place)
        if aligned is None:
            self._tell("order", control, candidate, trail)
            return
        if len(control) != len(candidate):
            surplus = tuple(aligned.missing), tuple(aligned.extra)
            self._tell("length", control, candidate, trail, surplus)
        self._add(_paired(control, candidate, aligned, trail, depth), len(control))

    def _aligned(self, control: list[Any], candidate: list[Any], unlike: list[int], in_place: bool) -> Alignment | None:
        """How to lay two lists side by side that differ at the indexes ``unlike``; None when their order alone differs.

        Index by index, unless there are fewer differences otherwise.
        """
        sizes = len(control), len(candidate)
        even = sizes[0] == sizes[1]
        gaps = gaps_by_index(unlike, *sizes)
        if even and (in_place or 2 * len(unlike) <= unlike[-1] + 1 - unlike[0]):
            tokens = self._tokens.of([control[at] for at in unlike], [candidate[at] for at in unlike])
            if tokens and _permuted(*tokens):
                return None
        elif unlike and not in_place:
            begin = unlike[0]
            ends = [unlike[-1] + 1] * 2 if even else sizes
            tokens = self._tokens.of(control[begin : ends[0]], candidate[begin : ends[1]])
            if tokens and even and _permuted(*tokens):
                return None
            if tokens:
                unlike = [begin + at for at, (one, other) in enumerate(zip(*tokens, strict=False)) if one != other]
                shifted = [(a + begin, b + begin, c + begin, d + begin) for a, b, c, d in gaps_of(*tokens)]
                gaps = min(gaps_by_index(unlike, *sizes), shifted, key=cost)
        return Alignment.of(control, candidate, gaps, by_name=not in_place)

    def _add(self, tasks: Sequence[_Task], nodes: int) -> None:
        self._nodes -= nodes
        if self._nodes < 0:
            self._stop()
        else:
            self._tasks.extend(reversed(tasks))

    def _tell(self, kind: Kind, control: Any, candidate: Any, trail: _Trail, surplus: Surplus | None = None) -> None:
        if len(self._found) < self._limit:
            self._found.append((kind, control, candidate, trail, surplus))
        else:
            self._stop()

    def _stop(self) -> None:
        self._truncated = True
        self._tasks.clear()

    def _spelled(self) -> Differences:
        looked = 2 * self._max_nodes - self._nodes - self._tokens.budget
        told = Differences(truncated=self._truncated, looked=looked)
        room = _LONGEST_TEXT
        for kind, control, candidate, trail, surplus in self._found:
            path = _spell(trail)
            room -= len(path)
            if room < 0 and told:
                told.truncated = True
                break
            told.append(Difference(self._where, path, kind, control, candidate, surplus))
        return told


def _paired(control: list[Any], candidate: list[Any], aligned: Alignment, trail: _Trail, depth: int) -> list[_Task]:
    """What is to be done about the elements of two aligned lists."""
    tasks: list[_Task] = []
    for one, other in aligned.pairs:
        task = _task(control[one], candidate[other], depth)
        if task is not None:
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


def _task(control: Any, candidate: Any, depth: int) -> Any:
    """What to do about two values: open both (``dict``, ``list``), tell a kind, or nothing (None)."""
    kind = type(control)
    if kind is not type(candidate):
        return leaf_kind(control, candidate)
    if kind in SIMPLE:
        return "changed" if control != candidate else None
    if kind is not dict and kind is not list:
        return leaf_kind(control, candidate)
    return None if depth < _DEEPEST_LOOK and same_tree(control, candidate) else kind


def _spell(trail: _Trail) -> str:
    steps: list[str | int] = []
    while trail is not None:
        trail, step, _ = trail
        steps.append(step)
    return join(reversed(steps))
