"""What keeps the journal in Redis from growing for ever, and what people do to it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sidecar_science.journal import export, layout
from sidecar_science.journal.accounting import folded
from sidecar_science.journal.records import DeadLetter, Waiting
from sidecar_science.journal.redis_joining import RedisJoining
from sidecar_science.journal.redis_ledger import producer_of
from sidecar_science.journal.redis_replies import entry_from, living, newest, producer_in, seconds, texts

_ALL = 1_000_000


class RedisUpkeep(RedisJoining):
    """The part of the B side that frees, forgets, expires, and gives dead letters another try."""

    def trim(self) -> int:
        self._look_at_settings()
        now = self._clock.monotonic()
        if now >= self._upkeep_at:
            self._upkeep_at = now + layout.UPKEEP_SECONDS
            self._forget_producers()
            self._expire_environments()
        kept = int(self._retention * 1000)
        streams = [((self._keys.jobs(partition),), (kept,)) for partition in range(self._partitions)]
        return sum(self._link.run_all("trim", streams))

    def requeue(self, names: Iterable[str] | None = None) -> int:
        calls = [
            (self._of(partition, "jobs", "inflight", "tally", "dead"), (self._environment, letter))
            for partition, letter in self._named(names)
        ]
        return sum(self._link.run_all("requeue", calls))

    def drop(self, names: Iterable[str] | None = None) -> int:
        commands = [("XDEL", self._key(partition, "dead"), letter) for partition, letter in self._named(names)]
        return sum(self._link.batch(commands)) if commands else 0

    def export(self, since: float | None = None, until: float | None = None) -> Iterator[bytes]:
        yield export.head(self._partitions)
        yield from (export.dictionary_line(data) for _, data in sorted(self.dictionaries().items()))
        first, last = entry_from(since, "-"), f"({entry_from(until, '')}" if until is not None else "+"
        for partition in range(self._partitions):
            position = first
            while page := self._page(partition, position, last):
                yield from (export.line(each) for each in page if each.data)
                position = f"({page[-1].entry}"

    def import_(self, lines: Iterable[bytes | str]) -> int:
        told = export.Tally()
        entries = export.entries(lines, self._partitions, self._import_dictionary)
        while batch := list(islice(entries, export.BATCH)):
            self._link.batch([("XADD", self._keys.jobs(each.partition), "*", "e", each.data) for each in batch])
            told.add(batch)
        if told.count:
            record = {**told.accounts, "host": "", "pid": 0, "at": seconds(self._now()), "ended": True}
            self._link.run("keep", [self._keys.producers], told.producer, json.dumps(record))
        return told.count

    def _import_dictionary(self, data: bytes) -> None:
        while data not in (held := self.dictionaries()).values():
            # Somebody else may have taken the number meanwhile.
            self.keep_dictionary(max(held, default=0) + 1, data)

    def _page(self, partition: int, first: str, last: str) -> list[Waiting]:
        stream = self._link.command("XRANGE", self._keys.jobs(partition), first, last, "COUNT", export.BATCH)
        # A dead letter that was appended again is in there already, or was when it was recorded.
        return [
            Waiting(
                partition=partition, entry=entry.decode(), age=0.0, data=b"" if b"to" in body else body.get(b"e", b"")
            )
            for entry, body in stream
        ]

    def _named(self, names: Iterable[str] | None) -> list[tuple[int, str]]:
        """Partition and id of each letter, oldest first; None: all of them."""
        if names is None:
            letters: list[DeadLetter] = self.dead(_ALL)
            return [(letter.partition, letter.id) for letter in reversed(letters)]
        return [layout.letter_of(name, self._partitions) for name in names]

    def _forget_producers(self) -> None:
        """Those that ended long ago become one, and the partitions forget those that nothing will come from."""
        raw = texts(self._link.command("HGETALL", self._keys.producers))
        now = seconds(self._now())
        known = {id_: producer_of(id_, told, now) for id_, told in newest(raw).items()}
        old = [
            id_
            for id_, each in known.items()
            if each.ended and id_ != layout.FOLDED and each.at < now - layout.REMEMBER_SECONDS
        ]
        if old:
            parts = [known[id_] for id_ in (layout.FOLDED, *old) if id_ in known]
            words = [word for field, text in raw.items() if producer_in(field) in old for word in (field, text)]
            total = json.dumps(folded(parts), separators=(",", ":"))
            self._link.run("fold", [self._keys.producers], layout.FOLDED, raw.get(layout.FOLDED, ""), total, *words)
        alive = [id_ for id_, each in known.items() if not each.ended]
        remembered = int(layout.REMEMBER_SECONDS * 1000)
        self._link.run_all("forget", [((key,), (remembered, *alive)) for key in self._each("seen")])

    def _expire_environments(self) -> None:
        idle = float(self._settings.get(layout.IDLE, layout.ENVIRONMENT_TTL))
        known = texts(self._link.command("HGETALL", self._keys.environments))
        beats = self._link.command("HGETALL", self._keys.heartbeats)
        clock = self._now()
        for name, told in known.items():
            last = float(beats.get(name.encode(), 0))
            if name == self._environment or "expired" in json.loads(told) or last >= seconds(clock) - idle:
                continue
            if not living(self._link.command("HGETALL", self._keys.workers(name)), clock):
                self._expire(name, told, seconds(clock))

    def _expire(self, name: str, told: str, now: float) -> None:
        what = ("jobs", "tally", "lease", "fence", "inflight", "taint")
        words = (name, layout.TAINTED_KEYS)
        calls = [(self._of(n, *what, environment=name), words) for n in range(self._partitions)]
        if None not in self._link.run_all("expire", calls):
            record: Mapping[str, Any] = {**json.loads(told), "expired": now}
            # Unless it has come back meanwhile.
            self._link.run("swap", [self._keys.environments], name, told, json.dumps(record))
