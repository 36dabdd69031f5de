"""What Redis would hold for one namespace, in memory: streams, groups, leases and tallies."""

from __future__ import annotations

import bisect
import contextlib
import math
import threading
from collections.abc import Iterator

import attrs

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import JournalError, JournalFull, JournalMisconfigured, LeaseLost, NeverJoined
from sidecar_science.journal import accounting, layout
from sidecar_science.journal.layout import BEFORE_START, lost, never_joined, other_partitions
from sidecar_science.journal.records import (
    EARLIEST,
    LATEST,
    MOST_CRASHES,
    DeadLetter,
    Environment,
    Lease,
    Position,
    Producer,
    State,
    check_name,
)

EntryId = tuple[int, int]


def parse_entry(entry: str) -> EntryId:
    ms, _, sequence = entry.partition("-")
    return int(ms), int(sequence)


def entry_text(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"


@attrs.define
class Marker:
    """How far the replay of an admitted entry has come."""

    token: str | None = None
    attempt: int = 0
    number: int = 0
    state: State = "admitted"
    crashes: int = 0


@attrs.define
class Group:
    """One environment's place in one partition."""

    delivered: EntryId
    pending: dict[EntryId, None] = attrs.Factory(dict)
    inflight: dict[EntryId, Marker] = attrs.Factory(dict)
    seen: dict[str, tuple[int, float]] = attrs.Factory(dict)
    tally: dict[str, bytes] = attrs.Factory(dict)
    dead: list[tuple[str, DeadLetter]] = attrs.Factory(list)
    buried: int = 0
    taint: dict[str, str] = attrs.Factory(dict)
    dispatched: dict[str, float] = attrs.Factory(dict)
    dispatched_until: float = math.inf
    epoch: str | None = None
    left: EntryId | None = None
    fence: int = 0
    lease: Lease | None = None
    worker: str = ""
    ends: float = 0.0

    def add(self, field: str, n: int = 1) -> None:
        self.tally[field] = b"%d" % (self.counted(field) + n)

    def counted(self, field: str) -> int:
        return int(self.tally.get(field, b"0"))

    def mark(self, digest: str, why: str) -> None:
        """Note that the state of a key on B is not known any more."""
        if digest not in self.taint and len(self.taint) >= layout.TAINTED_KEYS:
            digest = layout.ANY_KEY
        self.taint.setdefault(digest, why)

    def dispatch(self, digest: str, completed_at: float, now: float) -> None:
        """Note that a job of a key was dispatched; ``now`` is the wall clock's."""
        known = self.dispatched_at(now)
        known[digest] = max(completed_at, known.get(digest, -math.inf))
        latest = sorted(known.items(), key=lambda each: (each[1], each[0]))[-layout.DISPATCHED_KEYS :]
        self.dispatched, self.dispatched_until = dict(latest), now + layout.DISPATCHED_SECONDS

    def dispatched_at(self, now: float) -> dict[str, float]:
        """What is known at ``now`` of the keys of which jobs were dispatched."""
        return dict(self.dispatched) if now < self.dispatched_until else {}

    def holder(self, now: float) -> str | None:
        """Who holds the lease at that instant (monotonic)."""
        return self.worker if self.lease is not None and self.ends > now else None

    def suspect(self, entry: EntryId, alone: bool) -> bool:
        """Note that a process died with ``entry`` in hand; whether that makes it a suspect."""
        if entry not in self.pending:
            return False
        marker = self.inflight.setdefault(entry, Marker(state="claimed"))
        marker.crashes = marker.crashes + 1 if alone else max(marker.crashes, 1)
        if marker.state != "claimed":
            marker.state, marker.token = "crashed", None
        return marker.crashes < MOST_CRASHES

    def expire(self, n: int) -> None:
        """Count entries as gone, of which nobody knows the keys."""
        if n > 0:
            self.add(layout.EXPIRED, n)
            self.mark(layout.ANY_KEY, "expired")

    @property
    def numbers(self) -> dict[str, int]:
        return {field: self.counted(field) for field in layout.COUNTED}

    @property
    def lowest(self) -> EntryId:
        """The lowest entry that this environment may still need."""
        return min(self.pending, default=(self.delivered[0], self.delivered[1] + 1))


@attrs.define
class Partition:
    """One stream: its entries by id, oldest first, and how many there ever were."""

    entries: dict[EntryId, bytes] = attrs.Factory(dict)
    only_for: dict[EntryId, str] = attrs.Factory(dict)
    added: int = 0
    last: EntryId = (0, 0)
    groups: dict[str, Group] = attrs.Factory(dict)
    expired: dict[str, Group] = attrs.Factory(dict)
    keep: bool = False

    def append(self, data: bytes, ms: int) -> EntryId:
        self.last = (ms, 0) if ms > self.last[0] else (self.last[0], self.last[1] + 1)
        self.entries[self.last] = data
        self.added += 1
        return self.last

    def after(self, position: EntryId) -> list[EntryId]:
        """The entries above ``position``, oldest first."""
        ids = list(self.entries)
        return ids[bisect.bisect_right(ids, position) :]

    def join(self, environment: str, start: Position) -> None:
        """Give ``environment`` its place, and count what lies before it."""
        if start == EARLIEST:
            delivered = (0, 0)
        elif start == LATEST:
            delivered = self.last
        else:
            delivered = (int(float(start) * 1000) - 1, 2**64 - 1)
        group = self.groups[environment] = Group(delivered=delivered)
        group.add(BEFORE_START, self.added - len(self.after(delivered)))

    def give_up(self, environment: str) -> None:
        """Let an environment go, with what it has not handled; what it has is kept."""
        group = self.expired[environment] = self.groups.pop(environment)
        group.expire(self.waiting(group))
        group.left, group.lease = self.last, None
        group.fence += 1
        group.pending.clear()
        group.inflight.clear()

    def take_up(self, environment: str) -> None:
        """Let an environment that was given up go on behind what it was given up with."""
        group = self.groups[environment] = self.expired.pop(environment)
        group.delivered, group.left = group.left or self.last, None

    def waiting(self, group: Group) -> int:
        return accounting.waiting(self.added, group.numbers)

    def settle(self, group: Group, entry: EntryId) -> bool:
        """Take ``entry`` off ``group``'s list; its bytes go when nobody else reads this stream."""
        if entry not in group.pending:
            return False
        del group.pending[entry]
        group.inflight.pop(entry, None)
        if len(self.groups) == 1 and not self.keep:
            self.entries.pop(entry, None)
        return True

    def trim(self, kept: EntryId | None = None) -> int:
        low = min((group.lowest for group in self.groups.values()), default=(0, 0))
        low = low if kept is None else min(low, kept)
        gone = [entry for entry in self.entries if entry < low]
        for entry in gone:
            del self.entries[entry]
        return len(gone)


class MemoryServer:
    """Stands where Redis stands, for one namespace.

    While ``trouble`` is set, every request raises it; a `JournalFull` is raised to those that append only.
    """

    def __init__(self, namespace: str = "memory", *, partitions: int = 4, clock: Clock = SYSTEM_CLOCK) -> None:
        self.namespace = check_name("the namespace", namespace)
        self.partitions = [Partition() for _ in range(partitions)]
        self.clock = clock
        self.trouble: JournalError | None = None
        self.ids: dict[str, object] = {}
        self.settings: dict[str, str] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.dictionaries: dict[int, bytes] = {}
        self.producers: dict[str, Producer] = {}
        self.environments: dict[str, Environment] = {}
        self.workers: dict[str, dict[str, float]] = {}
        self._lock = threading.RLock()
        self._waiting: set[threading.Event] = set()

    @contextlib.contextmanager
    def request(self, *, appending: bool = False) -> Iterator[None]:
        """One request: alone, and only while there is no trouble."""
        with self._lock:
            if self.trouble is not None and (appending or not isinstance(self.trouble, JournalFull)):
                raise self.trouble
            yield

    def check_partitions(self, declared: int) -> None:
        if declared != len(self.partitions):
            raise JournalMisconfigured(other_partitions(self.namespace, len(self.partitions), declared))

    def group(self, partition: int, environment: str) -> Group:
        try:
            return self.partitions[partition].groups[environment]
        except KeyError:
            raise NeverJoined(never_joined(environment)) from None

    def holds(self, environment: str, lease: Lease) -> bool:
        group = self.group(lease.partition, environment)
        return group.lease == lease and group.ends > self.clock.monotonic()

    def fenced(self, environment: str, lease: Lease) -> tuple[Partition, Group]:
        """What ``lease`` gives a right to; raises `LeaseLost`."""
        if not self.holds(environment, lease):
            raise LeaseLost(lost(lease.partition))
        return self.partitions[lease.partition], self.group(lease.partition, environment)

    @property
    def retention(self) -> float:
        return layout.retention(self.settings)

    def crew(self, environment: str) -> int:
        """How many workers of ``environment`` have not been forgotten."""
        return len(self.workers.get(environment, {}))

    def live(self, environment: str) -> int:
        """How many workers of ``environment`` have not gone silent; those that have are forgotten."""
        now = self.clock.wall()
        workers = {id_: ends for id_, ends in self.workers.get(environment, {}).items() if ends > now}
        self.workers[environment] = workers
        return len(workers)

    def wake(self) -> None:
        for event in self._waiting:
            event.set()

    @contextlib.contextmanager
    def arrivals(self) -> Iterator[threading.Event]:
        """An event that is set when something is appended."""
        event = threading.Event()
        with self._lock:
            self._waiting.add(event)
        try:
            yield event
        finally:
            with self._lock:
                self._waiting.discard(event)
