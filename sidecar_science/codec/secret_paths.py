"""Where secrets stand that no name gives away: JSON paths such as ``$.user.pin`` and ``$.items[*].code``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attrs

from sidecar_science.codec.rebuilding import EACH
from sidecar_science.errors import DeclarationError

_SEGMENT = re.compile(
    r"""\.(?P<name>[^.\[\]*"'\s]+)
      | \[(?P<index>\d+)\]
      | (?P<each>\.\*|\[\*\])
      | \[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]""",
    re.VERBOSE,
)


@attrs.define
class Node:
    """A place that leads to secrets, or is one."""

    ends: bool = False
    below: dict[Any, Node] = attrs.field(factory=dict)


Places = tuple[Node, ...]


def tree(paths: Iterable[str]) -> Node:
    """The places that ``paths`` name, from the root. Raises `DeclarationError` for what is no such path."""
    root = Node()
    for path in paths:
        node = root
        for segment in segments(path):
            node = node.below.setdefault(segment, Node())
        node.ends = True
    return root


def step(places: Places, segment: Any) -> Places:
    """Where ``places`` lead through a key or an index; ``[*]`` leads through all of them."""
    if not places:
        return ()
    wanted = (EACH,) if type(segment) not in (str, int) else (segment, EACH)
    return tuple(node.below[key] for node in places for key in wanted if key in node.below)


def segments(path: str) -> list[Any]:
    """The keys, indexes and ``[*]`` (as EACH) of a path."""
    found: list[Any] = []
    place = 1
    while path.startswith("$") and place < len(path):
        match = _SEGMENT.match(path, place)
        if match is None:
            break
        found.append(_segment(match))
        place = match.end()
    if not path.startswith("$") or place != len(path):
        raise DeclarationError(
            f'{path!r} is no path of a secret; write $ and then .name, ["any key"], [0] or [*], as in $.items[*].code'
        )
    return found


def _segment(match: re.Match[str]) -> Any:
    if match["each"]:
        return EACH
    if match["index"]:
        return int(match["index"])
    return match["name"] or match["key"]
