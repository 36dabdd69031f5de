"""One walk over two trees of plain data that names every place where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from sidecar_science.comparison.difference import Difference, Kind, Where
from sidecar_science.comparison.equality import SIMPLE, Permutations, identical, leaf_kind, same_tree
from sidecar_science.comparison.paths import join

_LONGEST_TEXT = 1024 * 1024
_DEEPEST_LOOK = 16
_ABSENT = object()
_Trail = tuple[Any, str | int, int] | None
"""The way down to a value, as (the way to its parent, the last step, depth): a path is spelled only where
one is told.
"""
_Task = tuple[Any, Any, Any, _Trail]


class Differences(list[Difference]):
    """The differences in the order of the control's own data; ``truncated`` when there may be more than
    these.
    """

    def __init__(self, found: Iterable[Difference] = (), *, truncated: bool = False) -> None:
        super().__init__(found)
        self.truncated = truncated


def diff(
    control: Any, candidate: Any, *, where: Where = "value", max_nodes: int = 1_000_000, limit: int = 1_000
) -> Differences:
    """The differences between two pieces of plain data; none when they are the same.

    At most ``limit`` of them are told and ``max_nodes`` values looked at. When that was not enough,
    ``truncated`` is set, and there is at least one difference: what could not be compared does not count as
    the same.
    """
    if identical(control, candidate):
        return Differences()
    return _Walk(where, max_nodes, limit).run(control, candidate)


@attrs.frozen
class _OpenList:
    """A pair of lists whose elements are being compared: it is done when ``height`` tasks are left."""

    control: list[Any]
    candidate: list[Any]
    trail: _Trail
    height: int
    found: int


class _Walk:
    """Works through tasks (what is to be done, control, candidate, trail) on a stack of its own.

    A task either tells a difference of a kind or opens a pair of lists or objects. No call nests in another,
    so depth is bounded by memory only.
    """

    def __init__(self, where: Where, max_nodes: int, limit: int) -> None:
        self._where = where
        self._nodes = max_nodes
        self._limit = limit
        self._permutations = Permutations(max_nodes)
        self._tasks: list[_Task] = []
        self._lists: list[_OpenList] = []
        self._found: list[tuple[Kind, Any, Any, _Trail]] = []
        self._truncated = False

    def run(self, control: Any, candidate: Any) -> Differences:
        first = _task(control, candidate, _DEEPEST_LOOK)
        if first is not None:
            self._tasks.append((first, control, candidate, None))
        while self._tasks or self._lists:
            if self._lists and len(self._tasks) == self._lists[-1].height:
                self._close()
                continue
            task, left, right, trail = self._tasks.pop()
            if task is dict:
                self._open_objects(left, right, trail)
            elif task is list:
                self._open_lists(left, right, trail)
            else:
                self._tell(task, left, right, trail)
        if self._truncated and not self._found:
            self._found.append(("changed", control, candidate, None))
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
        tasks: list[_Task] = []
        depth = trail[2] + 1 if trail else 1
        for index, (left, right) in enumerate(zip(control, candidate, strict=False)):
            if (task := _task(left, right, depth)) is not None:
                tasks.append((task, left, right, (trail, index, depth)))
        if len(control) != len(candidate):
            tasks.insert(0, ("length", control, candidate, trail))
        elif len(tasks) > 1:
            self._lists.append(_OpenList(control, candidate, trail, len(self._tasks), len(self._found)))
        self._add(tasks, len(control))

    def _add(self, tasks: Sequence[_Task], nodes: int) -> None:
        self._nodes -= nodes
        if self._nodes < 0:
            self._stop()
        else:
            self._tasks.extend(reversed(tasks))

    def _close(self) -> None:
        """All elements of the innermost open lists are compared: was it only their order that differs?"""
        lists = self._lists.pop()
        if len(self._found) - lists.found > 1 and self._permutations.relate(lists.control, lists.candidate):
            del self._found[lists.found :]
            self._tell("order", lists.control, lists.candidate, lists.trail)

    def _tell(self, kind: Kind, control: Any, candidate: Any, trail: _Trail) -> None:
        if len(self._found) < self._limit:
            self._found.append((kind, control, candidate, trail))
        elif not self._fold():
            self._stop()

    def _fold(self) -> bool:
        """Room for more: an open pair of lists that differ in order alone needs one difference, not one
        per element.
        """
        for depth, lists in enumerate(self._lists):
            if lists.found < self._limit and self._permutations.relate(lists.control, lists.candidate):
                del self._lists[depth:], self._tasks[lists.height :], self._found[lists.found :]
                self._found.append(("order", lists.control, lists.candidate, lists.trail))
                return True
        return False

    def _stop(self) -> None:
        self._truncated = True
        self._tasks.clear()
        self._lists.clear()

    def _spelled(self) -> Differences:
        told = Differences(truncated=self._truncated)
        room = _LONGEST_TEXT
        for kind, control, candidate, trail in self._found:
            path = _spell(trail)
            room -= len(path)
            if room < 0 and told:
                told.truncated = True
                break
            told.append(Difference(self._where, path, kind, control, candidate))
        return told


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
