"""How an environment takes its place in the journal in memory, and what keeps that from growing for ever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import attrs

from sidecar_science.errors import UsageError
from sidecar_science.journal import export, layout
from sidecar_science.journal.accounting import folded
from sidecar_science.journal.memory_ledger import MemoryLedger
from sidecar_science.journal.memory_server import Marker, entry_text
from sidecar_science.journal.records import EARLIEST, Environment, Joined, Position, Producer, Waiting


class MemoryUpkeep(MemoryLedger):
    """The part of the B side that joins, resets, frees, expires, and gives dead letters another try."""

    def join(
        self, start: Position = EARLIEST, *, epoch: str | None = None, routes: Mapping[str, str] | None = None
    ) -> Joined:
        with self._server.request():
            self._server.check_partitions(self._declared)
            now = self._server.clock.wall()
            layout.check_start(start, now)
            known = self._server.environments.get(self._environment)
            for partition in self._server.partitions:
                if self._environment in partition.expired:
                    partition.take_up(self._environment)
                elif self._environment not in partition.groups:
                    partition.join(self._environment, start)
            kept = known or Environment(
                name=self._environment, created=now, start=start, epoch=None, routes={}, seen=None, workers=0
            )
            joined = self._server.environments[self._environment] = attrs.evolve(
                kept,
                epoch=kept.epoch if epoch is None else epoch,
                routes=kept.routes if routes is None else dict(routes),
                seen=now,
                expired=None,
            )
            self._begin_epoch(epoch)
            return _joined(joined, new=known is None, expired=kept.expired)

    def reset(self, start: Position = EARLIEST, epoch: str | None = None, *, force: bool = False) -> Joined:
        with self._server.request():
            layout.check_start(start, self._server.clock.wall())
            known = self._server.environments.get(self._environment)
            if known is None:
                raise UsageError(layout.not_known(self._environment))
            if (workers := self._server.live(self._environment)) and not force:
                raise UsageError(layout.still_at_work(self._environment, workers))
            for partition in self._server.partitions:
                past = partition.groups.get(self._environment) or partition.expired.pop(self._environment)
                partition.join(self._environment, start)
                partition.groups[self._environment].fence = past.fence + 1
            self._server.ids.pop(self._environment, None)
            told = self._server.environments[self._environment] = attrs.evolve(
                known, start=start, epoch=known.epoch if epoch is None else epoch, expired=None
            )
            self._begin_epoch(told.epoch)
            return _joined(told, new=False, expired=known.expired)

    def trim(self) -> int:
        with self._server.request():
            self._fold_producers()
            self._forget_producers()
            self._expire_environments()
            keep = self._server.retention
            kept = (int((self._server.clock.wall() - keep) * 1000), 0) if keep else None
            return sum(partition.trim(kept) for partition in self._server.partitions)

    def requeue(self, names: Iterable[str] | None = None) -> int:
        with self._server.request():
            return sum(self._requeue(partition, letter) for partition, letter in self._named(names))

    def drop(self, names: Iterable[str] | None = None) -> int:
        with self._server.request():
            return sum(self._drop(partition, letter) for partition, letter in self._named(names))

    def export(self, since: float | None = None, until: float | None = None) -> Iterator[bytes]:
        with self._server.request():
            first, last = (math.inf * sign if at is None else int(at * 1000) for at, sign in ((since, -1), (until, 1)))
            held = [
                Waiting(partition=n, entry=entry_text(entry), age=0.0, data=data)
                for n, partition in enumerate(self._server.partitions)
                for entry, data in partition.entries.items()
                if first <= entry[0] < last and entry not in partition.only_for
            ]
        yield export.head(len(self._server.partitions))
        yield from map(export.dictionary_line, self._server.dictionaries.values())
        yield from map(export.line, held)

    def import_(self, lines: Iterable[bytes | str]) -> int:
        told = export.Tally()
        with self._server.request():
            now = self._server.clock.wall()
            for entry in export.entries(lines, len(self._server.partitions), self._import_dictionary):
                self._server.partitions[entry.partition].append(entry.data, int(now * 1000))
                told.add([entry])
            if told.count:
                self._server.producers[told.producer] = Producer(
                    id=told.producer, at=now, host="", pid=0, ended=True, **told.accounts
                )
            self._server.wake()
            return told.count

    def _import_dictionary(self, data: bytes) -> None:
        held = self._server.dictionaries
        if data not in held.values():
            held[max(held, default=0) + 1] = data

    def _named(self, names: Iterable[str] | None) -> list[tuple[int, str]]:
        if names is None:
            return [(n, letter.id) for n, group in enumerate(self._groups()) for _, letter in group.dead]
        return [layout.letter_of(name, len(self._server.partitions)) for name in names]

    def _requeue(self, partition: int, letter: str) -> bool:
        stream, group = self._server.partitions[partition], self._group(partition)
        for field, each in group.dead:
            if each.id == letter and each.is_whole:
                entry = stream.append(each.data, int(self._server.clock.wall() * 1000))
                stream.only_for[entry] = self._environment
                group.inflight[entry] = Marker()
                group.add(layout.BASE, -1)
                group.add(field, -1)
                self._server.wake()
                return self._drop(partition, letter)
        return False

    def _drop(self, partition: int, letter: str) -> bool:
        group = self._group(partition)
        before = len(group.dead)
        group.dead = [(field, each) for field, each in group.dead if each.id != letter]
        return len(group.dead) < before

    def _begin_epoch(self, epoch: str | None) -> None:
        for group in self._groups():
            if epoch is not None and group.epoch != epoch:
                group.epoch = epoch
                group.taint.clear()
                group.dispatched.clear()

    def _fold_producers(self) -> None:
        oldest = self._server.clock.wall() - layout.REMEMBER_SECONDS
        known = self._server.producers
        old = [id_ for id_, each in known.items() if each.ended and id_ != layout.FOLDED and each.at < oldest]
        if old:
            parts = [known.pop(id_) for id_ in (layout.FOLDED, *old) if id_ in known]
            known[layout.FOLDED] = Producer(id=layout.FOLDED, **folded(parts))

    def _forget_producers(self) -> None:
        oldest = self._server.clock.wall() - layout.REMEMBER_SECONDS
        alive = {id_ for id_, each in self._server.producers.items() if not each.ended}
        for group in self._groups():
            group.seen = {name: seen for name, seen in group.seen.items() if seen[1] >= oldest or name in alive}

    def _expire_environments(self) -> None:
        now = self._server.clock.wall()
        idle = float(self._server.settings.get(layout.IDLE, layout.ENVIRONMENT_TTL))
        for name, known in list(self._server.environments.items()):
            unseen = known.expired is None and (known.seen or 0.0) < now - idle
            if name != self._environment and unseen and not self._server.live(name):
                for partition in self._server.partitions:
                    partition.give_up(name)
                self._server.environments[name] = attrs.evolve(known, expired=now)


def _joined(told: Environment, *, new: bool, expired: float | None) -> Joined:
    return Joined(new=new, created=told.created, start=told.start, epoch=told.epoch, expired=expired)
