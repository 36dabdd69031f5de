"""The B side of the journal in Redis: leases, claims and settlements, each step of them one script."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import JournalError
from sidecar_science.journal import layout
from sidecar_science.journal.records import (
    MOST_CRASHES,
    Admission,
    Claimed,
    Lease,
    Settlement,
    Start,
    Started,
    check_worker,
)
from sidecar_science.journal.redis_joining import START
from sidecar_science.journal.redis_replies import instant, living, seconds
from sidecar_science.journal.redis_upkeep import RedisUpkeep

if TYPE_CHECKING:
    from sidecar_science.journal.redis_link import Link

_RECOVERED_AT_ONCE: Final = 100


class RedisJournal(RedisUpkeep):
    """The B side, for one environment.

    Blocking claims end after ``longest_block`` seconds at most. One thread at a time claims for a lease.
    """

    def __init__(
        self,
        link: Link,
        namespace: str,
        environment: str,
        *,
        partitions: int,
        longest_block: float = 1.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(link, namespace, environment, partitions=partitions, clock=clock)
        self._longest_block = longest_block
        self._cursors: dict[int, tuple[str, str]] = {}
        self._idle: dict[int, tuple[str, str]] = {}

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

    def crew(self) -> int:
        return int(self._link.command("HLEN", self._keys.workers(self._environment)))

    def acquire(self, partition: int, worker: str, ttl: float, *, quarantine: bool = False) -> Lease | None:
        check_worker(worker)
        keys = (self._key(partition, "lease"), self._key(partition, "fence"))
        fence = self._link.run("acquire", keys, worker, _milliseconds(ttl), int(quarantine))
        return None if fence is None else Lease(partition=partition, token=f"{worker}:{fence}", fence=fence)

    def renew(self, leases: Iterable[Lease], ttl: float) -> set[int]:
        leases = list(leases)
        calls = [(self._of(lease.partition, "lease"), (lease.token, _milliseconds(ttl))) for lease in leases]
        replies = self._link.run_all("renew", calls)
        return {
            lease.partition for lease, reply in zip(leases, replies, strict=True) if isinstance(reply, JournalError)
        }

    def release(self, lease: Lease) -> None:
        self._link.run("release", self._of(lease.partition, "lease"), lease.token)

    def crashed(self, worker: str, in_hand: Mapping[int, Sequence[str]], *, alone: bool = False) -> set[int]:
        lasting = _milliseconds(layout.QUARANTINE_SECONDS)
        words = (worker, self._environment, lasting, MOST_CRASHES, int(alone))
        calls = [
            (self._of(partition, "lease", "fence", "jobs", "inflight"), (*words, *in_hand.get(partition, ())))
            for partition in range(self._partitions)
        ]
        replies = self._link.run_all("crashed", calls)
        return {partition for partition, quarantined in enumerate(replies) if quarantined}

    def recover(self, lease: Lease) -> list[Claimed]:
        left: list[Claimed] = []
        cursor = START
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
        keys = self._of(lease.partition, "lease", "jobs", "inflight", "seen", "tally", "taint")
        words = [word for a in admissions for word in (a.entry, a.producer, a.sequence, len(a.gaps), *a.gaps)]
        duplicates = self._link.run("admit", keys, *self._as_owner(lease), *words)
        return {entry.decode() for entry in duplicates}

    def start(
        self, lease: Lease, entry: str, *, limit: int, after: int = 0, key: str | None = None, completed_at: float = 0.0
    ) -> Started:
        start = Start(entry=entry, limit=limit, after=after, key=key, completed_at=completed_at)
        return self.start_all(lease, [start])[0]

    def start_all(self, lease: Lease, starts: Sequence[Start]) -> list[Started]:
        keys = self._of(lease.partition, "lease", "inflight", "dispatched")
        calls = [(keys, (lease.token, *_start(one))) for one in starts]
        replies = self._link.run_all("start", calls)
        if replies and isinstance(replies[0], JournalError):
            raise replies[0]
        return [_started(reply) for reply in replies]

    def withdraw(self, lease: Lease, entry: str, number: int) -> None:
        self._link.run("withdraw", self._of(lease.partition, "lease", "inflight"), lease.token, entry, number)

    def dispatched(self, lease: Lease) -> Mapping[str, float]:
        flat = self._link.run("dispatched", self._of(lease.partition, "lease", "dispatched"), lease.token)
        return {digest.decode(): float(at) for digest, at in zip(flat[::2], flat[1::2], strict=True)}

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> list[bool]:
        keys = self._of(lease.partition, "lease", "jobs", "inflight", "tally", "taint")
        words = [word for settlement in settlements for word in _words(settlement)]
        settled = self._link.run("settle", keys, *self._as_owner(lease), *words)
        return [bool(now) for now in settled]

    def bury(
        self,
        lease: Lease,
        entry: str,
        reason: str,
        data: bytes,
        job: str | None = None,
        *,
        taint: Mapping[str, str] | None = None,
    ) -> bool:
        return self._bury(lease, entry, layout.DEAD, reason, job or "", data, taint or {})

    def foreign(self, lease: Lease, entry: str, reason: str, data: bytes) -> bool:
        return self._bury(lease, entry, layout.FOREIGN, reason, "", data, {})

    def tainted(self, lease: Lease, keys: Iterable[str] | None = None) -> Mapping[str, str]:
        asked = () if keys is None else (layout.ANY_KEY, *keys)
        flat = self._link.run("tainted", self._of(lease.partition, "lease", "taint"), lease.token, *asked)
        found = {
            digest.decode(): why.decode().rpartition("|")[0] for digest, why in zip(flat[::2], flat[1::2], strict=True)
        }
        found.pop("@epoch", None)
        return found

    def _asleep(self, lease: Lease) -> bool:
        return self._idle.get(lease.partition, ("", ""))[0] == lease.token

    def _arrived(self, leases: Sequence[Lease], wait: float) -> list[Lease]:
        """Those of ``leases`` that have something new. Looking takes nothing, so it needs no fence."""
        if not leases:
            return []
        keys = {self._keys.jobs(lease.partition): lease for lease in leases}
        positions = {key: self._idle[lease.partition][1] for key, lease in keys.items()}
        return [keys[name] for name in self._link.arrived(positions, _milliseconds(wait) if wait > 0 else 0)]

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
        token, cursor = self._cursors.get(lease.partition, ("", START))
        return cursor if token == lease.token else START

    def _reading(self, lease: Lease, count: int, cursor: str, *, new: bool = True) -> tuple[list[str], list[Any]]:
        self._idle.pop(lease.partition, None)
        consumer = layout.partition_text(lease.partition)
        keys = self._of(lease.partition, "lease", "jobs", "inflight", "tally", "taint")
        return keys, [*self._as_owner(lease), consumer, count, cursor, int(new)]

    def _taken(self, lease: Lease, reply: Sequence[Any]) -> list[Claimed]:
        now, cursor, idle, entries = reply
        self._cursors[lease.partition] = (lease.token, cursor.decode())
        if idle:
            self._idle[lease.partition] = (lease.token, idle.decode())
        return [
            Claimed(
                partition=lease.partition, entry=entry.decode(), data=data,
                age=max(0.0, now / 1000 - instant(entry)), state=state or "claimed", attempts=attempts,
                crashes=crashes,
            )
            for entry, data, marker in entries
            for state, attempts, crashes in [_marked(marker)]
        ]  # fmt: skip

    def _bury(
        self, lease: Lease, entry: str, counter: str, reason: str, job: str, data: bytes, taint: Mapping[str, str]
    ) -> bool:
        keys = self._of(lease.partition, "lease", "jobs", "inflight", "tally", "dead", "taint")
        kept = bytes(data[: layout.DEAD_BYTES])
        words = (entry, counter, reason, job, len(data), kept, layout.DEAD_LETTERS, *chain(*taint.items()))
        return bool(self._link.run("bury", keys, *self._as_owner(lease), *words))

    def _as_owner(self, lease: Lease) -> tuple[Any, ...]:
        """What the scripts want to know first: by what right, for whom, whether bytes stay, how many taints."""
        return lease.token, self._environment, int(self._retention > 0), layout.TAINTED_KEYS


def _marked(marker: bytes) -> tuple[Any, int, int]:
    """State, attempts and crashes; markers of older releases have no crashes."""
    state, _, attempts, crashes = (*marker.decode().split("|"), "", "", "")[:4]
    return state, int(attempts or 0), int(crashes or 0)


def _words(settlement: Settlement) -> Iterator[Any]:
    yield settlement.entry
    heal = dict.fromkeys(settlement.heal, "")
    for fields in (settlement.add, settlement.first, settlement.last, settlement.samples, heal, settlement.taint):
        yield len(fields)
        for field, value in fields.items():
            yield from (field, value)


def _start(one: Start) -> tuple[Any, ...]:
    kept = (layout.DISPATCHED_KEYS, _milliseconds(layout.DISPATCHED_SECONDS))
    return one.entry, one.limit, one.after, one.key or "", repr(float(one.completed_at)), *kept


def _started(reply: Any) -> Started:
    go, attempt, number = (0, 0, 0) if isinstance(reply, JournalError) else reply
    return Started(go=bool(go), attempt=attempt, number=number)


def _milliseconds(seconds: float) -> int:
    # Nothing: to Redis, 0 is an error as a lifetime and for ever as a wait.
    return max(1, int(seconds * 1000))
