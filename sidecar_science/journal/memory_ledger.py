"""What people and reports ask of the journal in memory: who is there, what is waiting, where every call
went."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sidecar_science.journal import layout
from sidecar_science.journal.accounting import accounts
from sidecar_science.journal.memory_server import EntryId, Group, MemoryServer, Partition, entry_text
from sidecar_science.journal.records import (
    Accounts,
    DeadLetter,
    Environment,
    Producer,
    Waiting,
    check_name,
)


class MemoryLedger:
    """The part of the B side that needs no lease."""

    def __init__(self, server: MemoryServer, environment: str, *, partitions: int | None = None) -> None:
        self._server = server
        self._environment = check_name("the environment", environment)
        self._declared = len(server.partitions) if partitions is None else partitions

    @property
    def environment(self) -> str:
        return self._environment

    @property
    def partitions(self) -> int:
        return self._declared

    def settings(self) -> Mapping[str, str]:
        with self._server.request():
            return dict(self._server.settings)

    def configure(self, name: str, value: str | None) -> None:
        layout.check_setting(name, value)
        with self._server.request():
            self._server.settings.pop(name, None)
            if value is not None:
                self._server.settings[name] = value
            for partition in self._server.partitions:
                partition.keep = self._server.retention > 0

    def notes(self) -> Mapping[str, str]:
        with self._server.request():
            return dict(self._server.notes.get(self._environment, {}))

    def note(self, name: str, text: str | None) -> None:
        with self._server.request():
            notes = self._server.notes.setdefault(self._environment, {})
            notes.pop(name, None)
            if text is not None:
                notes[name] = text

    def dictionaries(self) -> Mapping[int, bytes]:
        with self._server.request():
            return dict(self._server.dictionaries)

    def keep_dictionary(self, number: int, data: bytes) -> bool:
        with self._server.request():
            is_new = number not in self._server.dictionaries
            if is_new:
                self._server.dictionaries[number] = bytes(data)
            return is_new

    def tallies(self) -> list[Mapping[str, bytes]]:
        with self._server.request():
            return [dict(self._tally(partition)) for partition in self._server.partitions]

    def accounts(self) -> Accounts:
        with self._server.request():
            return accounts(
                [(partition.added, self._tally(partition)) for partition in self._server.partitions], self.producers()
            )

    def producers(self) -> list[Producer]:
        with self._server.request():
            oldest = self._server.clock.wall() - layout.SILENT_SECONDS
            return [
                attrs.evolve(each, unclean=not each.ended and each.at < oldest)
                for each in self._server.producers.values()
            ]

    def environments(self) -> list[Environment]:
        with self._server.request():
            known = self._server.environments.values()
            return [attrs.evolve(each, workers=self._server.live(each.name)) for each in known]

    def peek(self, count: int) -> list[Waiting]:
        with self._server.request():
            held = [
                Waiting(partition=n, entry=entry_text(entry), age=self._age(entry), data=data)
                for n, partition in enumerate(self._server.partitions)
                for entry, data in partition.entries.items()
            ]
            return sorted(held, key=lambda waiting: -waiting.age)[:count]

    def dead(self, count: int) -> list[DeadLetter]:
        with self._server.request():
            letters = [letter for group in self._groups() for _, letter in group.dead]
            return sorted(letters, key=lambda letter: -letter.at)[:count]

    def close(self) -> None:
        """Nothing is open."""

    def _group(self, partition: int) -> Group:
        return self._server.group(partition, self._environment)

    def _groups(self) -> list[Group]:
        """This environment's groups; none before it has joined."""
        return [p.groups[self._environment] for p in self._server.partitions if self._environment in p.groups]

    def _tally(self, partition: Partition) -> Mapping[str, bytes]:
        group = partition.groups.get(self._environment) or partition.expired.get(self._environment)
        return group.tally if group else {}

    def _age(self, entry: EntryId) -> float:
        return max(0.0, self._server.clock.wall() - entry[0] / 1000)
