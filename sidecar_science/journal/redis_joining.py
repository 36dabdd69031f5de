"""How an environment takes its place in the journal in Redis: where it begins, goes on, or begins anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sidecar_science.errors import UsageError
from sidecar_science.journal import layout
from sidecar_science.journal.records import EARLIEST, LATEST, Joined, Position
from sidecar_science.journal.redis_ledger import RedisLedger
from sidecar_science.journal.redis_replies import ensure, living, seconds

START: Final = "0-0"
_COUNTED_AT_ONCE: Final = 200


class RedisJoining(RedisLedger):
    """The part of the B side that makes groups and moves them."""

    def join(
        self, start: Position = EARLIEST, *, epoch: str | None = None, routes: Mapping[str, str] | None = None
    ) -> Joined:
        now = seconds(self._link.command("TIME"))
        layout.check_start(start, now)
        ensure(self._link, self._keys, self._partitions, now)
        self._look_at_settings()
        known = self._known()
        if known is not None and known.get("resetting"):
            raise UsageError(layout.half_reset(self._environment))
        # Seen from here on: nobody must find it idle while it makes its groups.
        self._link.run("keep", [self._keys.heartbeats], self._environment, now)
        self._make_groups(start if known is None else EARLIEST)
        new = known is None and self._enter(now, start)
        joined = self._known() or {}
        expired = joined.pop("expired", None)
        joined["epoch"] = joined["epoch"] if epoch is None else epoch
        joined["routes"] = joined["routes"] if routes is None else dict(routes)
        self._write_down(joined)
        self._begin_epoch(epoch)
        return _joined(joined, new=new, expired=expired)

    def reset(self, start: Position = EARLIEST, epoch: str | None = None, *, force: bool = False) -> Joined:
        now = seconds(self._link.command("TIME"))
        layout.check_start(start, now)
        known = self._known()
        if known is None:
            raise UsageError(layout.not_known(self._environment))
        workers = living(self._link.command("HGETALL", self._keys.workers(self._environment)), self._now())
        if workers and not force:
            raise UsageError(layout.still_at_work(self._environment, len(workers)))
        known |= {"start": start, "epoch": known["epoch"] if epoch is None else epoch}
        self._write_down({**known, "resetting": True})
        self._count(self._reset_groups(_position(start)))
        self._link.command("DEL", *self._keys.ids(self._environment))
        self._begin_epoch(known["epoch"])
        known.pop("resetting", None)
        expired = known.pop("expired", None)
        self._write_down(known)
        return _joined(known, new=False, expired=expired)

    def _now(self) -> tuple[int, int]:
        now: tuple[int, int] = self._link.command("TIME")
        return now

    def _known(self) -> dict[str, Any] | None:
        told = self._link.command("HGET", self._keys.environments, self._environment)
        return json.loads(told) if told else None

    def _enter(self, now: float, start: Position) -> bool:
        """Write this environment down, unless another worker has just done it."""
        told = json.dumps({"created": now, "start": start, "epoch": None, "routes": {}})
        return bool(self._link.run("keep_first", [self._keys.environments], self._environment, told))

    def _write_down(self, told: Mapping[str, Any]) -> None:
        self._link.run("keep", [self._keys.environments], self._environment, json.dumps(told))

    def _begin_epoch(self, epoch: str | None) -> None:
        if epoch is not None:
            self._link.run_all(
                "epoch", [(self._of(n, "taint", "dispatched"), (epoch,)) for n in range(self._partitions)]
            )

    def _make_groups(self, start: Position) -> None:
        # A group that a known environment has lost lost its position too: what is there now is all new to it.
        words = (self._environment, _position(start), layout.TAINTED_KEYS)
        calls = [
            (self._of(partition, "jobs", "tally", "inflight", "taint"), words) for partition in range(self._partitions)
        ]
        self._count(self._link.run_all("join", calls))

    def _reset_groups(self, position: str) -> list[Any]:
        what = ("jobs", "tally", "lease", "fence", "inflight", "seen", "dead", "taint", "dispatched")
        words = (self._environment, position)
        return self._link.run_all("reset", [(self._of(n, *what), words) for n in range(self._partitions)])

    def _count(self, begun: Sequence[Any]) -> None:
        for partition, (before, joining) in enumerate(begun):
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


def _joined(told: Mapping[str, Any], *, new: bool, expired: float | None) -> Joined:
    return Joined(new=new, created=told["created"], start=told["start"], epoch=told["epoch"], expired=expired)


def _position(start: Position) -> str:
    if start == EARLIEST:
        return START
    if start == LATEST:
        return "$"
    milliseconds = int(float(start) * 1000)
    return f"{milliseconds - 1}-{2**64 - 1}" if milliseconds > 0 else START
