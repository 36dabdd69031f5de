"""What a person is shown of one mismatched job: both sides, and of large ones the places that differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.observed import Observed
from sidecar_science.reports.plain import MORE, DoesNotFit, common, cut, encoded, fitted, whole

MAX_SIDE = 4096
MAX_SHOWN = 6
_MAX_VALUE = 240
_MAX_PATH = 400
_AROUND = 60
_NEIGHBORS = 50

Step = str | int
_PARTS = {"value": "value", "error": "error", "exchanges": "exchange", "evidence": "evidence"}
_PART_OF = {where: part for part, where in _PARTS.items()}
_NOWHERE = object()
_STEP = re.compile(r"""\.([^.\["]+)|\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]""")


def excerpt(job: str, control: Any, candidate: Any, differences: Sequence[Difference]) -> dict[str, Any]:
    """The sample of ``job`` as JSON data, at most 4 KB a side; of ``differences``, the first six are shown.

    ``control`` and ``candidate`` are mappings of the parts ``value``, ``error`` and ``exchanges``, or the
    value alone. What stands at a differing path is looked up in them, never taken from the difference itself:
    an experiment's ``clean`` has seen them, the difference not.
    """
    sides = {"control": _root(control), "candidate": _root(candidate)}
    told = [_told(difference, sides) for difference in differences[:MAX_SHOWN]]
    places = [_steps_of(difference) for difference in differences[:MAX_SHOWN]]
    room = {side: MAX_SIDE - sum(len(encoded(one.get(side))) for one in told) for side in sides}
    return {
        "job": job,
        **{side: _fitted(root, places, room[side]) for side, root in sides.items()},
        "differences": told,
    }


def _root(side: Any) -> dict[str, Any]:
    """An observation by its parts, without those that are empty; anything else is the one part ``value``."""
    if isinstance(side, Observed):
        side = {"value": side.value, "error": side.error, "exchanges": side.exchanges}
    elif not (isinstance(side, Mapping) and side and _PARTS.keys() >= side.keys()):
        side = {"value": side}
    return {name: part for name, part in side.items() if name == "value" or part}


def _told(difference: Difference, sides: Mapping[str, Any]) -> dict[str, Any]:
    absent = {"missing": "candidate", "extra": "control"}.get(difference.kind)
    steps = _steps_of(difference)
    standing = {
        side: _standing(root, steps, getattr(difference, side)) for side, root in sides.items() if side != absent
    }
    found = {side: _seen(difference, value) for side, value in standing.items() if value is not _NOWHERE}
    return {
        "where": difference.where,
        "path": cut(difference.path, _MAX_PATH),
        "kind": difference.kind,
        **{side: fitted(value, _MAX_VALUE) for side, value in _focused(found).items()},
    }


def _seen(difference: Difference, value: Any) -> Any:
    """Of two lists that differ in length, the lengths."""
    return len(value) if difference.kind == "length" and isinstance(value, list) else value


def _focused(found: dict[str, Any]) -> dict[str, Any]:
    """Two long texts are shown around the first place where they part."""
    texts = list(found.values())
    if len(texts) < 2 or not all(isinstance(text, str) for text in texts):
        return found
    around = _AROUND if all(text.isascii() for text in texts) else _AROUND // 3
    if max(map(len, texts)) <= 2 * around:
        return found
    start = common(*texts) - around
    return {side: _window(text, max(0, start), 2 * around) for side, text in found.items()}


def _window(text: str, start: int, length: int) -> str:
    before = f"({len(text[:start].encode('utf-8', 'surrogatepass'))} bytes before) {MORE}" if start else ""
    return before + cut(text[start:], length)


def _standing(node: Any, steps: Sequence[Step], expected: Any) -> Any:
    """What stands at ``steps``; in a list that was aligned, that may be a few places beside."""
    for found in _near(node, steps):
        if type(found) is type(expected) and found == expected:
            return found
    return next(_near(node, steps, stray=False), _NOWHERE)


def _near(node: Any, steps: Sequence[Step], stray: bool = True) -> Iterator[Any]:
    """What stands at ``steps`` exactly, then what does when one index strays."""
    if not steps:
        yield node
        return
    step, *rest = steps
    if isinstance(node, Mapping) and step in node:
        yield from _near(node[step], rest, stray)
    elif isinstance(node, (list, tuple)) and isinstance(step, int):
        if step < len(node):
            yield from _near(node[step], rest, stray)
        for index in range(max(0, step - _NEIGHBORS), min(len(node), step + _NEIGHBORS)) if stray else ():
            yield from _near(node[index], rest, stray=False)


def _fitted(root: Mapping[str, Any], places: Sequence[Sequence[Step]], room: int) -> Any:
    try:
        return whole(root, room)
    except DoesNotFit:
        return fitted(_pruned(root, places), room)


def _pruned(node: Any, places: Iterable[Sequence[Step]]) -> Any:
    """``node`` with nothing but what leads to ``places``; the items of a list keep their index as ``[3]``."""
    branches: dict[Step, list[Sequence[Step]]] = {}
    for place in places:
        if not place:
            return node
        branches.setdefault(place[0], []).append(place[1:])
    if isinstance(node, Mapping):
        kept = {str(step): _pruned(node[step], rest) for step, rest in branches.items() if step in node}
    elif isinstance(node, (list, tuple)):
        known = {step: rest for step, rest in branches.items() if isinstance(step, int) and step < len(node)}
        kept = {f"[{step}]": _pruned(node[step], rest) for step, rest in known.items()}
    else:
        return node
    return {**kept, MORE: f"{len(node) - len(kept)} more"} if len(node) > len(kept) else kept


def _steps_of(difference: Difference) -> list[Step]:
    return [_PART_OF[difference.where], *_steps(difference.path)]


def _steps(path: str) -> Iterator[Step]:
    """The keys and indexes of a concrete path."""
    for key, quoted, index in _STEP.findall(path):
        yield int(index) if index else _unquoted(quoted) if quoted else key


def _unquoted(quoted: str) -> str:
    """Nothing that is only to be shown may stop a settlement: what cannot be read leads nowhere."""
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted
