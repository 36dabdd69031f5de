"""The journal in Redis: how it is reached, be it one server, one behind Sentinels, or a cluster.

This is the only file of the room that knows redis-py.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import attrs
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection, SentinelManagedSSLConnection

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import UsageError
from sidecar_science.journal.redis_cluster import Address, ClusterLink
from sidecar_science.journal.redis_journal import RedisJournal
from sidecar_science.journal.redis_link import Link
from sidecar_science.journal.redis_log import RedisLog
from sidecar_science.journal.redis_refusals import translate

__all__ = ["ClusterLink", "Link", "RedisJournal", "RedisLog", "connect", "open_journal", "open_log", "translate"]

Own = Callable[[], AbstractContextManager[Any]]

_SEVERAL: Final = re.compile(
    r"(?P<scheme>rediss?)\+(?P<how>sentinel|cluster)://(?P<user>[^@/]*@)?(?P<hosts>[^/?]+)(?P<rest>.*)"
)
_PORTS: Final = {"sentinel": 26379, "cluster": 6379}


@attrs.frozen
class Target:
    """A URL, taken apart: ``how`` is "sentinel", "cluster" or "alone"; ``service`` is the Sentinels' name of it."""

    how: str
    hosts: tuple[Address, ...]
    service: str
    options: dict[str, Any]


def connect(
    url: str, *, socket_timeout: float = 1.0, connect_timeout: float = 0.5, own: Own = contextlib.nullcontext
) -> Link:
    """A link to what is at ``url``; it connects when it is first used.

    One server (``redis://``, ``rediss://``, ``unix://``), the primary that Sentinels name
    (``redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB``), or a cluster (``redis+cluster://HOST:PORT,HOST:PORT``); with
    ``rediss+`` all of it over TLS. ``own()`` is entered around every connecting, so that a guard can tell it from what
    user code does. Seconds are those of one wait for a reply and of one try to connect. Raises `UsageError` for a URL
    that is none.
    """
    target = _target(url)
    options = target.options | {
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": connect_timeout,
        # One write is sent once: trying again is for those who can tell what arrived twice.
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "health_check_interval": 0,
        "protocol": 2,
    }
    base = options.pop("connection_class", Connection)
    if not issubclass(base, UnixDomainSocketConnection):
        options["socket_keepalive"] = True
    if target.how == "sentinel":
        return _by_sentinel(target, base, options, own)
    if target.how == "cluster":
        return ClusterLink(target.hosts, lambda address: _node(address, base, options, own))
    return Link(Redis(connection_pool=ConnectionPool(connection_class=_owned(base, own), **options)))


def open_log(
    url: str, namespace: str, *, partitions: int = 64, socket_timeout: float = 1.0, clock: Clock = SYSTEM_CLOCK
) -> RedisLog:
    """The A side of the journal at ``url``. Raises `UsageError`; connects when it is first used."""
    return RedisLog(connect(url, socket_timeout=socket_timeout), namespace, partitions=partitions, clock=clock)


def open_journal(
    url: str,
    namespace: str,
    environment: str,
    *,
    partitions: int = 64,
    socket_timeout: float = 5.0,
    own: Own = contextlib.nullcontext,
) -> RedisJournal:
    """The B side of the journal at ``url``. Raises `UsageError`; connects when it is first used."""
    link = connect(url, socket_timeout=socket_timeout, connect_timeout=2.0, own=own)
    # A blocking read must end before the socket gives it up: its reply would be lost.
    return RedisJournal(link, namespace, environment, partitions=partitions, longest_block=socket_timeout / 2)


def _target(url: str) -> Target:
    several = _SEVERAL.fullmatch(url)
    try:
        if several is None:
            return Target("alone", (), "", _parsed(url))
        hosts = tuple(_address(each, _PORTS[several["how"]]) for each in several["hosts"].split(","))
        path, question, query = several["rest"].partition("?")
        service, database = _service(several["how"], *path.strip("/").split("/", 1))
        plain = f"{several['scheme']}://{several['user'] or ''}host/{database}{question}{query}"
        return Target(several["how"], hosts, service, _parsed(plain))
    except ValueError as error:
        raise UsageError(f"the Redis URL cannot be used: {error}") from None


def _service(how: str, first: str, second: str = "") -> tuple[str, str]:
    """The service's name and the number of the database, as the path gives them."""
    if how == "cluster":
        if first not in ("", "0") or second:
            raise ValueError("a cluster has one database, number 0")
        return "", "0"
    if not second.isdecimal() and second:
        raise ValueError(f"{second!r} is no number of a database")
    if not first:
        raise ValueError("the name of the service that the Sentinels watch is missing: .../SERVICE/DB")
    return first, second or "0"


def _parsed(url: str) -> dict[str, Any]:
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    if issubclass(options.get("connection_class", Connection), SSLConnection):
        # Older releases of redis-py take any certificate's name for the host's.
        options.setdefault("ssl_check_hostname", True)
    return options


def _address(text: str, port: int) -> Address:
    host, _, digits = text.rpartition(":") if ":" in text else (text, "", str(port))
    if not host or not digits.isdecimal():
        raise ValueError(f"{text!r} is no HOST:PORT")
    return host, int(digits)


def _by_sentinel(target: Target, base: type[Any], options: dict[str, Any], own: Own) -> Link:
    """A link to the server that the Sentinels call the primary; every new connection asks them anew."""
    options = {name: value for name, value in options.items() if name not in ("host", "port")}
    secured = issubclass(base, SSLConnection)
    watching = {name: value for name, value in options.items() if name not in ("db", "username", "password")}
    watching |= {"ssl": True} if secured else {}
    sentinel = Sentinel(list(target.hosts), sentinel_kwargs=watching)  # type: ignore[no-untyped-call]
    managed = SentinelManagedSSLConnection if secured else SentinelManagedConnection
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
        target.service, sentinel, connection_class=_owned(managed, own, step="connect"), **options
    )
    return Link(Redis(connection_pool=pool))


def _node(address: Address, base: type[Any], options: dict[str, Any], own: Own) -> Link:
    host, port = address
    pool = ConnectionPool(connection_class=_owned(base, own), **{**options, "host": host, "port": port})
    return Link(Redis(connection_pool=pool), node=True)


def _owned(base: type[Any], own: Own, *, step: str = "_connect") -> type[Any]:
    """``base``, connecting inside ``own()``; a pool reconnects during any command."""

    def connected(self: Any, *arguments: Any, **options: Any) -> Any:
        # A pool asks for it before every command.
        with contextlib.nullcontext() if getattr(self, "_sock", None) else own():
            return getattr(super(owned, self), step)(*arguments, **options)

    owned = type("Owned", (base,), {step: connected})
    return owned
