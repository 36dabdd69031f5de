"""The id map in Redis: two keys of one environment, in one slot of a cluster.

The link is passed in; it carries commands and the scripts of the journal, and turns foreign errors into ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sidecar_science.translation.idmap import LIMIT, Counts, Id, Pair


class Link(Protocol):
    """What carries commands to Redis."""

    def command(self, *words: Any) -> Any: ...

    def run(self, name: str, keys: Sequence[str], *arguments: Any) -> Any: ...


class RedisIds:
    """The pairs of ``environment`` in ``namespace``; at most ``limit`` of them."""

    def __init__(self, link: Link, namespace: str, environment: str, *, limit: int = LIMIT) -> None:
        self._link = link
        self._pairs = f"sidecar:{{{namespace}}}:ids:{environment}"
        self._counts = f"sidecar:{{{namespace}}}:idcounts:{environment}"
        self._limit = limit

    def begin(self, epoch: str | None) -> None:
        if epoch is not None:
            self._link.run("begin_ids", [self._pairs, self._counts], epoch)

    def lookup(self, ids: Sequence[Id]) -> Mapping[Id, str]:
        if not ids:
            return {}
        found = self._link.command("HMGET", self._pairs, *(_field("a", id.kind, id.text) for id in ids))
        return {id: b.decode("utf-8", "replace") for id, b in zip(ids, found, strict=True) if b is not None}

    def learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        if not pairs:
            return ()
        words = [
            word
            for pair in pairs
            for word in (pair.family, _field("a", pair.kind, pair.a), pair.a, _field("b", pair.kind, pair.b), pair.b)
        ]
        refused = self._link.run("learn_ids", [self._pairs, self._counts], self._limit, *words)
        return [pairs[number - 1] for number in refused]

    def counts(self) -> Mapping[str, Counts]:
        flat = self._link.command("HGETALL", self._counts)
        counted = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        found: dict[str, dict[str, int]] = {}
        for name, n in counted:
            what, _, kind = name.decode("utf-8", "replace").partition("|")
            if kind:
                found.setdefault(kind, {})[what] = int(n)
        return {kind: Counts(**found[kind]) for kind in sorted(found)}


def _field(side: str, kind: str, text: str) -> str:
    return f"{side}|{kind}|{text}"
