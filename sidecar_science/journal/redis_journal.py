"""The B side of the journal in Redis: leases, claims and settlements, each step of them one script."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sidecar_science.errors import JournalError
from sidecar_science.journal import layout
from sidecar_science.journal.records import (
    EARLIEST,
    LATEST,
    Admission,
    Claimed,
    Joined,
    Lease,
    Position,
    Settlement,
    Started,
    check_worker,
)
from sidecar_science.journal.redis_ledger import RedisLedger
from sidecar_science.journal.redis_replies import ensure, instant, living, seconds

if TYPE_CHECKING:
    from sidecar_science.journal.redis import Link

_START: Final = "0-0"
_COUNTED_AT_ONCE: Final = 200
_RECOVERED_AT_ONCE: Final = 100


class RedisJournal(RedisLedger):
    """The B side, for one environment.

    Blocking claims end after ``longest_block`` seconds at most. One thread at a time claims for a lease.
    """

    def __init__(
        self, link: Link, namespace: str, environment: str, *, partitions: int, longest_block: float = 1.0
    ) -> None:
        super().__init__(link, namespace, environment, partitions=partitions)
        self._longest_block = longest_block
        self._cursors: dict[int, tuple[str, str]] = {}
        self._idle: dict[int, tuple[str, str]] = {}

    def join(
        self, start: Position = EARLIEST, *, epoch: str | None = None, routes: Mapping[str, str] | None = None
    ) -> Joined:
        now = seconds(self._link.command("TIME"))
        layout.check_start(start, now)
        ensure(self._link, self._keys, self._partitions, now)
        known = self._known()
        # A group that a known environment has lost lost its position too: what is there now is all new to it.
        self._make_groups(start if known is None else EARLIEST)
        new = known is None and self._enter(now, start)
        joined = self._known() or {}
        joined["epoch"] = joined["epoch"] if epoch is None else epoch
        joined["routes"] = joined["routes"] if routes is None else dict(routes)
        self._link.run("keep", [self._keys.environments], self._environment, json.dumps(joined))
        self._link.run("keep", [self._keys.heartbeats], self._environment, now)
        return Joined(new=new, created=joined["created"], start=joined["start"], epoch=joined["epoch"])

    def beat(self, worker: str, *, partitions: int, ttl: float) -> int:
        now = self._link.command("TIME")
        told = {
            "at": seconds(now), "ttl": ttl, "partitions": partitions,
            "host": socket.gethostname(), "pid": os.getpid(),
        }  # fmt: skip
        crew = self._keys.workers(self._environment)
        self._link.run("keep", [self._keys.heartbeats], self._environment, told["at"])
        self._link.run("keep", [crew], worker, json.dumps(told))
        workers = self._link.command("HGETALL", crew)
        crowd = living(workers, now)
        silent = workers.keys() - crowd
        if silent:
            self._link.command("HDEL", crew, *silent)
        return len(crowd)

    def leave(self, worker: str) -> None:
        self._link.command("HDEL", self._keys.workers(self._environment), worker)

    def acquire(self, partition: int, worker: str, ttl: float) -> Lease | None:
        check_worker(worker)
        keys = (self._key(partition, "lease"), self._key(partition, "fence"))
        fence = self._link.run("acquire", keys, worker, _milliseconds(ttl))
        return None if fence is None else Lease(partition=partition, token=f"{worker}:{fence}", fence=fence)

    def renew(self, leases: Iterable[Lease], ttl: float) -> set[int]:
        leases = list(leases)
        calls = [(self._keys_of(lease, "lease"), (lease.token, _milliseconds(ttl))) for lease in leases]
        replies = self._link.run_all("renew", calls)
        return {
            lease.partition for lease, reply in zip(leases, replies, strict=True) if isinstance(reply, JournalError)
        }

    def release(self, lease: Lease) -> None:
        self._link.run("release", self._keys_of(lease, "lease"), lease.token)

    def recover(self, lease: Lease) -> list[Claimed]:
        left: list[Claimed] = []
        cursor = _START
        while True:
            keys, words = self._reading(lease, _RECOVERED_AT_ONCE, cursor, new=False)
            reply = self._link.run("claim", keys, *words)
            left += self._taken(lease, reply)
            before, cursor = cursor, reply[1].decode()
            if cursor == before:
                return left

    def claim(self, leases: Sequence[Lease], count: int, block: float = 0.0) -> list[Claimed]:
        claimed = self._claim([lease for lease in leases if not self._asleep(lease)], count)
        wait = 0.0 if claimed else min(block, self._longest_block)
        arrived = self._arrived([lease for lease in leases if self._asleep(lease)], wait)
        return claimed + self._claim(arrived, count)

    def admit(self, lease: Lease, admissions: Sequence[Admission]) -> set[str]:
        keys = self._keys_of(lease, "lease", "jobs", "inflight", "seen", "tally")
        words = [word for a in admissions for word in (a.entry, a.producer, a.sequence)]
        duplicates = self._link.run("admit", keys, lease.token, self._environment, *words)
        return {entry.decode() for entry in duplicates}

    def start(self, lease: Lease, entry: str, *, limit: int, after: int = 0) -> Started:
        keys = self._keys_of(lease, "lease", "inflight")
        go, attempt = self._link.run("start", keys, lease.token, entry, limit, after)
        return Started(go=bool(go), attempt=attempt)

    def withdraw(self, lease: Lease, entry: str) -> None:
        self._link.run("withdraw", self._keys_of(lease, "lease", "inflight"), lease.token, entry)

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> list[bool]:
        keys = self._keys_of(lease, "lease", "jobs", "inflight", "tally")
        words = [word for settlement in settlements for word in _words(settlement)]
        settled = self._link.run("settle", keys, lease.token, self._environment, *words)
        return [bool(now) for now in settled]

    def bury(self, lease: Lease, entry: str, reason: str, data: bytes, job: str | None = None) -> bool:
        return self._bury(lease, entry, layout.DEAD, reason, job or "", data)

    def foreign(self, lease: Lease, entry: str, reason: str, data: bytes) -> bool:
        return self._bury(lease, entry, layout.FOREIGN, reason, "", data)

    def trim(self) -> int:
        forgotten = [((key,), (_milliseconds(layout.REMEMBER_SECONDS),)) for key in self._each("seen")]
        self._link.run_all("forget", forgotten)
        streams = [((self._keys.jobs(partition),), ()) for partition in range(self._partitions)]
        return sum(self._link.run_all("trim", streams))

    def _known(self) -> dict[str, Any] | None:
        told = self._link.command("HGET", self._keys.environments, self._environment)
        return json.loads(told) if told else None

    def _enter(self, now: float, start: Position) -> bool:
        """Write this environment down, unless another worker has just done it."""
        told = json.dumps({"created": now, "start": start, "epoch": None, "routes": {}})
        return bool(self._link.run("keep_first", [self._keys.environments], self._environment, told))

    def _make_groups(self, start: Position) -> None:
        position = _position(start)
        calls = [
            ((self._keys.jobs(partition), tally), (self._environment, position))
            for partition, tally in enumerate(self._each("tally"))
        ]
        for partition, (before, joining) in enumerate(self._link.run_all("join", calls)):
            if before is None and joining is not None:
                self._count_before(partition, *joining.decode().split("|"))

    def _count_before(self, partition: int, added: str, start: str, last: str) -> None:
        """Count what lies before an instant: all that were ever added, less those from there to the last of
        then."""
        before, position = int(added), start
        while True:
            keys = (self._keys.jobs(partition),)
            found, reached = self._link.run("count", keys, f"({position}", last, _COUNTED_AT_ONCE)
            before, position = before - found, reached.decode()
            if found < _COUNTED_AT_ONCE:
                break
        # Another worker may have counted later, and found less of what was settled meanwhile: the first one stands.
        self._link.run("keep_first", [self._key(partition, "tally")], layout.BEFORE_START, before)

    def _asleep(self, lease: Lease) -> bool:
        return self._idle.get(lease.partition, ("", ""))[0] == lease.token

    def _arrived(self, leases: Sequence[Lease], wait: float) -> list[Lease]:
        """Those of ``leases`` that have something new. Looking takes nothing, so it needs no fence."""
        if not leases:
            return []
        keys = {self._keys.jobs(lease.partition): lease for lease in leases}
        positions = [self._idle[lease.partition][1] for lease in leases]
        block = ["BLOCK", _milliseconds(wait)] if wait > 0 else []
        streams = self._link.command("XREAD", "COUNT", 1, *block, "STREAMS", *keys, *positions)
        return [keys[name.decode()] for name, _ in streams]

    def _claim(self, leases: Sequence[Lease], count: int) -> list[Claimed]:
        claimed: list[Claimed] = []
        while leases:
            replies = self._link.run_all(
                "claim", [self._reading(lease, count, self._cursor(lease)) for lease in leases]
            )
            held = [(lease, reply) for lease, reply in zip(leases, replies, strict=True) if type(reply) is list]
            for lease, reply in held:
                claimed += self._taken(lease, reply)
            # Where all that was read had expired there may be more.
            leases = [lease for lease, (_, _, idle, entries) in held if not entries and not idle]
        return claimed

    def _cursor(self, lease: Lease) -> str:
        """The last entry that a reply has brought under this lease; what was claimed in a lost one is above it."""
        token, cursor = self._cursors.get(lease.partition, ("", _START))
        return cursor if token == lease.token else _START

    def _reading(self, lease: Lease, count: int, cursor: str, *, new: bool = True) -> tuple[list[str], list[Any]]:
        self._idle.pop(lease.partition, None)
        consumer = layout.partition_text(lease.partition)
        keys = self._keys_of(lease, "lease", "jobs", "inflight", "tally")
        return keys, [lease.token, self._environment, consumer, count, cursor, int(new)]

    def _taken(self, lease: Lease, reply: Sequence[Any]) -> list[Claimed]:
        now, cursor, idle, entries = reply
        self._cursors[lease.partition] = (lease.token, cursor.decode())
        if idle:
            self._idle[lease.partition] = (lease.token, idle.decode())
        return [
            Claimed(
                partition=lease.partition, entry=entry.decode(), data=data,
                age=max(0.0, now / 1000 - instant(entry)), attempts=int(marker.rpartition(b"|")[2] or 0),
            )
            for entry, data, marker in entries
        ]  # fmt: skip

    def _bury(self, lease: Lease, entry: str, counter: str, reason: str, job: str, data: bytes) -> bool:
        keys = self._keys_of(lease, "lease", "jobs", "inflight", "tally", "dead")
        kept = bytes(data[: layout.DEAD_BYTES])
        words = (lease.token, self._environment, entry, counter, reason, job, len(data), kept, layout.DEAD_LETTERS)
        return bool(self._link.run("bury", keys, *words))

    def _keys_of(self, lease: Lease, *what: str) -> list[str]:
        jobs = self._keys.jobs(lease.partition)
        return [jobs if each == "jobs" else self._key(lease.partition, each) for each in what]


def _words(settlement: Settlement) -> Iterator[Any]:
    yield settlement.entry
    for fields in (settlement.add, settlement.first, settlement.last, settlement.samples):
        yield len(fields)
        for field, value in fields.items():
            yield from (field, value)


def _position(start: Position) -> str:
    if start == EARLIEST:
        return _START
    if start == LATEST:
        return "$"
    milliseconds = int(float(start) * 1000)
    return f"{milliseconds - 1}-{2**64 - 1}" if milliseconds > 0 else _START


def _milliseconds(seconds: float) -> int:
    # Nothing: to Redis, 0 is an error as a lifetime and for ever as a wait.
    return max(1, int(seconds * 1000))
