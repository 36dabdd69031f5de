"""What an adapter aims at A through ``requests`` goes to B, and nothing of it takes a detour.

What is patched, all of it in the worker's process alone: ``Session.send`` (the one place that
every request of every session passes, before its connection is chosen), ``HTTPAdapter.send`` (the last
place that sees the timeout, after an adapter's own defaults) and ``Session.trust_env`` (proxies and netrc
of the environment); and what `sidecar_science.routing.shortcuts` makes quicker.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.cookies import get_cookie_header
from requests.sessions import SessionRedirectMixin

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import EgressRefused
from sidecar_science.routing import shortcuts
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.deadline import bounded, remaining_of
from sidecar_science.routing.origins import aim
from sidecar_science.routing.patching import Patches
from sidecar_science.routing.routes import Routes

_PROXY_VARIABLES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "ws_proxy", "wss_proxy"})
_BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Rerouting:
    """Sends to B what an adapter aims at A through ``requests``, during a replay.

    A redirect that B answers is followed within B and refused towards A. Outside a replay requests pass as
    they are, without the environment's proxies and netrc.
    """

    def __init__(
        self,
        routes: Routes,
        current: Current,
        *,
        clock: Clock = SYSTEM_CLOCK,
        environ: MutableMapping[str, str] = os.environ,
    ) -> None:
        self._routes = routes
        self._current = current
        self._clock = clock
        self._environ = environ
        self._patches = Patches()
        self._removed: dict[str, str] = {}
        self._following: ContextVar[bool] = ContextVar("sidecar_science.following", default=False)

    def install(self) -> None:
        """Patch ``requests`` and take the proxy variables out of the environment."""
        self.undo()
        self._patches.wrap(Session, "send", self._sending)
        self._patches.wrap(SessionRedirectMixin, "resolve_redirects", self._redirecting)
        self._patches.wrap(HTTPAdapter, "send", self._bounding)
        self._patches.wrap(Session, "merge_environment_settings", self._verifying)
        shortcuts.install(self._patches)
        self._patches.put(Session, "trust_env", _Never("trust_env"))
        for name in [name for name in self._environ if name.lower() in _PROXY_VARIABLES]:
            self._removed[name] = self._environ.pop(name)

    def undo(self) -> None:
        """Leave ``requests`` and the environment as they were."""
        self._patches.undo()
        for name, value in self._removed.items():
            self._environ.setdefault(name, value)
        self._removed.clear()

    def _sending(self, original: Any) -> Any:
        def send(session: Session, request: PreparedRequest, **kwargs: Any) -> Response:
            replay = self._current.get()
            if replay is None:
                return original(session, request, **kwargs)  # type: ignore[no-any-return]
            # A proxy that the adapter itself names would hide from the guard where a request goes.
            kwargs["proxies"] = {}
            if self._following.get():
                self._hold_within_b(request, replay)
            else:
                request = self._rerouted(request, replay)
            with self._flagged(False):
                return original(session, request, **kwargs)  # type: ignore[no-any-return]

        return send

    def _redirecting(self, original: Any) -> Any:
        def resolve_redirects(session: Session, *args: Any, **kwargs: Any) -> Iterator[Any]:
            hops = original(session, *args, **kwargs)
            while True:
                # Only while the generator runs: between two hops it is the caller's code that sends.
                with self._flagged(True):
                    hop = next(hops, None)
                if hop is None:
                    return
                yield hop

        return resolve_redirects

    @contextlib.contextmanager
    def _flagged(self, following: bool) -> Iterator[None]:
        token = self._following.set(following)
        try:
            yield
        finally:
            self._following.reset(token)

    def _bounding(self, original: Any) -> Any:
        def send(
            adapter: HTTPAdapter,
            request: PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            *args: Any,
            **kwargs: Any,
        ) -> Response:
            replay = self._current.get()
            if replay is not None:
                timeout = bounded(timeout, remaining_of(replay, self._clock))
            return original(adapter, request, stream, timeout, *args, **kwargs)  # type: ignore[no-any-return]

        return send

    def _verifying(self, original: Any) -> Any:
        def merge_environment_settings(
            session: Session, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
        ) -> Any:
            # Without trust_env requests would forget which certificates the environment tells it to trust.
            if verify is True or verify is None:
                bundles = (self._environ.get(name) for name in _BUNDLE_VARIABLES)
                verify = next(filter(None, bundles), verify)
            if self._current.get() is None:
                return original(session, url, proxies, stream, verify, cert)
            # What is left to merge during a replay, in which proxies are dropped anyway: a tenth of requests' own time.
            return {
                "proxies": {},
                "stream": session.stream if stream is None else stream,
                "verify": session.verify if verify is None else verify,
                "cert": session.cert if cert is None else cert,
            }

        return merge_environment_settings

    def _hold_within_b(self, request: PreparedRequest, replay: CurrentReplay) -> None:
        if self._routes.is_control(request.url or ""):
            _refuse(
                replay,
                f"a redirect from B to {_origin(request)}, an origin of A; redirects are followed within B "
                "alone: tell B its own public address, so that it redirects to itself",
            )

    def _rerouted(self, request: PreparedRequest, replay: CurrentReplay) -> PreparedRequest:
        url = request.url or ""
        target = self._routes.reroute(url, replay.service)
        if target is not None:
            return _aimed(request, target)
        if self._routes.is_control(url):
            _refuse(
                replay,
                f"a request to {_origin(request)}, an origin of A, under no base URL of a service that has a "
                "route; add a --route for that service, or declare the base URL that this request belongs to",
            )
        return request


class _Never:
    """An attribute that is False whatever instances say; what they say is kept for when this is gone."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> bool:
        return False

    def __set__(self, instance: object, value: bool) -> None:
        vars(instance)[self._name] = value


def _refuse(replay: CurrentReplay, reason: str) -> None:
    replay.refuse(f"refused {reason}")
    raise EgressRefused(f"refused {reason}")


def _origin(request: PreparedRequest) -> str:
    """Scheme, host and port of a request: its path may quote somebody's identity, and error texts are kept."""
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _aimed(request: PreparedRequest, url: str) -> PreparedRequest:
    """A copy of ``request`` that aims at ``url``; the caller's own stays as it is."""
    moved = copy.copy(request)
    moved.headers = request.headers.copy()
    if _names_host(moved):
        del moved.headers["Host"]
    cookies = _cookies(request, url)
    if cookies:
        moved.headers["Cookie"] = cookies
    moved.url = url
    return moved


def _names_host(request: PreparedRequest) -> bool:
    """Whether an explicit Host header says what the URL says anyway."""
    host = request.headers.get("Host")
    if host is None:
        return False
    scheme, *_ = aimed = aim(request.url or "") or ("http", "", 0)
    return aim(f"{scheme}://{host.decode() if isinstance(host, bytes) else host}") == aimed


def _cookies(request: PreparedRequest, url: str) -> str | None:
    """The cookies that ``request`` takes along to ``url``: those it was given for A, and those that B has set.

    A Cookie header that the adapter wrote itself stays as it is, as it does in requests.
    """
    probe = copy.copy(request)
    probe.headers = request.headers.copy()
    written = probe.headers.pop("Cookie", None)
    jar = request._cookies  # type: ignore[attr-defined]
    if jar is None or written != get_cookie_header(jar, probe):  # type: ignore[no-untyped-call]
        return None
    probe.url = url
    there = get_cookie_header(jar, probe)  # type: ignore[no-untyped-call]
    pairs = {pair.partition("=")[0]: pair for header in (written, there) if header for pair in header.split("; ")}
    return "; ".join(pairs.values())
