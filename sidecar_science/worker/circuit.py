"""Which services are left alone for now: those that refuse connections, and those of which too much goes wrong.

A service rests, longer each time. Then one replay probes it; with each good answer twice as many are let through,
until nobody needs to be held back any more.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.worker.endings import Resting

FIRST: Final = 0.5
LONGEST: Final = 30.0
WINDOW: Final = 30.0
"""How many seconds an attempt counts; rests are in seconds, too."""

FEWEST: Final = 10
LOOKED_AT: Final = 20
"""Of the last so many attempts half must have gone wrong, and there must be ten, before a service rests for that."""

_ROOM_FOR_ALL: Final = 32
_LOOK_AGAIN: Final = 0.2


@attrs.frozen(eq=False)
class Pass:
    """The right to send one replay. ``turn`` is how often the service had rested when it was given."""

    service: str | None
    turn: int


@attrs.frozen
class Rest:
    """The instant (monotonic) until which a service rests, and whether it has begun to just now."""

    until: float
    new: bool


@attrs.define
class _Standing:
    """How one service stands: at most ``room`` replays at a time are let through, once its rest is over."""

    length: float = 0.0
    until: float = -math.inf
    room: float = math.inf
    turn: int = 0
    back: bool = True
    inside: set[Pass] = attrs.Factory(set)
    recent: deque[tuple[float, bool]] = attrs.Factory(lambda: deque(maxlen=LOOKED_AT))

    def is_bad(self, now: float) -> bool:
        """Whether too much has gone wrong: the first probe after a rest, or half of what is looked at."""
        bad = [each for at, each in self.recent if at > now - WINDOW]
        if self.room <= 1:
            return True
        return sum(bad) * 2 >= len(bad) and (len(bad) >= FEWEST or self.room < math.inf)


class Circuit:
    """Lets replays through to their services, or not. Shared by all lanes of a process."""

    def __init__(self, clock: Clock, *, first: float = FIRST, longest: float = LONGEST) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._lock = threading.Lock()
        self._standings: dict[str | None, _Standing] = {}

    def enter(self, service: str | None) -> Pass:
        """Let one replay through; it has to be given back. Raises `Resting` while the service is to be left alone."""
        now = self._clock.monotonic()
        with self._lock:
            standing = self._standings.setdefault(service, _Standing())
            if now < standing.until:
                raise Resting("the service rests", standing.until)
            if len(standing.inside) >= standing.room:
                raise Resting("the service is being probed", now + _LOOK_AGAIN)
            given = Pass(service, standing.turn)
            standing.inside.add(given)
            return given

    def leave(self, given: Pass) -> None:
        """Take ``given`` back; what came of it says nothing about the service."""
        with self._lock:
            self._standings[given.service].inside.discard(given)

    def answered(self, given: Pass) -> bool:
        """Note a good answer; whether it is the first one after a rest."""
        with self._lock:
            standing = self._standings[given.service]
            standing.inside.discard(given)
            if given.turn != standing.turn:
                return False
            standing.recent.append((self._clock.monotonic(), False))
            if standing.room < math.inf:
                standing.room *= 2
            if standing.room > _ROOM_FOR_ALL:
                standing.room, standing.length = math.inf, 0.0
            first, standing.back = not standing.back, True
            return first

    def failed(self, given: Pass) -> Rest | None:
        """Note a broken connection or an error of the server; the rest that the service takes for it, if any."""
        now = self._clock.monotonic()
        with self._lock:
            standing = self._standings[given.service]
            standing.inside.discard(given)
            if given.turn != standing.turn:
                return None
            standing.recent.append((now, True))
            return self._rest(standing, now) if standing.is_bad(now) else None

    def refused(self, given: Pass) -> Rest:
        """Note a refused connection: the service rests."""
        now = self._clock.monotonic()
        with self._lock:
            standing = self._standings[given.service]
            standing.inside.discard(given)
            # Lanes that are refused while the service rests already make its rest no longer.
            return self._rest(standing, now) if given.turn == standing.turn else Rest(standing.until, new=False)

    def _rest(self, standing: _Standing, now: float) -> Rest:
        standing.length = min(self._longest, max(self._first, standing.length * 2))
        standing.until = now + standing.length
        standing.room = 1
        standing.turn += 1
        standing.back = False
        # What is under way says how the service was before.
        standing.inside = set()
        standing.recent.clear()
        return Rest(standing.until, new=True)
