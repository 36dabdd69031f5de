"""The A side of the journal in Redis: append, and nothing that an application's user must not be allowed to
do."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.journal import layout
from sidecar_science.journal.records import Entry, Size
from sidecar_science.journal.redis_replies import ensure, seconds, texts

if TYPE_CHECKING:
    from sidecar_science.journal.redis_link import Link

_USUAL_BYTES: Final = 1024
_KNOWN_FROM: Final = 100
_AVERAGE: Final = "average_bytes"


class RedisLog:
    """The A side.

    It sends PING, XADD, XLEN, HSET, HSETNX, HGET, HGETALL, TIME, MULTI and EXEC, and no script.
    """

    def __init__(self, link: Link, namespace: str, *, partitions: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._link = link
        self._keys = layout.Keys(namespace)
        self._partitions = partitions
        self._clock = clock
        self._told = 0
        self._entries = 0
        self._bytes = 0
        self._usual: float = _USUAL_BYTES
        self._weight = 0

    def ensure(self) -> None:
        meta = ensure(self._link, self._keys, self._partitions, self._clock.wall())
        if _AVERAGE in meta:
            self._usual, self._weight = float(meta[_AVERAGE]), _KNOWN_FROM

    def append(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        commands = [("XADD", self._keys.jobs(entry.partition), "*", "e", entry.data) for entry in entries]
        self._link.batch(commands, atomic=True)
        self._entries += len(entries)
        self._bytes += sum(len(entry.data) for entry in entries)

    def size(self) -> Size:
        lengths = self._link.batch([("XLEN", self._keys.jobs(n)) for n in range(self._partitions)])
        return Size(entries=sum(lengths), bytes=round(sum(lengths) * self._average()))

    def settings(self) -> Mapping[str, str]:
        return texts(self._link.command("HGETALL", self._keys.settings))

    def dictionary(self, number: int) -> bytes | None:
        found: bytes | None = self._link.command("HGET", self._keys.dictionaries, number)
        return found

    def report(self, producer: str, accounts: Mapping[str, Any], *, ended: bool = False) -> None:
        # By the server's clock, which is the same for all that tell and for whoever judges their silence.
        at = seconds(self._link.command("TIME"))
        self._told += 1
        told = {
            **accounts, "host": socket.gethostname(), "pid": os.getpid(), "at": at, "ended": ended,
            "serial": self._told,
        }  # fmt: skip
        # What an older connection brings late must neither take the place of what was said since, nor of a goodbye.
        field = f"{producer}|{'bye' if ended else self._told % 2}"
        self._link.command("HSET", self._keys.producers, field, json.dumps(told, separators=(",", ":")))
        if self._entries:
            self._link.command("HSET", self._keys.meta, _AVERAGE, f"{self._average():.0f}")

    def _average(self) -> float:
        """Bytes of an entry: what the last process that told found, and, the more it is, what this one has appended.

        One unusual entry at the start must not make a journal look full.
        """
        known = self._weight + self._entries
        return (self._usual * self._weight + self._bytes) / known if known else self._usual

    def close(self) -> None:
        self._link.close()
