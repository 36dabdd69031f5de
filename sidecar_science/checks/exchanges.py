"""Which HTTP requests left a behavior, and what status came back.

Observed at urllib3's connection pool, one record per attempt: under requests and its mocks (``responses`` and
``requests_mock`` replace what lies above, ``vcrpy`` replaces the connection below), and under the retries that a
single ``Session.send`` may hide. The wrapper passes straight through unless an observation is on in this context.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final

import attrs
from urllib3 import connectionpool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from sidecar_science.checks import bodies
from sidecar_science.codec.redaction import DEFAULT_HEADERS, Redactor

MAX_BODY: Final = 64 * 1024
_MAX_HASHED: Final = 8 * 1024 * 1024
_SECRET_HEADERS: Final = frozenset(name.lower() for name in DEFAULT_HEADERS)
_NOT_SENT: Final = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)

log: ContextVar[Any] = ContextVar("sidecar_science.exchanges", default=None)
"""A list takes what is observed; None and anything else observe nothing."""

_attempting: ContextVar[bool] = ContextVar("sidecar_science.attempting", default=False)


@attrs.define(kw_only=True)
class Exchange:
    """One request that left, as it was seen: still raw, so this never leaves the process (see `plain`).

    ``sent`` is False when no connection came about, ``failure`` the type of what ended an attempt without an answer;
    ``secrets`` are the values of its credential headers.
    """

    method: str
    origin: str
    target: str
    body: bytes | None = None
    body_size: int = 0
    body_digest: str | None = None
    content_type: str = ""
    secrets: tuple[str, ...] = ()
    status: int | None = None
    duration: float = 0.0
    sent: bool = True
    failure: str | None = None


@contextlib.contextmanager
def observing() -> Iterator[list[Exchange]]:
    """Within the block, and in this context alone, exchanges are put into the list that it gives."""
    install()
    seen: list[Exchange] = []
    token = log.set(seen)
    try:
        yield seen
    finally:
        log.reset(token)


def install() -> None:
    """Make sure that the wrapper is in place; cheap, and right whoever else patches the pool before or after."""
    current = connectionpool.HTTPConnectionPool._make_request
    if getattr(current, "sidecar_observes", False):
        return
    connectionpool.HTTPConnectionPool._make_request = _observed(current)  # type: ignore[method-assign]


def uninstall() -> None:
    """Take the wrapper away, unless somebody else has patched over it since (it then passes straight through)."""
    current: Any = connectionpool.HTTPConnectionPool._make_request
    if getattr(current, "sidecar_observes", False):
        connectionpool.HTTPConnectionPool._make_request = current.__wrapped__  # type: ignore[method-assign]


def _observed(make_request: Any) -> Any:
    def _make_request(pool: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        seen = log.get()
        # Somebody may have patched over us and we over them: the attempt is still one.
        if type(seen) is not list or _attempting.get():
            return make_request(pool, conn, method, url, *args, **kwargs)
        return _attempt(seen, make_request, pool, conn, method, url, args, kwargs)

    _make_request.sidecar_observes = True  # type: ignore[attr-defined]
    _make_request.__wrapped__ = make_request  # type: ignore[attr-defined]
    return _make_request


def _attempt(
    seen: list[Exchange],
    make_request: Any,
    pool: Any,
    conn: Any,
    method: str,
    url: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    exchange = _begin(pool, method, url, kwargs)
    seen.append(exchange)
    token = _attempting.set(True)
    start = time.perf_counter()
    try:
        response = make_request(pool, conn, method, url, *args, **kwargs)
        exchange.status = response.status
        return response
    except BaseException as error:
        exchange.sent = not isinstance(error, _NOT_SENT)
        exchange.failure = type(error).__name__
        raise
    finally:
        exchange.duration = time.perf_counter() - start
        _attempting.reset(token)


def _begin(pool: Any, method: str, url: str, kwargs: dict[str, Any]) -> Exchange:
    exchange = Exchange(method=str(method), origin="", target=str(url))
    # What we add must never break the request itself.
    with contextlib.suppress(Exception):
        exchange.origin = f"{pool.scheme}://{pool.host}:{pool.port or (443 if pool.scheme == 'https' else 80)}"
        headers = {str(name).lower(): _text(value) for name, value in (kwargs.get("headers") or {}).items()}
        exchange.content_type = headers.get("content-type", "")
        exchange.secrets = tuple(value for name, value in headers.items() if name in _SECRET_HEADERS)
        _keep_body(exchange, kwargs.get("body"))
    return exchange


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _keep_body(exchange: Exchange, body: Any) -> None:
    """Bytes and text are kept up to a bound; files and iterators are not touched: they are the caller's to read."""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if not isinstance(body, bytes | bytearray):
        return
    exchange.body_size = len(body)
    exchange.body = bytes(body[:MAX_BODY])
    if MAX_BODY < len(body) <= _MAX_HASHED:
        exchange.body_digest = hashlib.sha256(body).hexdigest()


def plain(exchange: Exchange, redactor: Redactor, found: set[str]) -> dict[str, Any]:
    """``exchange`` as plain data without its secrets; their texts are added to ``found`` for `Redactor.scrub`."""
    for secret in exchange.secrets:
        found.update(_credentials(secret))
    path, _, query = exchange.target.partition("?")
    return {
        "method": exchange.method,
        "origin": exchange.origin,
        "path": path,
        "query": redactor.redact_query(query, found) if query else "",
        "status": exchange.status,
        "body": redactor.redact(bodies.plain_body(exchange), found),
        "duration": exchange.duration,
        "sent": exchange.sent,
    }


def _credentials(header: str) -> Iterator[str]:
    """The value of a credential header, and the part after its scheme."""
    yield header
    _, _, rest = header.partition(" ")
    if len(rest) >= 4:
        yield rest
