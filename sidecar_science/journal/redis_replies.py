"""What both sides read alike: the layout's own entry, and replies of Redis turned into ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from sidecar_science.errors import JournalMisconfigured
from sidecar_science.journal import layout

if TYPE_CHECKING:
    from sidecar_science.journal.redis_link import Link


def ensure(link: Link, keys: layout.Keys, partitions: int, now: float) -> dict[str, str]:
    """Write down the layout of a new namespace, or check that of a known one; what is written there.

    Raises `JournalMisconfigured`.
    """
    declared = {"layout": layout.LAYOUT_VERSION, "partitions": partitions, "created": now}
    meta = texts(link.command("HGETALL", keys.meta))
    if declared.keys() - meta.keys():
        # Whoever is first decides, field by field, so two that start at once agree afterwards.
        link.batch([("HSETNX", keys.meta, field, value) for field, value in declared.items()])
        meta = texts(link.command("HGETALL", keys.meta))
    if meta["layout"] != str(layout.LAYOUT_VERSION):
        raise JournalMisconfigured(layout.other_layout(keys.namespace, meta["layout"]))
    if meta["partitions"] != str(partitions):
        raise JournalMisconfigured(layout.other_partitions(keys.namespace, meta["partitions"], partitions))
    return meta


def texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash as text."""
    return {field.decode(): value.decode() for field, value in fields.items()}


def newest(told: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Of each producer what it has said last: its counts stand in two fields by turns, its goodbye in a third one."""
    found: dict[str, dict[str, Any]] = {}
    for field, text in told.items():
        each = json.loads(text)
        known = found.setdefault(producer_in(field), each)
        if (each.get("serial", 0), each["at"]) > (known.get("serial", 0), known["at"]):
            found[producer_in(field)] = each
    return found


def producer_in(field: str) -> str:
    """Whose field it is."""
    return field.partition("|")[0]


def seconds(now: tuple[int, int]) -> float:
    """The reply to TIME, as seconds since the epoch."""
    return now[0] + now[1] / 1_000_000


def instant(entry: bytes) -> float:
    """When an entry was appended, by the server's clock."""
    return int(entry.partition(b"-")[0]) / 1000


def entry_from(at: float | None, otherwise: str) -> str:
    """The lowest id that an entry of that instant or later can have."""
    return otherwise if at is None else f"{max(0, int(at * 1000))}-0"


def living(workers: Mapping[bytes, bytes], now: tuple[int, int]) -> Set[bytes]:
    """The workers that have not gone silent."""
    told = {worker: json.loads(each) for worker, each in workers.items()}
    return {worker for worker, each in told.items() if each["at"] + each["ttl"] > seconds(now)}
