"""When a process forks or ends: every recorder in it is told."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol

from sidecar_science.checks.exchanges import watching


class Living(Protocol):
    """What wants to be told."""

    def after_fork(self) -> None:
        """This is a child now."""
        ...

    def close(self) -> bool:
        """The process is ending."""
        ...


_living: weakref.WeakSet[Living] = weakref.WeakSet()


def watch_over(living: Living) -> None:
    """Tell ``living`` of forks and of a normal end of the process, as long as somebody else holds it."""
    _living.add(living)
    atexit.register(_end, weakref.ref(living))


def _end(reference: weakref.ref[Living]) -> None:
    living = reference()
    if living is not None:
        living.close()


def _after_fork_in_child() -> None:
    # The fork may have been part of a recorded call; what the child goes on to do is not.
    watching.set(None)
    for living in list(_living):
        living.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
