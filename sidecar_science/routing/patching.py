"""Attributes of other people's classes, replaced while something is installed and put back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Patches:
    """What was replaced, and what stood there before."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, owner: Any, name: str, wrapping: Callable[[Any], Any]) -> None:
        """Replace ``owner.name``, its own or an inherited one, by what ``wrapping`` makes of it."""
        self.put(owner, name, wrapping(getattr(owner, name)))

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Let ``owner.name`` be ``value``, whether there is one already or not."""
        self._replaced.append((owner, name, vars(owner).get(name, _NOTHING), value))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back, newest first; what somebody else has replaced since is left alone."""
        while self._replaced:
            owner, name, before, value = self._replaced.pop()
            if vars(owner).get(name) is not value:
                continue
            if before is _NOTHING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


_NOTHING = object()
