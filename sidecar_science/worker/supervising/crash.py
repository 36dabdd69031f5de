"""What the journal has to be told of a process that died: while its leases last, for then they end by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalError
from sidecar_science.journal.protocol import Journal
from sidecar_science.worker.supervising.duty import Standing

_AGAIN_AFTER: Final = 0.5


@attrs.frozen
class Crash:
    """Who died, with what in hand, and ``until`` when (monotonic) its leases may last."""

    standing: Standing
    in_hand: Mapping[int, Sequence[str]]
    alone: bool = attrs.field(kw_only=True)
    until: float = attrs.field(kw_only=True)


class Crashes:
    """Those that the journal has not been told of yet. Its link is opened for that alone, and closed again: there is
    none when the supervisor forks."""

    def __init__(self, open_journal: Callable[[Standing], Journal], clock: Clock, log: Any) -> None:
        self._open_journal = open_journal
        self._clock = clock
        self._log = log
        self._waiting: list[Crash] = []
        self._next_at = -math.inf

    def add(self, crash: Crash) -> None:
        """Have it told."""
        self._waiting.append(crash)
        self._next_at = -math.inf

    def tell(self, now: float) -> bool:
        """Tell what there is to tell; whether somebody has to look into suspects."""
        if not self._waiting or now < self._next_at:
            return False
        waiting, self._waiting = self._waiting, []
        suspects = False
        for crash in waiting:
            try:
                suspects |= self._told(crash)
            except JournalError as error:
                self._log.warning("journal.trouble", state=type(error).__name__, detail=str(error))
                self._waiting += [crash] if now < crash.until else []
                self._next_at = now + _AGAIN_AFTER
        return suspects

    def _told(self, crash: Crash) -> bool:
        journal = self._open_journal(crash.standing)
        try:
            suspects = journal.crashed(crash.standing.name, crash.in_hand, alone=crash.alone)
            journal.leave(crash.standing.name)
        finally:
            journal.close()
        if suspects:
            self._log.warning("quarantine.begins", worker=crash.standing.name, partitions=sorted(suspects))
        return bool(suspects)
