"""Every request of a replay says whose it is, and waits no longer than the replay may last.

At ``http.client``, because requests, urllib3, urllib and botocore all end there, once per attempt. Clients
that speak HTTP themselves (httpx, aiohttp) are patched when they are imported, and only then.
"""

from __future__ import annotations

import http.client
import math
import socket
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any, Final

import wrapt

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.deadline import least, remaining_of
from sidecar_science.routing.patching import Patches

# Class and method through which every request of a client passes, and which of its arguments that request is.
_CLIENTS: Final = {
    "httpx": (("HTTPTransport", "handle_request", 1), ("AsyncHTTPTransport", "handle_async_request", 1)),
    "aiohttp": (("ClientRequest", "send", 0),),
}


class Marking:
    """Gives every request that leaves during a replay ``Sidecar-Job``, ``Sidecar-Environment`` and
    ``Idempotency-Key`` headers, and no more time than the replay has left. Headers that the adapter set
    itself stay."""

    def __init__(self, current: Current, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._current = current
        self._clock = clock
        self._patches = Patches()
        self._installed = False
        self._awaited: set[str] = set()

    def install(self) -> None:
        """Patch ``http.client`` now, and the other clients as soon as somebody imports them."""
        self.undo()
        self._installed = True
        self._patches.wrap(http.client.HTTPConnection, "endheaders", self._ending)
        for name in _CLIENTS.keys() - self._awaited:
            self._awaited.add(name)
            wrapt.register_post_import_hook(self._imported, name)

    def undo(self) -> None:
        """Leave every client as it was."""
        self._installed = False
        self._patches.undo()

    def _imported(self, client: ModuleType) -> None:
        # The import system keeps this hook until it has run, installed or not.
        self._awaited.discard(client.__name__)
        for class_name, method, position in _CLIENTS[client.__name__] if self._installed else ():
            owner = getattr(client, class_name, None)
            if method in vars(owner or object):
                self._patches.wrap(owner, method, self._speaking(position))

    def _ending(self, original: Any) -> Any:
        def endheaders(connection: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
            replay = self._current.get()
            if replay is None:
                original(connection, *args, **kwargs)
                return
            remaining = remaining_of(replay, self._clock)
            _mark(connection, replay)
            configured = connection.timeout
            _bound(connection, remaining)
            try:
                original(connection, *args, **kwargs)
            finally:
                connection.timeout = configured

        return endheaders

    def _speaking(self, position: int) -> Callable[[Any], Any]:
        def wrapping(original: Any) -> Any:
            def speak(*args: Any, **kwargs: Any) -> Any:
                replay = self._current.get()
                if replay is not None:
                    _prepare(args[position], replay, remaining_of(replay, self._clock))
                return original(*args, **kwargs)

            return speak

        return wrapping


def _mark(connection: Any, replay: CurrentReplay) -> None:
    """Add what is missing to the header lines that ``connection`` has collected and not yet sent."""
    first, *lines = connection._buffer
    method, path, *_ = first.decode("latin-1").split(" ")
    present = {line.partition(b":")[0].lower() for line in lines}
    for name, value in replay.headers(method, path).items():
        if name.lower().encode() not in present:
            # As `putheader` would, without what it checks and we know: these are ASCII and hold no line's end.
            connection._buffer.append(f"{name}: {value}".encode("ascii"))


def _bound(connection: Any, remaining: float) -> None:
    """Have a new connection, or the one kept alive, wait no longer than ``remaining`` seconds at a time."""
    if remaining == math.inf:
        return
    configured = connection.timeout
    if not isinstance(configured, int | float | None):  # the standard library's mark for "whatever is default"
        configured = socket.getdefaulttimeout()
    connection.timeout = least(configured, remaining)
    if connection.sock is not None:
        connection.sock.settimeout(connection.timeout)


def _prepare(request: Any, replay: CurrentReplay, remaining: float) -> None:
    """The same for a request of httpx or aiohttp."""
    headers: MutableMapping[str, str] = request.headers
    for name, value in replay.headers(request.method, request.url.path).items():
        headers.setdefault(name, value)
    timeouts = getattr(request, "extensions", {}).get("timeout")
    if timeouts:
        request.extensions = {
            **request.extensions,
            "timeout": {phase: least(seconds, remaining) for phase, seconds in timeouts.items()},
        }
