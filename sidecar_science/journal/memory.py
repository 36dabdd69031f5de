"""The journal's memory twin: the same order, leases, fences and counts as in Redis, without a server.

Two sides of one `MemoryServer`: `MemoryLog` for the application, `MemoryJournal` for the workers of an
environment. Bytes go in and bytes come out, nothing is shared as an object, and time comes from the server's
clock alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.journal import layout
from sidecar_science.journal.memory_server import EntryId, Group, Marker, MemoryServer, entry_text, parse_entry
from sidecar_science.journal.memory_upkeep import MemoryUpkeep
from sidecar_science.journal.records import (
    MOST_CRASHES,
    SAMPLE_SLOTS,
    Admission,
    Claimed,
    DeadLetter,
    Entry,
    Lease,
    Producer,
    Settlement,
    Size,
    Start,
    Started,
    check_worker,
)

__all__ = ["MemoryJournal", "MemoryLog", "MemoryServer"]


class MemoryLog:
    """The A side."""

    def __init__(self, server: MemoryServer, *, partitions: int | None = None) -> None:
        self._server = server
        self._declared = len(server.partitions) if partitions is None else partitions

    def ensure(self) -> None:
        with self._server.request():
            self._server.check_partitions(self._declared)

    def append(self, entries: Sequence[Entry]) -> None:
        with self._server.request(appending=True):
            ms = int(self._server.clock.wall() * 1000)
            for entry in entries:
                self._server.partitions[entry.partition].append(bytes(entry.data), ms)
            self._server.wake()

    def size(self) -> Size:
        with self._server.request():
            held = [data for part in self._server.partitions for data in part.entries.values()]
            return Size(entries=len(held), bytes=sum(map(len, held)))

    def settings(self) -> Mapping[str, str]:
        with self._server.request():
            return dict(self._server.settings)

    def dictionary(self, number: int) -> bytes | None:
        with self._server.request():
            return self._server.dictionaries.get(number)

    def report(self, producer: str, accounts: Mapping[str, Any], *, ended: bool = False) -> None:
        with self._server.request():
            self._server.producers[producer] = Producer(
                id=producer, at=self._server.clock.wall(), host="memory", pid=0, ended=ended,
                called=accounts.get("called", 0), sampled_out=accounts.get("sampled_out", 0),
                recorded=accounts.get("recorded", 0), dropped=dict(accounts.get("dropped", {})),
            )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""


class MemoryJournal(MemoryUpkeep):
    """The B side, for one environment."""

    def __init__(self, server: MemoryServer, environment: str, *, partitions: int | None = None) -> None:
        super().__init__(server, environment, partitions=partitions)
        self._cursors: dict[int, tuple[str, EntryId]] = {}

    def beat(self, worker: str, *, partitions: int, ttl: float) -> int:
        with self._server.request():
            now = self._server.clock.wall()
            self._server.workers.setdefault(self._environment, {})[worker] = now + ttl
            known = self._server.environments.get(self._environment)
            if known is not None:
                self._server.environments[self._environment] = attrs.evolve(known, seen=now)
            return self._server.live(self._environment)

    def leave(self, worker: str) -> None:
        with self._server.request():
            self._server.workers.get(self._environment, {}).pop(worker, None)

    def crew(self) -> int:
        with self._server.request():
            return self._server.crew(self._environment)

    def acquire(self, partition: int, worker: str, ttl: float, *, quarantine: bool = False) -> Lease | None:
        check_worker(worker)
        with self._server.request():
            group, now = self._group(partition), self._server.clock.monotonic()
            holder = group.holder(now)
            free = holder == (layout.QUARANTINE if quarantine else None)
            if not free and holder != worker:
                return None
            group.fence += 1
            group.worker, group.ends = worker, now + ttl
            group.lease = Lease(partition=partition, token=f"{worker}:{group.fence}", fence=group.fence)
            return group.lease

    def renew(self, leases: Iterable[Lease], ttl: float) -> set[int]:
        with self._server.request():
            lost = set()
            for lease in leases:
                if self._server.holds(self._environment, lease):
                    self._group(lease.partition).ends = self._server.clock.monotonic() + ttl
                else:
                    lost.add(lease.partition)
            return lost

    def release(self, lease: Lease) -> None:
        with self._server.request():
            if self._server.holds(self._environment, lease):
                self._group(lease.partition).lease = None

    def crashed(self, worker: str, in_hand: Mapping[int, Sequence[str]], *, alone: bool = False) -> set[int]:
        with self._server.request():
            now = self._server.clock.monotonic()
            groups = [(partition, self._group(partition)) for partition in range(self.partitions)]
            for partition, group in groups:
                if group.holder(now) == worker:
                    _crash(group, partition, in_hand.get(partition, ()), alone, now)
            return {partition for partition, group in groups if group.holder(now) == layout.QUARANTINE}

    def recover(self, lease: Lease) -> list[Claimed]:
        with self._server.request():
            _, group = self._server.fenced(self._environment, lease)
            self._cursors[lease.partition] = (lease.token, (0, 0))
            return self._take(lease, group, sorted(group.pending))

    def claim(self, leases: Sequence[Lease], count: int, block: float = 0.0) -> list[Claimed]:
        with self._server.arrivals() as arrived:
            claimed = self._claim_once(leases, count)
            if not claimed and block > 0:
                self._server.clock.wait(arrived, block)
                claimed = self._claim_once(leases, count)
            return claimed

    def admit(self, lease: Lease, admissions: Sequence[Admission]) -> set[str]:
        with self._server.request():
            partition, group = self._server.fenced(self._environment, lease)
            duplicates = set()
            for admission in admissions:
                entry = parse_entry(admission.entry)
                marker = group.inflight.get(entry, Marker(state="claimed"))
                if marker.state != "claimed":
                    continue
                if self._is_new(group, admission):
                    group.inflight[entry] = Marker(crashes=marker.crashes)
                    for digest in admission.gaps:
                        group.mark(digest, layout.GAP)
                    continue
                duplicates.add(admission.entry)
                if partition.settle(group, entry):
                    group.add(layout.DUPLICATES)
            return duplicates

    def start(
        self, lease: Lease, entry: str, *, limit: int, after: int = 0, key: str | None = None, completed_at: float = 0.0
    ) -> Started:
        with self._server.request():
            return self._start(lease, Start(entry=entry, limit=limit, after=after, key=key, completed_at=completed_at))

    def start_all(self, lease: Lease, starts: Sequence[Start]) -> list[Started]:
        with self._server.request():
            return [self._start(lease, one) for one in starts]

    def _start(self, lease: Lease, start: Start) -> Started:
        _, group = self._server.fenced(self._environment, lease)
        marker = group.inflight.get(parse_entry(start.entry))
        if marker is None or marker.state == "claimed":
            return Started(go=False, attempt=0)
        if marker.token == lease.token and marker.attempt > start.after:
            return Started(go=True, attempt=marker.attempt, number=marker.number)
        if marker.attempt >= start.limit:
            return Started(go=False, attempt=marker.attempt)
        marker.token, marker.attempt, marker.number = lease.token, marker.attempt + 1, marker.number + 1
        marker.state = "started"
        if start.key:
            group.dispatch(start.key, start.completed_at, self._server.clock.wall())
        return Started(go=True, attempt=marker.attempt, number=marker.number)

    def withdraw(self, lease: Lease, entry: str, number: int) -> None:
        with self._server.request():
            _, group = self._server.fenced(self._environment, lease)
            marker = group.inflight.get(parse_entry(entry))
            if marker is not None and marker.token == lease.token and marker.number == number:
                marker.token, marker.attempt, marker.state = None, marker.attempt - 1, "admitted"

    def dispatched(self, lease: Lease) -> Mapping[str, float]:
        with self._server.request():
            _, group = self._server.fenced(self._environment, lease)
            return group.dispatched_at(self._server.clock.wall())

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> list[bool]:
        with self._server.request():
            partition, group = self._server.fenced(self._environment, lease)
            return [
                partition.settle(group, parse_entry(settlement.entry)) and _tally(group, settlement)
                for settlement in settlements
            ]

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
        return self._bury(lease, entry, reason, data, job, layout.DEAD, taint or {})

    def foreign(self, lease: Lease, entry: str, reason: str, data: bytes) -> bool:
        return self._bury(lease, entry, reason, data, None, layout.FOREIGN, {})

    def tainted(self, lease: Lease, keys: Iterable[str] | None = None) -> Mapping[str, str]:
        with self._server.request():
            _, group = self._server.fenced(self._environment, lease)
            asked = group.taint if keys is None else {layout.ANY_KEY, *keys}
            return {digest: why for digest, why in group.taint.items() if digest in asked}

    def _claim_once(self, leases: Sequence[Lease], count: int) -> list[Claimed]:
        with self._server.request():
            claimed = []
            for lease in leases:
                if self._server.holds(self._environment, lease):
                    claimed += self._next(lease, count)
            return claimed

    def _next(self, lease: Lease, count: int) -> list[Claimed]:
        partition, group = self._server.fenced(self._environment, lease)
        while True:
            token, cursor = self._cursors.get(lease.partition, ("", (0, 0)))
            left = sorted(entry for entry in group.pending if token != lease.token or entry > cursor)
            if not left:
                left = partition.after(group.delivered)[:count]
                group.pending |= dict.fromkeys(left)
                group.delivered = max([group.delivered, *left])
            if not left:
                # At the end of the stream, what is neither handled nor in hand has gone unread.
                group.expire(partition.waiting(group) - len(group.pending))
            claimed = self._take(lease, group, left[:count])
            # Where all that was read had expired there may be more.
            if claimed or not left:
                return claimed

    def _is_new(self, group: Group, admission: Admission) -> bool:
        """Whether the sequence is above its producer's highest; it is the highest then."""
        known = group.seen.get(admission.producer)
        highest = known[0] if known else -1
        if admission.sequence <= highest:
            return False
        complete = known or not group.counted(layout.BEFORE_START)
        if complete and admission.sequence > max(highest, 0) + 1:
            group.mark(layout.ANY_KEY, "lost")
        group.add(layout.SEQUENCES, admission.sequence - max(highest, 0))
        group.seen[admission.producer] = (admission.sequence, self._server.clock.wall())
        return True

    def _take(self, lease: Lease, group: Group, entries: list[EntryId]) -> list[Claimed]:
        """Hand ``entries`` out; those whose bytes are gone expire."""
        partition = self._server.partitions[lease.partition]
        claimed = []
        for entry in entries:
            self._cursors[lease.partition] = (lease.token, entry)
            if partition.only_for.get(entry, self._environment) != self._environment:
                partition.settle(group, entry)
                group.add(layout.BASE, -1)
            elif entry in partition.entries:
                marker = group.inflight.get(entry, Marker(state="claimed"))
                claimed.append(
                    Claimed(
                        partition=lease.partition, entry=entry_text(entry), data=partition.entries[entry],
                        age=self._age(entry), attempts=marker.attempt, crashes=marker.crashes, state=marker.state,
                    )
                )  # fmt: skip
            elif partition.settle(group, entry):
                group.expire(1)
        return claimed

    def _bury(
        self, lease: Lease, entry: str, reason: str, data: bytes, job: str | None, field: str, taint: Mapping[str, str]
    ) -> bool:
        with self._server.request():
            partition, group = self._server.fenced(self._environment, lease)
            if not partition.settle(group, parse_entry(entry)):
                return False
            group.add(field)
            group.buried += 1
            letter = DeadLetter(
                partition=lease.partition, id=f"{group.buried}-0", entry=entry, reason=reason, job=job,
                at=self._server.clock.wall(), size=len(data), data=bytes(data[: layout.DEAD_BYTES]),
            )  # fmt: skip
            group.dead.append((field, letter))
            del group.dead[: -layout.DEAD_LETTERS]
            for digest, why in taint.items():
                group.mark(digest, why)
            return True


def _crash(group: Group, partition: int, entries: Sequence[str], alone: bool, now: float) -> None:
    """End the lease of a worker that died with ``entries`` in hand; with a suspect, the quarantine takes it.

    What was marked under the lease and is not settled is tried alone as well: it has one attempt left. What was a
    suspect already, and has not had its turn, stays one.
    """
    in_hand, token = {parse_entry(entry) for entry in entries}, group.lease.token if group.lease is not None else None
    left = {entry: one for entry, one in group.inflight.items() if entry not in in_hand}
    marked = [entry for entry, one in left.items() if one.state == "started" and one.token == token]
    suspects = [one.state == "crashed" and one.crashes < MOST_CRASHES for one in left.values()]
    suspects += [group.suspect(entry, alone=False) for entry in marked]
    suspects += [group.suspect(entry, alone) for entry in in_hand]
    group.fence += 1
    group.lease = None
    if any(suspects):
        token = f"{layout.QUARANTINE}:{group.fence}"
        group.worker, group.ends = layout.QUARANTINE, now + layout.QUARANTINE_SECONDS
        group.lease = Lease(partition=partition, token=token, fence=group.fence)


def _tally(group: Group, settlement: Settlement) -> bool:
    group.add(layout.SETTLED)
    for field, n in settlement.add.items():
        group.add(field, n)
    for field, text in settlement.first.items():
        group.tally.setdefault(field, text.encode("utf-8", "backslashreplace"))
    for field, text in settlement.last.items():
        group.tally[field] = text.encode("utf-8", "backslashreplace")
    for prefix, blob in settlement.samples.items():
        free = (slot for n in range(SAMPLE_SLOTS) if (slot := f"{prefix}|{n}") not in group.tally)
        group.tally |= {slot: bytes(blob) for slot in [next(free, "")] if slot}
    for digest in settlement.heal:
        group.taint.pop(digest, None)
    for digest, why in settlement.taint.items():
        group.mark(digest, why)
    return True
