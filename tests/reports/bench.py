"""What the tests of this room are made of: replays, and the hash of a partition as a journal keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sidecar_science.comparison.difference import Difference
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.report import Report, build
from sidecar_science.reports.tally import Tally, tally

SLOTS = 5
START = 1_795_400_000.0


class Partition:
    """A partition's fields, changed as the journal's settling does it."""

    def __init__(self) -> None:
        self.fields: dict[str, bytes] = {"@settled": b"1"}

    def settle(self, kept: Tally) -> None:
        for field, n in kept.add.items():
            self.fields[field] = str(int(self.fields.get(field, b"0")) + n).encode()
        for field, text in kept.first.items():
            self.fields.setdefault(field, text.encode())
        for field, text in kept.last.items():
            self.fields[field] = text.encode()
        for prefix, data in kept.samples.items():
            free = [f"{prefix}|{slot}" for slot in range(SLOTS) if f"{prefix}|{slot}" not in self.fields]
            if free:
                self.fields[free[0]] = data


def changed(path: str = "$.title", control: Any = "old", candidate: Any = "new", **more: Any) -> Difference:
    return Difference(more.get("where", "value"), path, more.get("kind", "changed"), control, candidate)


def replayed(outcome: Outcome | str = Outcome.MATCHED, **fields: Any) -> Replayed:
    told: dict[str, Any] = {"job": "job-1", "experiment": "shop.get", "settled_at": START, **fields}
    return Replayed(outcome=Outcome(outcome), **told)


def mismatched(*differences: Difference, **fields: Any) -> Replayed:
    """A mismatch whose two sides are objects of the differing titles, unless told otherwise."""
    sides = {"control": {"value": {"title": "old"}}, "candidate": {"value": {"title": "new"}}}
    return replayed(Outcome.MISMATCHED, differences=differences or (changed(),), **{**sides, **fields})


def report_of(replays: Iterable[Replayed], capture: Mapping[str, Any] | None = None, partitions: int = 1) -> Report:
    """The report of these replays, dealt out over some partitions."""
    hashes = [Partition() for _ in range(partitions)]
    for number, one in enumerate(replays):
        hashes[number % partitions].settle(tally(one))
    return build("shop", "b-1", START + 60, capture or {}, [one.fields for one in hashes])


def balanced(settled: int, **more: Any) -> dict[str, Any]:
    """Accounts that come out, of so many settled jobs."""
    return {"called": settled, "recorded": settled, "settled": settled, **more}
