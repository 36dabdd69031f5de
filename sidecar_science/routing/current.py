"""Which replay the running code belongs to, and what was refused to it."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Final
from urllib.parse import quote

from sidecar_science.clock import Clock

_MAX_REFUSALS: Final = 20
_HEADER_SAFE: Final = "-._~:/@+=, "
_PLAIN: Final = re.compile(r"[A-Za-z0-9\-._~:/@+=, ]*")


class CurrentReplay:
    """One replay while it runs.

    ``deadline`` is an instant of the monotonic clock. ``refusals`` holds the reasons of what was refused,
    at most twenty; ``refused`` counts all of them. ``connected`` tells whether a connection of it came about, or
    anything was sent on one that was there. ``received`` and ``unpacked`` count the bytes that B answered,
    ``overflow`` says that they were too many.
    """

    def __init__(
        self,
        *,
        job: str,
        environment: str,
        service: str | None = None,
        deadline: float = math.inf,
        idempotency_key: str | None = None,
    ) -> None:
        self.job = job
        self.environment = environment
        self.service = service
        self.deadline = deadline
        self.idempotency_key = idempotency_key or job
        self.connected = False
        self.refused = 0
        self.refusals: list[str] = []
        self.received = 0
        self.unpacked = 0
        self.overflow: str | None = None
        self._sent: dict[str, int] = {}

    def refuse(self, reason: str) -> None:
        """Remember that something was refused, whatever the code that tried it makes of the exception."""
        self.refused += 1
        if len(self.refusals) < _MAX_REFUSALS:
            self.refusals.append(reason)

    @property
    def requests(self) -> int:
        """How many HTTP requests have been begun, by whichever client carries our headers."""
        return sum(self._sent.values())

    def remaining(self, clock: Clock) -> float:
        """Seconds until the deadline; zero or less when it has passed."""
        return self.deadline - clock.monotonic()

    def headers(self, method: str, path: str) -> dict[str, str]:
        """What the next request with this method and path carries.

        Two requests of one replay have different idempotency keys, or B would answer the second with the
        first; the same job replayed again gives its n-th ``POST /x`` the same key again, in whatever order
        the others leave.
        """
        line = f"{method} {path.partition('?')[0]}"
        count = self._sent[line] = self._sent.get(line, 0) + 1
        request = hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=4).hexdigest()
        key = f"{self.idempotency_key}-{request}-{count}"
        return {
            "Sidecar-Job": _safe(self.job),
            "Sidecar-Environment": _safe(self.environment),
            "Idempotency-Key": _safe(key),
        }


def _safe(value: str) -> str:
    """``value`` as it may stand in a header; nearly always it is so already."""
    return value if _PLAIN.fullmatch(value) else quote(value, safe=_HEADER_SAFE)


class Current:
    """Knows which replay the running code belongs to. A worker has one, and makes it once."""

    def __init__(self) -> None:
        self._replay: ContextVar[CurrentReplay | None] = ContextVar("sidecar_science.replay", default=None)
        self._running: dict[int, CurrentReplay] = {}

    def replaying(self, replay: CurrentReplay) -> Replaying:
        """Within the block ``replay`` is running, and the code of this context belongs to it."""
        return Replaying(self, replay)

    @contextlib.contextmanager
    def carrying(self, replay: CurrentReplay | None) -> Iterator[None]:
        """Within the block the code of this context belongs to ``replay``, which another thread is running."""
        token = self._replay.set(replay)
        try:
            yield
        finally:
            self._replay.reset(token)

    def get(self) -> CurrentReplay | None:
        """The replay that the calling code belongs to, as long as that replay is running."""
        replay = self._replay.get()
        return replay if replay is not None and id(replay) in self._running else None

    def running(self) -> tuple[CurrentReplay, ...]:
        """All replays that are running in this process."""
        return tuple(self._running.copy().values())

    def _begin(self, replay: CurrentReplay) -> Token[CurrentReplay | None]:
        # One step of the interpreter each, so no lane waits for another one here.
        self._running[id(replay)] = replay
        return self._replay.set(replay)

    def _end(self, replay: CurrentReplay, token: Token[CurrentReplay | None]) -> None:
        self._replay.reset(token)
        self._running.pop(id(replay), None)


class Replaying:
    """The block of `Current.replaying`: a class, since several of them are entered for each job."""

    __slots__ = ("_current", "_replay", "_token")

    def __init__(self, current: Current, replay: CurrentReplay) -> None:
        self._current = current
        self._replay = replay

    def __enter__(self) -> CurrentReplay:
        self._token = self._current._begin(self._replay)
        return self._replay

    def __exit__(self, *_: object) -> None:
        self._current._end(self._replay, self._token)
