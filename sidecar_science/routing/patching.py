"""Attributes of other people's classes, replaced while something is installed and put back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Patches:
    """What was replaced, and what stood there before."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, owner: Any, name: str, wrapping: Callable[[Any], Any]) -> None:
        """Replace ``owner.name`` by what ``wrapping`` makes of it."""
        original = owner.__dict__[name]
        self._put(owner, name, original, wrapping(original))

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Give ``owner`` an attribute that it has not got."""
        self._put(owner, name, None, value)

    def _put(self, owner: Any, name: str, original: Any, replacement: Any) -> None:
        setattr(owner, name, replacement)
        self._replaced.append((owner, name, original, replacement))

    def undo(self) -> None:
        """Put everything back, newest first; what somebody else has replaced since is left alone."""
        while self._replaced:
            owner, name, original, replacement = self._replaced.pop()
            if owner.__dict__.get(name) is not replacement:
                continue
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
