"""What a process and its journal tell each other besides jobs: settings one way, our numbers the other."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Log
from sidecar_science.recording.buffer import Buffer
from sidecar_science.recording.rates import Rates
from sidecar_science.recording.shield import Shield
from sidecar_science.recording.shipping import Shipper
from sidecar_science.recording.vocabulary import Vocabulary

_LISTEN_EVERY: Final = 2.0
_TELL_EVERY: Final = 10.0
_TELL_SOON: Final = 1.0


class Standing:
    """Both directions, each in its own time. Runs on the drain thread."""

    def __init__(
        self, *, shipper: Shipper, buffer: Buffer, vocabulary: Vocabulary, clock: Clock, shield: Shield
    ) -> None:
        self._shipper = shipper
        self._vocabulary = vocabulary
        self._buffer = buffer
        self._clock = clock
        self._shield = shield
        self._pid = os.getpid()
        self._listen_at = 0.0
        self._told_at = 0.0
        self._told: Mapping[str, Any] = {"called": 0, "left": 0}

    def listen(self) -> Rates | None:
        """What is set at run time; None while there is nothing new to be heard."""
        now = self._clock.monotonic()
        if now < self._listen_at:
            return None
        self._listen_at = now + _LISTEN_EVERY
        settings = self._shipper.call(lambda log: log.settings())
        if settings is None:
            return None
        self._vocabulary.heed(settings, lambda number: self._shipper.call(lambda log: log.dictionary(number)))
        rates = Rates.read(settings)
        for name in rates.unreadable:
            self._shield.tell("settings", UsageError(name), setting=name)
        return rates

    def tell(self, *, hurry: bool = False, ended: bool = False) -> None:
        """Tell the journal our counts: soon after they changed, now and then even if they did not."""
        now = self._clock.monotonic()
        left, counts = self._buffer.left, self._buffer.counts()
        told = {**counts, "left": left}
        changed = told != self._told
        wait = _TELL_SOON if changed else _TELL_EVERY
        if not ended and not (changed and hurry) and now < self._told_at + wait:
            return
        if not counts["called"]:
            return
        self._told_at = now
        accounts = {**counts, "host": socket.gethostname(), "pid": self._pid}
        if self._shipper.call(lambda log: _reported(log, self._shipper.producer, accounts, ended)):
            self._told = told

    def has_told(self, *, called: int, left: int) -> bool:
        """Whether the journal knows of so many calls, so many of which have left the buffer."""
        return bool(self._told["left"] >= left and self._told["called"] >= called)


def _reported(log: Log, producer: str, accounts: Mapping[str, Any], ended: bool) -> bool:
    log.report(producer, accounts, ended=ended)
    return True
