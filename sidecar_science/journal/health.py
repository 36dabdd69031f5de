"""What a Redis server is and how it is set up, as far as the journal depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import attrs

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import JournalMisconfigured
from sidecar_science.journal.redis import Link, connect

_OLDEST: Final = 7


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


@attrs.frozen(kw_only=True)
class Problem:
    """Something in a server's set-up by which jobs could be lost, and its ``remedy``.

    A ``fatal`` one loses them in silence while everything runs: no worker should start on it unless it is told to.
    """

    fatal: bool
    what: str
    remedy: str


def check(url: str, clock: Clock = SYSTEM_CLOCK) -> list[Problem]:
    """What is wrong with the server at ``url``, or with any one of a cluster, the fatal first.

    Raises `JournalUnavailable` and `JournalMisconfigured`.
    """
    link = connect(url)
    try:
        found = [problem for server in link.servers() for problem in problems(_look(server, clock))]
    finally:
        link.close()
    return sorted(dict.fromkeys(found), key=lambda problem: not problem.fatal)


def problems(health: Health) -> list[Problem]:
    """What is wrong with a server of which this is known, the fatal first."""
    return [*_version(health), *_eviction(health), *_persistence(health)]


def _version(health: Health) -> Iterator[Problem]:
    major = health.version.partition(".")[0]
    if major.isdecimal() and int(major) < _OLDEST:
        yield Problem(
            fatal=True,
            what=f"the server is version {health.version}, whose streams do not count what was added to them",
            remedy="use Redis 7.0 or newer, or Valkey 8 or newer",
        )


def _eviction(health: Health) -> Iterator[Problem]:
    if not health.policy:
        yield Problem(
            fatal=False,
            what="this user may not ask whether the server throws keys away when its memory is full",
            remedy="allow it CONFIG GET, or make sure that maxmemory-policy is noeviction",
        )
    elif health.policy != "noeviction":
        yield Problem(
            fatal=True,
            what=f"maxmemory-policy is {health.policy}: a full server throws jobs and leases away, in silence",
            remedy="CONFIG SET maxmemory-policy noeviction, and put it into the server's configuration",
        )


def _persistence(health: Health) -> Iterator[Problem]:
    if health.append_only == "no":
        loses = "what was written since its last snapshot" if health.snapshots else "everything"
        yield Problem(
            fatal=False,
            what=f"the server keeps no append-only file: when it is restarted, it has lost {loses}",
            remedy="CONFIG SET appendonly yes, and put it into the server's configuration",
        )


def look(url: str, clock: Clock) -> Health:
    """Ask the server at ``url``. Raises `JournalUnavailable` and `JournalMisconfigured`."""
    link = connect(url)
    try:
        return _look(link, clock)
    finally:
        link.close()


def _look(link: Link, clock: Clock) -> Health:
    start = clock.monotonic()
    seconds, microseconds = (int(part) for part in link.command("TIME"))
    round_trip = clock.monotonic() - start
    ahead = seconds + microseconds / 1e6 - (clock.wall() - round_trip / 2)
    info = _info(link.command("INFO", "server"))
    settings = {name: _setting(link, name) for name in ("maxmemory-policy", "appendonly", "save", "maxmemory")}
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
