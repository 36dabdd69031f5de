"""The twins side by side: whatever is done to both, both answer the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from sidecar_science.errors import LeaseLost
from sidecar_science.journal.protocol import Admission, Claimed, Entry, Journal, Lease, Settlement
from tests.twins import MemoryTwin, RedisTwin, Twin

pytestmark = pytest.mark.realserver

_PARTITIONS = 2
_STEPS = 80


@attrs.define
class _Side:
    """One twin, with the leases and entries that it has given out so far, in order."""

    twin: Twin
    journals: dict[str, Journal]
    leases: list[tuple[str, Lease]] = attrs.Factory(list)
    entries: dict[tuple[str, int], list[Claimed]] = attrs.Factory(dict)
    names: dict[tuple[int, str], int] = attrs.Factory(dict)

    def name(self, partition: int, entry: str) -> int:
        """The entry by its number, the same in both twins."""
        return self.names.setdefault((partition, entry), len(self.names))


def _side(twin: Twin) -> _Side:
    journals = {name: twin.journal(name) for name in ("one", "two")}
    journals["one"].join()
    return _Side(twin=twin, journals=journals)


def _step(chance: random.Random) -> Callable[[_Side], Any]:
    """One thing to do, chosen once and done to both sides."""
    kind = chance.choice(list(_KINDS))
    environment, partition = chance.choice(["one", "one", "two"]), chance.randrange(_PARTITIONS)
    numbers = [chance.randrange(1_000_000) for _ in range(6)]
    return lambda side: (kind.__name__, kind(side, environment, partition, numbers))


def _append(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    batch = [b"%d" % number for number in numbers[: 1 + numbers[0] % 4]]
    side.twin.log().append([Entry(partition=partition, data=data) for data in batch])


def _join(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    return side.journals[environment].join("latest" if numbers[0] % 2 else "earliest").new


def _acquire(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    if not _known(side, environment):
        return None
    lease = side.journals[environment].acquire(partition, f"w{numbers[0] % 2}", 600)
    if lease is not None:
        side.leases.append((environment, lease))
    return lease and (lease.token, lease.fence)


def _end(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    environment, lease = _lease(side, numbers)
    if lease is not None and side.journals[environment].renew([lease], 600) == set():
        side.twin.end_lease(lease, environment)


def _release(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    environment, lease = _lease(side, numbers)
    if lease is not None:
        side.journals[environment].release(lease)


def _claim(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    environment, lease = _lease(side, numbers)
    if lease is None:
        return None
    claimed = side.journals[environment].claim([lease], 1 + numbers[1] % 5)
    side.entries.setdefault((environment, lease.partition), []).extend(claimed)
    return [(side.name(lease.partition, each.entry), each.data, each.attempts) for each in claimed]


def _recover(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    environment, lease = _lease(side, numbers)
    if lease is None:
        return None
    return [side.name(lease.partition, each.entry) for each in side.journals[environment].recover(lease)]


def _admit(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    environment, lease = _lease(side, numbers)
    if lease is None:
        return None
    entries = side.entries.get((environment, lease.partition), [])[-3:]
    batch = [
        Admission(entry=each.entry, producer=f"p{numbers[2] % 2}", sequence=numbers[3] % 7 + n)
        for n, each in enumerate(entries)
    ]
    return sorted(side.name(lease.partition, entry) for entry in side.journals[environment].admit(lease, batch))


def _start(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    journal, lease, entry = _one(side, numbers)
    known = {"key": f"k{numbers[1] % 3}", "completed_at": float(numbers[2])}
    return entry and journal.start(lease, entry, limit=1 + numbers[2] % 3, after=numbers[3] % 3, **known)


def _withdraw(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    journal, lease, entry = _one(side, numbers)
    if entry:
        journal.withdraw(lease, entry, 1 + numbers[2] % 3)


def _dispatched(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    environment, lease = _lease(side, numbers)
    return lease and side.journals[environment].dispatched(lease)


def _settle(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    journal, lease, entry = _one(side, numbers)
    if not entry:
        return None
    text = str(numbers[2])
    return journal.settle(
        lease,
        [
            Settlement(
                entry=entry,
                add={"n": numbers[2]},
                first={"f": text},
                last={"l": text},
                samples={"s": text.encode()},
                taint={f"k{numbers[3] % 5}": text},
                heal=[f"k{numbers[4] % 5}"],
            )
        ],
    )


def _bury(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    journal, lease, entry = _one(side, numbers)
    if not entry:
        return None
    bury = journal.bury if numbers[2] % 2 else journal.foreign
    return bury(lease, entry, "why", b"what")


def _lose(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    waiting = sorted(
        (each for each in side.journals["one"].peek(1000) if each.partition == partition),
        key=lambda each: [int(part) for part in each.entry.split("-")],
    )
    delivered = {(each.partition, each.entry) for entries in side.entries.values() for each in entries}
    lost = [each.entry for each in waiting if (partition, each.entry) in delivered]
    if lost and numbers[0] % 3 == 0:
        side.twin.lose_bytes(partition, lost[numbers[1] % len(lost)])


def _tainted(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    environment, lease = _lease(side, numbers)
    return lease and side.journals[environment].tainted(lease)


def _retain(side: _Side, environment: str, partition: int, numbers: list[int]) -> None:
    side.journals["one"].configure("retention", "600" if numbers[0] % 2 else None)
    side.journals["two"].trim()


def _requeue(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    if not _known(side, environment):
        return None
    return side.journals[environment].drop() if numbers[0] % 3 == 0 else side.journals[environment].requeue()


def _reset(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    if not _known(side, environment) or numbers[0] % 3:
        return None
    return side.journals[environment].reset("latest" if numbers[1] % 2 else "earliest", f"e{numbers[2] % 2}").epoch


def _trim(side: _Side, environment: str, partition: int, numbers: list[int]) -> Any:
    return side.journals["one"].trim()


_KINDS = [_append] * 4 + [_claim] * 4 + [_admit, _start, _settle] * 3
_KINDS += [_join, _acquire, _acquire, _end, _release, _recover, _withdraw, _dispatched, _bury, _bury, _lose, _trim]
_KINDS += [_tainted, _tainted, _retain, _requeue, _reset]


def _known(side: _Side, environment: str) -> bool:
    return environment in {each.name for each in side.journals["one"].environments()}


def _lease(side: _Side, numbers: list[int]) -> tuple[str, Lease | None]:
    # Mostly one that was given out lately, and so is still held.
    recent = side.leases[-3:] if numbers[5] % 4 else side.leases
    return recent[numbers[0] % len(recent)] if recent else ("one", None)


def _one(side: _Side, numbers: list[int]) -> tuple[Journal, Any, str]:
    environment, lease = _lease(side, numbers)
    entries = side.entries.get((environment, lease.partition), []) if lease else []
    entry = entries[-6:][numbers[1] % len(entries[-6:])].entry if entries else ""
    return side.journals[environment], lease, entry


def _told(side: _Side, step: Callable[[_Side], Any]) -> Any:
    try:
        return step(side)
    except LeaseLost:
        return "lost"


def _state(side: _Side) -> Any:
    return [
        (journal.accounts(), journal.tallies(), [(letter.reason, letter.data) for letter in journal.dead(100)])
        for name, journal in side.journals.items()
        if _known(side, name)
    ] + [side.twin.held()]


@pytest.mark.parametrize("seed", range(16))
def test_both_twins_answer_the_same_to_anything(real_journal: RedisTwin, seed: int) -> None:
    """Eighty random steps, mistakes of workers included, leave memory and Redis with the same answers and counts."""
    real_journal.partitions = _PARTITIONS
    chance = random.Random(seed)
    memory, redis = _side(MemoryTwin(partitions=_PARTITIONS)), _side(real_journal)

    for _ in range(_STEPS):
        step = _step(chance)
        assert _told(memory, step) == _told(redis, step)

    assert _state(memory) == _state(redis)
