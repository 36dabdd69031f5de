"""What a Redis server is and how it is set up, as far as the journal depends on it."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import JournalMisconfigured
from sidecar_science.journal.redis import connect


@attrs.frozen(kw_only=True)
class Health:
    """A server's facts. ``clock_ahead`` is how many seconds its clock is ahead of ours, ``round_trip`` in seconds.

    Texts are empty where the server does not tell, or this user may not ask.
    """

    version: str
    policy: str
    append_only: str
    snapshots: str
    maxmemory: str
    clock_ahead: float
    round_trip: float


def look(url: str, clock: Clock) -> Health:
    """Ask the server at ``url``. Raises `JournalUnavailable` and `JournalMisconfigured`."""
    link = connect(url)
    try:
        start = clock.monotonic()
        seconds, microseconds = (int(part) for part in link.command("TIME"))
        round_trip = clock.monotonic() - start
        ahead = seconds + microseconds / 1e6 - (clock.wall() - round_trip / 2)
        info = _info(link.command("INFO", "server"))
        settings = {name: _setting(link, name) for name in ("maxmemory-policy", "appendonly", "save", "maxmemory")}
    finally:
        link.close()
    return Health(
        version=info.get("valkey_version") or info.get("redis_version", ""),
        policy=settings["maxmemory-policy"],
        append_only=settings["appendonly"],
        snapshots=settings["save"],
        maxmemory=settings["maxmemory"],
        clock_ahead=ahead,
        round_trip=round_trip,
    )


def _info(reply: Any) -> dict[str, str]:
    if isinstance(reply, dict):
        return {_text(name): _text(value) for name, value in reply.items()}
    pairs = (line.partition(":") for line in _text(reply).splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}


def _setting(link: Any, name: str) -> str:
    """A setting's value; empty where the user may not ask for it, as a producer may not."""
    with contextlib.suppress(JournalMisconfigured):
        reply = link.command("CONFIG", "GET", name)
        values = list(reply.values()) if isinstance(reply, dict) else list(reply)[1:]
        return _text(values[0]) if values else ""
    return ""


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
