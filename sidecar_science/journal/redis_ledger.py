"""What people and reports ask of the journal in Redis: who is there, what is waiting, where every call
went."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.journal import layout
from sidecar_science.journal.accounting import accounts
from sidecar_science.journal.records import (
    Accounts,
    DeadLetter,
    Environment,
    Producer,
    Waiting,
    check_name,
)
from sidecar_science.journal.redis_replies import instant, living, newest, seconds, texts

if TYPE_CHECKING:
    from sidecar_science.journal.redis_link import Link


class RedisLedger:
    """The part of the B side that needs no lease."""

    def __init__(
        self, link: Link, namespace: str, environment: str, *, partitions: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._link = link
        self._clock = clock
        self._settings: Mapping[str, str] = {}
        self._retention = 0.0
        self._upkeep_at = -math.inf
        self._keys = layout.Keys(namespace)
        self._environment = check_name("the environment", environment)
        self._partitions = partitions

    @property
    def environment(self) -> str:
        return self._environment

    @property
    def partitions(self) -> int:
        return self._partitions

    def settings(self) -> Mapping[str, str]:
        return texts(self._link.command("HGETALL", self._keys.settings))

    def configure(self, name: str, value: str | None) -> None:
        layout.check_setting(name, value)
        if value is None:
            self._link.command("HDEL", self._keys.settings, name)
        else:
            self._link.run("keep", [self._keys.settings], name, value)
        self._look_at_settings()

    def notes(self) -> Mapping[str, str]:
        return texts(self._link.command("HGETALL", self._keys.notes(self._environment)))

    def note(self, name: str, text: str | None) -> None:
        key = self._keys.notes(self._environment)
        if text is None:
            self._link.command("HDEL", key, name)
        else:
            self._link.run("keep", [key], name, text)

    def dictionaries(self) -> Mapping[int, bytes]:
        return {int(number): data for number, data in self._link.command("HGETALL", self._keys.dictionaries).items()}

    def keep_dictionary(self, number: int, data: bytes) -> bool:
        return bool(self._link.run("keep_first", [self._keys.dictionaries], str(number), data))

    def tallies(self) -> list[Mapping[str, bytes]]:
        tallies = self._link.batch([("HGETALL", key) for key in self._each("tally")])
        return [{field.decode(): value for field, value in tally.items()} for tally in tallies]

    def accounts(self) -> Accounts:
        # What producers have told comes first: between the two answers there can only be more in the journal.
        producers = self.producers()
        calls = [((self._keys.jobs(n), tally), layout.COUNTED) for n, tally in enumerate(self._each("tally"))]
        measured = self._link.run_all("measure", calls)
        return accounts(
            [(added, dict(zip(layout.COUNTED, counted, strict=True))) for added, counted in measured], producers
        )

    def producers(self) -> list[Producer]:
        told, now = self._link.batch([("HGETALL", self._keys.producers), ("TIME",)])
        return [producer_of(id_, each, seconds(now)) for id_, each in newest(texts(told)).items()]

    def environments(self) -> list[Environment]:
        known = texts(self._link.command("HGETALL", self._keys.environments))
        seen, now = self._link.batch([("HGETALL", self._keys.heartbeats), ("TIME",)])
        workers = self._link.batch([("HGETALL", self._keys.workers(name)) for name in known])
        return [
            _environment(name, json.loads(told), seen.get(name.encode()), len(living(crew, now)))
            for (name, told), crew in zip(known.items(), workers, strict=True)
        ]

    def peek(self, count: int) -> list[Waiting]:
        [now, *streams] = self._link.batch(
            [("TIME",), *(("XRANGE", self._keys.jobs(n), "-", "+", "COUNT", count) for n in range(self._partitions))]
        )
        waiting = [
            Waiting(
                partition=partition, entry=entry.decode(), data=body.get(b"e", b""),
                age=seconds(now) - instant(entry),
            )
            for partition, stream in enumerate(streams)
            for entry, body in stream
        ]  # fmt: skip
        return sorted(waiting, key=lambda each: -each.age)[:count]

    def dead(self, count: int) -> list[DeadLetter]:
        streams = self._link.batch([("XREVRANGE", key, "+", "-", "COUNT", count) for key in self._each("dead")])
        letters = [
            _letter(partition, letter, body) for partition, stream in enumerate(streams) for letter, body in stream
        ]
        return sorted(letters, key=lambda letter: -letter.at)[:count]

    def close(self) -> None:
        self._link.close()

    def _look_at_settings(self) -> None:
        self._settings = self.settings()
        self._retention = layout.retention(self._settings)

    def _of(self, partition: int, *what: str, environment: str | None = None) -> list[str]:
        """The keys of one partition, of this environment unless another one is named."""
        owner = environment or self._environment
        jobs = self._keys.jobs(partition)
        return [jobs if each == "jobs" else self._keys.of(partition, each, owner) for each in what]

    def _key(self, partition: int, what: str) -> str:
        return self._keys.of(partition, what, self._environment)

    def _each(self, what: str) -> list[str]:
        return [self._key(partition, what) for partition in range(self._partitions)]


def producer_of(id_: str, told: Mapping[str, Any], now: float) -> Producer:
    """What is kept of a producer, judged at the instant ``now``."""
    return Producer(
        id=id_, at=told["at"], host=told["host"], pid=told["pid"], ended=told["ended"],
        called=told.get("called", 0), sampled_out=told.get("sampled_out", 0),
        recorded=told.get("recorded", 0), dropped=told.get("dropped", {}),
        unclean=not told["ended"] and told["at"] < now - layout.SILENT_SECONDS,
    )  # fmt: skip


def _environment(name: str, told: Mapping[str, Any], seen: bytes | None, workers: int) -> Environment:
    return Environment(
        name=name, created=told["created"], start=told["start"], epoch=told["epoch"], routes=told["routes"],
        seen=None if seen is None else float(seen), workers=workers, expired=told.get("expired"),
    )  # fmt: skip


def _letter(partition: int, letter: bytes, body: Mapping[bytes, bytes]) -> DeadLetter:
    return DeadLetter(
        partition=partition, id=letter.decode(), entry=body[b"id"].decode(), reason=body[b"reason"].decode(),
        job=body[b"job"].decode() or None, at=int(body[b"at"]) / 1000, size=int(body[b"size"]), data=body[b"e"],
    )  # fmt: skip
