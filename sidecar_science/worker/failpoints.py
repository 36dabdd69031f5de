"""Faults on demand, for a fault rig: what happens at a named point of every replay."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import UsageError

Failpoint = Callable[[str], object]
"""Called with the name of each point that is passed."""

POINTS: Final = ("before_start", "after_start", "before_send", "after_answer", "before_settle", "after_settle")
_EXIT: Final = 9


def no_failpoint(_: str) -> None:
    """Nothing happens anywhere."""


class FailpointReached(Exception):
    """What the action ``raise`` raises."""


@attrs.frozen
class _Fault:
    act: Callable[[], object]
    probability: float


def failpoints(text: str, clock: Clock, chance: random.Random | None = None) -> Failpoint:
    """What ``NAME=ACTION[@PROBABILITY],...`` says: ``exit``, ``kill``, ``raise``, or ``pause:SECONDS``.

    Raises `UsageError` for a point or an action that does not exist.
    """
    if not text:
        return no_failpoint
    faults = dict(_fault(part.strip(), clock) for part in text.split(","))
    dice = chance or random.Random()  # noqa: S311 - it decides when to fail, and guards nothing

    def reach(name: str) -> None:
        fault = faults.get(name)
        if fault is not None and dice.random() < fault.probability:
            fault.act()

    return reach


def _fault(text: str, clock: Clock) -> tuple[str, _Fault]:
    name, _, rest = text.partition("=")
    action, _, share = rest.partition("@")
    word, _, detail = action.partition(":")
    try:
        act = _action(word, detail, clock)
        probability = float(share or 1.0)
    except (KeyError, ValueError):
        act, probability = None, 0.0
    if name not in POINTS or act is None or not 0.0 < probability <= 1.0:
        raise UsageError(
            f"the failpoint {text!r} cannot be read; expected NAME=ACTION[@PROBABILITY] with one of"
            f" {', '.join(POINTS)} and one of exit, kill, raise, pause:SECONDS"
        )
    return name, _Fault(act, probability)


def _action(word: str, detail: str, clock: Clock) -> Callable[[], object]:
    if word == "pause":
        seconds, never = float(detail), threading.Event()
        return lambda: clock.wait(never, seconds)
    return {
        "exit": lambda: os._exit(_EXIT),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "raise": _raise,
    }[word]


def _raise() -> None:
    raise FailpointReached("a failpoint was told to raise")
