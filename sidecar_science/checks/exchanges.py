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
from contextvars import ContextVar
from typing import Any, Final

import attrs
from urllib3 import connectionpool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from sidecar_science.checks import bodies
from sidecar_science.codec.redaction import DEFAULT_HEADERS, Redactor
from sidecar_science.codec.secret_texts import texts

MAX_BODY: Final = 64 * 1024
MAX_BODIES: Final = 512 * 1024
MAX_EXCHANGES: Final = 1000
_MAX_HASHED: Final = 8 * 1024 * 1024
_SECRET_HEADERS: Final = frozenset(name.lower() for name in DEFAULT_HEADERS)
_NOT_SENT: Final = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
_MARK: Final = "sidecar_observes"


class Watch:
    """One call in progress, as the context that it runs in knows it.

    ``exchanges`` takes what leaves, or is None where nothing is kept. A task or thread that the call started has the
    same context and may outlive it: what it does once the call is ``over`` is no longer part of the call.
    """

    __slots__ = ("exchanges", "over")

    def __init__(self, exchanges: list[Exchange] | None = None) -> None:
        self.exchanges = exchanges
        self.over = False


watching: ContextVar[Watch | None] = ContextVar("sidecar_science.watching", default=None)
"""The call that this context is part of."""

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


class observing:  # noqa: N801 - it reads as the block that it is
    """Within the block, and in this context alone, exchanges are put into the list that it gives."""

    __slots__ = ("_token", "_watch")

    def __enter__(self) -> list[Exchange]:
        install()
        seen: list[Exchange] = []
        self._watch = Watch(seen)
        self._token = watching.set(self._watch)
        return seen

    def __exit__(self, *_: object) -> None:
        self._watch.over = True
        watching.reset(self._token)


def install() -> None:
    """Make sure that the wrapper is in place; cheap, and right whoever else patches the pool before or after."""
    pool: Any = connectionpool.HTTPConnectionPool
    current = pool._make_request
    # Whoever wraps ours and copies its attributes shows the mark too, and ours is still below.
    if getattr(current, _MARK, None) is None:
        pool._make_request = _observed(current)


def uninstall() -> None:
    """Take the wrapper away, unless somebody else has patched over it since (it then passes straight through)."""
    pool: Any = connectionpool.HTTPConnectionPool
    ours = getattr(pool._make_request, _MARK, None)
    if ours is not None and ours is pool._make_request:
        pool._make_request = ours.__wrapped__


def _observed(make_request: Any) -> Any:
    def _make_request(pool: Any, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        watch = watching.get()
        # Somebody may have patched over us and we over them: the attempt is still one.
        if watch is None or watch.over or watch.exchanges is None or _attempting.get():
            return make_request(pool, conn, method, url, *args, **kwargs)
        return _attempt(watch.exchanges, make_request, pool, conn, method, url, args, kwargs)

    setattr(_make_request, _MARK, _make_request)
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
    exchange = _begin(seen, pool, method, url, kwargs)
    token = _attempting.set(True)
    start = time.perf_counter()
    try:
        response = make_request(pool, conn, method, url, *args, **kwargs)
        exchange.status = response.status
        return response
    except BaseException as error:
        exchange.sent = not _came_to_nothing(error)
        exchange.failure = type(error).__name__
        raise
    finally:
        exchange.duration = time.perf_counter() - start
        _attempting.reset(token)


def _begin(seen: list[Exchange], pool: Any, method: str, url: str, kwargs: dict[str, Any]) -> Exchange:
    exchange = Exchange(method=str(method), origin="", target=str(url))
    # What we add must never break the request itself.
    with contextlib.suppress(Exception):
        exchange.origin = f"{pool.scheme}://{pool.host}:{pool.port or (443 if pool.scheme == 'https' else 80)}"
        headers = {str(name).lower(): _text(value) for name, value in (kwargs.get("headers") or {}).items()}
        exchange.content_type = headers.get("content-type", "")
        exchange.secrets = tuple(value for name, value in headers.items() if name in _SECRET_HEADERS)
        _keep_body(exchange, kwargs.get("body"), MAX_BODIES - sum(len(each.body or b"") for each in seen))
    if len(seen) < MAX_EXCHANGES:
        seen.append(exchange)
    return exchange


def _came_to_nothing(error: BaseException) -> bool:
    """Whether it is certain that nothing was sent. urllib3 wraps what went wrong with TLS or on the way to a proxy."""
    with contextlib.suppress(Exception):
        inner = (error, getattr(error, "original_error", None), *error.args[:1])
        return any(isinstance(each, _NOT_SENT) for each in inner)
    return False


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _keep_body(exchange: Exchange, body: Any, room: int) -> None:
    """Bytes and text are kept up to a bound; files and iterators are not touched: they are the caller's to read."""
    if not isinstance(body, str | bytes | bytearray):
        return
    exchange.body_size = len(body)
    exchange.body = b""
    if len(body) > _MAX_HASHED:
        return
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
        exchange.body_size = len(body)
    if len(body) <= min(MAX_BODY, room):
        exchange.body = bytes(body)
    else:
        exchange.body_digest = hashlib.sha256(body).hexdigest()


def plain(exchange: Exchange, redactor: Redactor, found: set[str], *, bare: bool = False) -> dict[str, Any]:
    """``exchange`` as plain data without its secrets; their texts are added to ``found`` for `Redactor.scrub`.

    ``bare``: of a body only its size and digest.
    """
    found.update(texts(exchange.secrets))
    path, _, query = exchange.target.partition("?")
    return {
        "method": exchange.method,
        "origin": exchange.origin,
        "path": path,
        "query": redactor.redact_query(query, found) if query else "",
        "status": exchange.status,
        "body": bodies.bare_body(exchange) if bare else bodies.plain_body(exchange, redactor, found),
        "duration": exchange.duration,
        "sent": exchange.sent,
    }
