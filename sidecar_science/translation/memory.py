"""The id map without a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from threading import Lock
from typing import Any

from sidecar_science.translation.idmap import LIMIT, Counts, Id, Pair


class MemoryIds:
    """The pairs of ``environment``, kept in ``store``: whoever resets the environment takes its name out of there."""

    def __init__(self, store: MutableMapping[str, Any], environment: str, *, limit: int = LIMIT) -> None:
        self._store = store
        self._environment = environment
        self._limit = limit
        self._lock = Lock()

    def begin(self, epoch: str | None) -> None:
        with self._lock:
            if epoch is not None and self._kept.epoch != epoch:
                self._store[self._environment] = _Kept(epoch)

    def lookup(self, ids: Sequence[Id]) -> Mapping[Id, str]:
        with self._lock:
            there = self._kept.there
            return {id: there[id] for id in ids if id in there}

    def learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        with self._lock:
            return [pair for pair in pairs if not self._kept.learn(pair, self._limit)]

    def counts(self) -> Mapping[str, Counts]:
        with self._lock:
            kept = self._kept
            kinds = {kind for _, kind in kept.counted}
            return {
                kind: Counts(**{what: kept.counted[what, kind] for what in ("learned", "conflicts", "full")})
                for kind in sorted(kinds)
            }

    @property
    def _kept(self) -> _Kept:
        kept: _Kept = self._store.setdefault(self._environment, _Kept(None))
        return kept


class _Kept:
    def __init__(self, epoch: str | None) -> None:
        self.epoch = epoch
        self.there: dict[Id, str] = {}
        self.back: dict[Id, str] = {}
        self.counted: Counter[tuple[str, str]] = Counter()

    def learn(self, pair: Pair, limit: int) -> bool:
        """False where ``pair`` contradicts a known one."""
        back = Id(pair.kind, pair.b)
        if self.there.get(pair.id) == pair.b:
            return True
        if pair.id in self.there or back in self.back:
            self.counted["conflicts", pair.family] += 1
            return False
        if len(self.there) >= limit:
            self.counted["full", pair.family] += 1
            return True
        self.there[pair.id], self.back[back] = pair.b, pair.a
        self.counted["learned", pair.family] += 1
        return True
