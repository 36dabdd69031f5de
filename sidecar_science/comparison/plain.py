"""What plain data is, and the two shapes that need a rule to become plain: keys that are no strings, and
sets.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sidecar_science.codec.markers import Opaque, Oversize, Secret

MARKERS = frozenset({Secret, Oversize, Opaque})
SCALARS = frozenset({type(None), bool, int, float, str, bytes}) | MARKERS


def is_plain(value: Any, *, max_depth: int, max_nodes: int) -> bool:
    """Whether ``value`` is plain data within both bounds, told level by level with one look at each value."""
    if type(value) in SCALARS:
        return True
    level, nodes = [value], 0
    for _ in range(max_depth):
        below: list[Any] = []
        for container in level:
            if not _is_plain_container(container, below):
                return False
            nodes += len(container)
        if nodes > max_nodes:
            return False
        if not below:
            return True
        level = below
    return False


def _is_plain_container(container: Any, below: list[Any]) -> bool:
    """Whether ``container`` holds nothing but plain values and text keys; containers in it are put into ``below``."""
    if type(container) is dict:
        for key in container:
            if type(key) is not str:
                return False
        items: Iterable[Any] = container.values()
    elif type(container) is list:
        items = container
    else:
        return False
    for item in items:
        kind = type(item)
        if kind is str:
            continue
        if kind is dict or kind is list:
            below.append(item)
        elif kind not in SCALARS:
            return False
    return True


def type_name(kind: type) -> str:
    """The name of a class as it stands in errors and markers: with its module, unless it is a builtin."""
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def rank(value: Any) -> tuple[int, float, str]:
    """Where a projected element stands among those of its set: by type, then by value, the same in every
    process.
    """
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool):
        return 1, value, ""
    if isinstance(value, int | float):
        return (3, value, "") if value == value else (2, 0, "")
    if isinstance(value, str):
        return 4, 0, value
    if isinstance(value, bytes):
        return 5, 0, value.decode("latin-1")
    return 6, 0, repr(value)


def key_text(key: Any) -> str:
    """A projected dict key as text: ``null``, ``true`` and numbers as in JSON, bytes as UTF-8."""
    if isinstance(key, str):
        return key
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    with contextlib.suppress(ValueError):  # an integer too long to be written in decimal
        return repr(key)
    return hex(key)


def name_keys(keys: list[tuple[Any, str]]) -> list[str]:
    """One distinct name for each of ``keys``, pairs of a dict key and its text.

    Strings keep theirs. Another key whose text is taken gets its type's name behind it (``1 (int)`` beside
    ``"1"``), and a number where even that is taken, so that no entry of a dict is lost.
    """
    counts = Counter(text for _, text in keys)
    taken = {key for key, _ in keys if type(key) is str}
    return [text if type(key) is str else _unused(key, text, counts[text] > 1, taken) for key, text in keys]


def _unused(key: Any, text: str, shared: bool, taken: set[str]) -> str:
    kind = type(key).__name__
    name, number = f"{text} ({kind})" if shared else text, 2
    while name in taken:
        name, number = f"{text} ({kind} {number})", number + 1
    taken.add(name)
    return name
