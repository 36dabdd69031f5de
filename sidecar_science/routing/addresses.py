"""Where connections may go: named endpoints, and the addresses that their names have now."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sidecar_science.clock import Clock
from sidecar_science.routing.origins import LOOPBACK, Endpoint, canonical, place
from sidecar_science.routing.routes import Resolver

REFRESH_SECONDS: Final = 1.0
LEARNED_SECONDS: Final = 60.0
_LOOPBACK_HOSTS: Final = (LOOPBACK, "127.0.0.1", "::1")


class Addresses:
    """The endpoints ``named``, by name and by address, without what ``taken`` endpoints have too.

    Names are resolved by `refresh`, and again when somebody connects to an unknown address on a known port:
    services move. That happens at most once per `REFRESH_SECONDS`. A name with an address that is taken
    leads nowhere at all.
    """

    def __init__(
        self,
        named: Iterable[Endpoint],
        *,
        taken: Iterable[Endpoint] = (),
        clock: Clock,
        resolver: Resolver = socket.getaddrinfo,
    ) -> None:
        self._named = sorted({(canonical(host), port) for host, port in named})
        self._taken = sorted({(canonical(host), port) for host, port in taken})
        self._ports_of: dict[str, set[int]] = {}
        for host, port in self._named:
            for spelling in _spellings(host):
                self._ports_of.setdefault(spelling, set()).add(port)
        self._ports = frozenset(port for _, port in self._named)
        self._known: frozenset[Endpoint] = frozenset()
        self._forbidden: frozenset[Endpoint] = frozenset()
        self._learned: dict[Endpoint, float] = {}
        self._clock = clock
        self._resolver = resolver
        self._refreshed = -math.inf
        self._lock = threading.RLock()

    def __str__(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self._named) or "nothing"

    def name(self, host: str) -> bool:
        """Whether ``host`` is one of the names."""
        return host in self._ports_of or canonical(host) in self._ports_of

    def hold(self, host: str, port: int) -> bool:
        """Whether ``host`` (an address or a name, in any spelling) and ``port`` are among them."""
        if (host, port) in self._known:
            return True
        if port not in self._ports:
            return False
        endpoint = (place(host), port)
        if endpoint not in self._known and endpoint not in self._forbidden:
            self._refresh_again()
        return endpoint in self._known

    def resolve(self) -> None:
        """Resolve every name, the taken ones included; one that does not resolve keeps only itself."""
        self._forbidden = frozenset(found for host, port in self._taken for found in self._found(host, port))
        self.refresh()

    def refresh(self) -> None:
        """Resolve every name that is not taken."""
        with self._lock:
            self._refreshed = now = self._clock.monotonic()
            self._learned = {one: at for one, at in self._learned.items() if now - at < LEARNED_SECONDS}
            found = [self._found(host, port) for host, port in self._named]
            self._known = frozenset(self._learned).union(*(each for each in found if not each & self._forbidden))

    def learn(self, host: str, answers: Sequence[tuple[Any, ...]]) -> None:
        """Somebody resolved ``host``: if that is one of the names, its addresses in ``answers`` (a name may have
        others for everybody who asks) are where they will connect to."""
        for port in self._ports_of.get(host) or self._ports_of.get(canonical(host)) or ():
            if all((answer[4][0], port) in self._known for answer in answers):
                continue
            found = _spelled([host, *(str(answer[4][0]) for answer in answers)], port)
            if not found & self._forbidden:
                with self._lock:
                    self._learned.update(dict.fromkeys(found, self._clock.monotonic()))
                    self._known |= found

    def _refresh_again(self) -> None:
        with self._lock:
            if self._clock.monotonic() - self._refreshed >= REFRESH_SECONDS:
                self.refresh()

    def _found(self, host: str, port: int) -> frozenset[Endpoint]:
        try:
            answers = self._resolver(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers = []
        return _spelled([host, *(str(answer[4][0]) for answer in answers)], port)


def _spelled(hosts: Iterable[str], port: int) -> frozenset[Endpoint]:
    return frozenset((spelling, port) for host in hosts for spelling in _spellings(canonical(host)))


def _spellings(host: str) -> tuple[str, ...]:
    """What ``host`` is looked up as; the loopback host has three names of its own."""
    return _LOOPBACK_HOSTS if place(host) == LOOPBACK else (host,)
