"""Which of B's ids stands for which of A's, as long as one environment and its epoch last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Final, Protocol

import attrs

PER_KEY: Final = " per key"
"""What a kind ends with whose ids mean something only together with the job's key, as versions do."""

LIMIT: Final = 200_000
"""Pairs that are kept of one environment; what comes after is not learned, and counted."""

CACHED: Final = 20_000


@attrs.frozen
class Id:
    """One of A's ids: of what kind of thing, and its text."""

    kind: str
    text: str


@attrs.frozen
class Pair:
    """Two ids of the same thing: ``a`` is A's, ``b`` is B's."""

    kind: str
    a: str
    b: str

    @property
    def id(self) -> Id:
        return Id(self.kind, self.a)

    @property
    def family(self) -> str:
        """The kind as it was declared: ids that mean something within a key alone are counted together."""
        kind, per_key, _ = self.kind.partition(PER_KEY)
        return kind + per_key


@attrs.frozen(kw_only=True)
class Counts:
    """What one kind has seen: pairs that are known, pairs that contradicted one of them, and pairs without room."""

    learned: int = 0
    conflicts: int = 0
    full: int = 0


class IdMap(Protocol):
    """The pairs of one environment. One id of A has one of B, and the reverse: what contradicts a pair is counted and
    changes nothing.
    """

    def begin(self, epoch: str | None) -> None:
        """Other data, or another deploy: forget everything, once, however many workers begin with this ``epoch``."""
        ...

    def lookup(self, ids: Sequence[Id]) -> Mapping[Id, str]:
        """B's ids for those of A's that are known."""
        ...

    def learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        """Keep ``pairs``; those that contradict a known one are given back, and counted."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """What was learned and what was in conflict, by kind."""
        ...


class ReadIds:
    """An `IdMap` that is only read: what is tried by hand teaches nothing."""

    def __init__(self, ids: IdMap) -> None:
        self.lookup, self.counts = ids.lookup, ids.counts

    def begin(self, epoch: str | None) -> None:
        """Nothing begins."""

    def learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        return ()


class CachedIds:
    """An `IdMap` that asks for each pair once: a pair that is known never changes.

    What is unknown is asked again each time, since another lane or worker may learn it at any moment. Safe to share.
    """

    def __init__(self, ids: IdMap, *, size: int = CACHED) -> None:
        self._ids = ids
        self._size = size
        self._known: OrderedDict[Id, str] = OrderedDict()
        self._lock = Lock()

    def begin(self, epoch: str | None) -> None:
        with self._lock:
            self._known.clear()
        self._ids.begin(epoch)

    def lookup(self, ids: Sequence[Id]) -> Mapping[Id, str]:
        with self._lock:
            found = {id: self._known[id] for id in ids if id in self._known}
        unknown = [id for id in ids if id not in found]
        if unknown:
            asked = self._ids.lookup(unknown)
            self._keep(asked.items())
            found.update(asked)
        return found

    def learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        with self._lock:
            new = [pair for pair in pairs if self._known.get(pair.id) != pair.b]
        return self._ids.learn(new) if new else ()

    def counts(self) -> Mapping[str, Counts]:
        return self._ids.counts()

    def _keep(self, pairs: Iterable[tuple[Id, str]]) -> None:
        with self._lock:
            self._known.update(pairs)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
