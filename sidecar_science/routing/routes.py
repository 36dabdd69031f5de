"""Which base URL of B stands for which base URL of A, and what a request that aims at A becomes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sidecar_science.errors import UsageError
from sidecar_science.routing.origins import LOOPBACK, Endpoint, Origin, aim, is_address, place, segments

__all__ = ["Endpoint", "Origin", "Resolver", "Routes"]

Resolver = Callable[..., Sequence[tuple[Any, ...]]]


class Routes:
    """The routes in effect.

    ``services`` gives each declared service's base URLs on A, ``targets`` the base URL on B of those that
    have a route. Raises `DeclarationError` for a bad base URL of A, `UsageError` for a bad one of B or a
    service that nobody declared.
    """

    def __init__(self, services: Mapping[str, Sequence[str]], targets: Mapping[str, str]) -> None:
        unknown = sorted(set(targets) - set(services))
        if unknown:
            known = ", ".join(sorted(services)) or "none at all"
            raise UsageError(f"no service {unknown[0]!r} is declared; declared: {known}; route one of those")
        self.controls: tuple[tuple[str, Origin], ...] = tuple(
            (name, Origin.parse(url, what=f"the base URL of service {name!r}"))
            for name, urls in services.items()
            for url in ([urls] if isinstance(urls, str) else urls)
        )
        self.targets: dict[str, Origin] = {
            name: Origin.parse(url, what=f"the route of service {name!r}", error=UsageError)
            for name, url in targets.items()
        }
        self._control_places = {origin.place for _, origin in self.controls}
        self._target_places = {origin.place for origin in self.targets.values()}

    def reroute(self, url: str, service: str | None = None) -> str | None:
        """``url`` as B has it; None when it lies under no base URL of A that has a route.

        The longest base path decides; of services that share it, ``service`` (the one being replayed) comes
        first, then those that have a route, in the order of declaration. Query and fragment stay as they
        are.
        """
        aimed = aim(url)
        if aimed is None or aimed[1:] not in self._control_places:
            return None
        parts = urlsplit(url)
        pieces = segments(parts.path)
        chosen = self._chosen(aimed, pieces, service)
        if chosen is None:
            return None
        control, target = chosen
        path = "".join(f"/{piece}" for piece in (*target.path, *pieces[len(control.path) :]))
        return urlunsplit((target.scheme, target.authority, path or "/", parts.query, parts.fragment))

    def _chosen(
        self, aimed: tuple[str, str, int], pieces: list[str], service: str | None
    ) -> tuple[Origin, Origin] | None:
        covering = [
            (name, origin)
            for name, origin in self.controls
            if (origin.scheme, *origin.place) == aimed and origin.covers(pieces)
        ]
        longest = max((len(origin.path) for _, origin in covering), default=0)
        best = [(name, origin) for name, origin in covering if len(origin.path) == longest]
        best.sort(key=lambda pair: pair[0] != service)  # stable: the declared order stays among the others
        for name, origin in best:
            if name in self.targets:
                return origin, self.targets[name]
        return None

    def is_control(self, url: str) -> bool:
        """Whether ``url`` aims at the host and port of one of A's origins, whatever its scheme and path."""
        aimed = aim(url)
        return aimed is not None and aimed[1:] in self._control_places

    def is_target(self, url: str) -> bool:
        """Whether ``url`` aims at the host and port of one of B's origins, whatever its scheme and path."""
        aimed = aim(url)
        return aimed is not None and aimed[1:] in self._target_places

    def endpoints(self) -> set[Endpoint]:
        """Host and port of every origin of B: all that a replay may connect to."""
        return {origin.endpoint for origin in self.targets.values()}

    def control_endpoints(self) -> set[Endpoint]:
        """Host and port of every origin of A, of services with and without a route."""
        return {origin.endpoint for _, origin in self.controls}

    def check_separate(self, resolver: Resolver = socket.getaddrinfo) -> None:
        """Raise `UsageError` when an origin of B is one of A's: by name, or by an address that both resolve
        to.

        A name that does not resolve here has no addresses: nothing that it names can be reached from here
        either.
        """
        controls = [(name, origin, _addresses(origin, resolver)) for name, origin in self.controls]
        for name, target in self.targets.items():
            reached = _addresses(target, resolver)
            for owner, control, taken in controls:
                if target.port == control.port and reached & taken:
                    raise UsageError(_collision(name, target, owner, control, reached & taken))


def _addresses(origin: Origin, resolver: Resolver) -> set[str]:
    """Where ``origin`` leads: its own name, and every address of it, those of this machine all being one."""
    found = {place(origin.host)}
    try:
        answers = resolver(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        answers = []
    found |= {place(str(answer[4][0])) for answer in answers}
    return {LOOPBACK if _is_this_machine(host) else host for host in found}


def _is_this_machine(host: str) -> bool:
    """Whether ``host`` is an address of this machine; a server that listens on all of them answers on each."""
    if host == LOOPBACK or not is_address(host):
        return host == LOOPBACK
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return True


def _collision(name: str, target: Origin, owner: str, control: Origin, shared: set[str]) -> str:
    return (
        f"the route {name}={target.url} leads to A: service {owner!r} is declared at {control.url}, "
        f"and both are {min(shared)} port {target.port}; "
        "give B an address or a port of its own, and name that in the route"
    )
