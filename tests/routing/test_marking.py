"""Every request of a replay says whose it is, once."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import requests
import urllib3

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.marking import Marking

from .conftest import StillClock
from .places import Place


@pytest.fixture
def marking(current: Current, clock: StillClock) -> Iterator[Marking]:
    marking = Marking(current, clock=clock)
    marking.install()
    yield marking
    marking.undo()


def by_http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://").partition("/")[0], timeout=5)
    connection.request("GET", "/x")
    connection.getresponse().read()
    connection.close()


def by_httpx_async(url: str) -> None:
    async def get() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url)

    asyncio.run(get())


def by_aiohttp(url: str) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            await response.read()

    asyncio.run(get())


CLIENTS: dict[str, Callable[[str], Any]] = {
    "requests": lambda url: requests.get(url, timeout=5),
    "urllib3": lambda url: urllib3.PoolManager().request("GET", url),
    "urllib": lambda url: urllib.request.urlopen(url, timeout=5).read(),
    "http.client": by_http_client,
    "httpx": lambda url: httpx.get(url),
    "httpx async": by_httpx_async,
    "aiohttp": by_aiohttp,
}


def counted(place: Place) -> dict[str, list[str]]:
    """All values of our headers in the first request, by name."""
    headers = place.requests[0]["headers"]
    names = ("Sidecar-Job", "Sidecar-Environment", "Idempotency-Key")
    return {name: [value for key, value in headers if key.lower() == name.lower()] for name in names}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_marks_once(
    client: str, b: Place, current: Current, replay: CurrentReplay, marking: Marking
) -> None:
    """Whatever library sends it, B sees job, environment and a key, none of them twice."""
    with current.replaying(replay):
        CLIENTS[client](f"{b.url}/x")

    marks = counted(b)
    assert marks["Sidecar-Job"] == ["job-1"]
    assert marks["Sidecar-Environment"] == ["b-42"]
    assert len(marks["Idempotency-Key"]) == 1
    assert marks["Idempotency-Key"][0].startswith("job-1-")


@pytest.mark.parametrize("client", CLIENTS)
def test_outside_a_replay_nothing_is_marked(client: str, b: Place, marking: Marking) -> None:
    """What the worker or anybody else sends is none of a job's."""
    CLIENTS[client](f"{b.url}/x")

    assert counted(b) == {"Sidecar-Job": [], "Sidecar-Environment": [], "Idempotency-Key": []}


@pytest.mark.parametrize(
    "send",
    [
        lambda url: requests.post(url, headers={"idempotency-key": "mine"}, timeout=5),
        lambda url: httpx.post(url, headers={"idempotency-key": "mine"}),
    ],
    ids=["requests", "httpx"],
)
def test_a_key_of_the_adapter_stays(
    send: Callable[[str], Any], b: Place, current: Current, replay: CurrentReplay, marking: Marking
) -> None:
    """An adapter that makes idempotency keys itself knows better what belongs together."""
    with current.replaying(replay):
        send(f"{b.url}/x")

    assert counted(b)["Idempotency-Key"] == ["mine"]


def test_every_attempt_is_a_request_of_its_own(
    b: Place, current: Current, replay: CurrentReplay, marking: Marking
) -> None:
    """Two equal requests on one connection carry different keys, so that B does not take the second for the first."""
    with current.replaying(replay), requests.Session() as session:
        session.post(f"{b.url}/x", timeout=5)
        session.post(f"{b.url}/x", timeout=5)

    first, second = (dict(request["headers"])["Idempotency-Key"] for request in b.requests)
    assert first != second
    assert b.connections == 1


def test_a_slow_b_is_given_up_at_the_deadline(b: Place, current: Current) -> None:
    """Clients without a timeout wait as long as the replay lasts, on new connections and on kept ones."""
    marking = Marking(current)
    marking.install()
    connection = http.client.HTTPConnection("127.0.0.1", b.port)
    try:
        with current.replaying(CurrentReplay(job="1", environment="b", deadline=SYSTEM_CLOCK.monotonic() + 0.3)):
            connection.request("GET", "/x")
            connection.getresponse().read()
            with pytest.raises(TimeoutError):
                connection.request("GET", "/slow")
                connection.getresponse()
        assert connection.timeout is socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]
    finally:
        connection.close()
        marking.undo()


@pytest.mark.parametrize(("timeout", "expected"), [(None, 4.0), (1, 1.0), (30, 4.0)])
def test_the_smaller_timeout_holds(
    timeout: float | None, expected: float, b: Place, current: Current, marking: Marking
) -> None:
    """What the client says counts as long as it is within the replay's time; afterwards it is as it was."""
    connection = http.client.HTTPConnection("127.0.0.1", b.port, timeout=timeout)

    with current.replaying(CurrentReplay(job="1", environment="b", deadline=104.0)):
        connection.request("GET", "/x")

    assert connection.sock.gettimeout() == expected
    assert connection.timeout == timeout
    connection.close()


def test_a_slow_b_is_given_up_by_httpx(b: Place, current: Current) -> None:
    """The same for a client that speaks HTTP itself and has been told to wait for ever."""
    marking = Marking(current)
    marking.install()
    replay = CurrentReplay(job="1", environment="b", deadline=SYSTEM_CLOCK.monotonic() + 0.2)
    try:
        with current.replaying(replay), pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{b.url}/slow", timeout=None)
    finally:
        marking.undo()


@pytest.mark.parametrize("client", ["urllib", "http.client", "httpx"])
def test_after_the_deadline_nothing_is_sent(client: str, b: Place, current: Current, marking: Marking) -> None:
    """A client that tries again by itself is stopped before it sends."""
    replay = CurrentReplay(job="1", environment="b", deadline=100.0)

    with current.replaying(replay), pytest.raises(DeadlineExceeded):
        CLIENTS[client](f"{b.url}/x")

    assert b.requests == []


def test_undone_clients_are_themselves_again(current: Current) -> None:
    """Installing twice and undoing once leaves the libraries' own methods."""
    own = (http.client.HTTPConnection.endheaders, httpx.HTTPTransport.handle_request)
    marking = Marking(current)

    marking.install()
    marking.install()
    patched = (http.client.HTTPConnection.endheaders, httpx.HTTPTransport.handle_request)
    marking.undo()

    assert patched != own
    assert (http.client.HTTPConnection.endheaders, httpx.HTTPTransport.handle_request) == own


@pytest.fixture
def later_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A module that has the shape of aiohttp as far as marking knows it, importable and not yet imported."""
    (tmp_path / "aiohttp.py").write_text("class ClientRequest:\n    def send(self): return dict(self.headers)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "aiohttp", raising=False)
    yield "aiohttp"
    sys.modules.pop("aiohttp", None)


def sent_by(client: ModuleType) -> dict[str, str]:
    request = client.ClientRequest()
    request.headers, request.method, request.url = {}, "GET", httpx.URL("http://b/x")
    sent: dict[str, str] = request.send()
    return sent


def test_a_client_that_is_imported_later_is_patched_then(
    later_client: str, current: Current, replay: CurrentReplay, marking: Marking
) -> None:
    """Nothing is imported for marking; a client that an adapter imports in its first call is marked as well."""
    assert later_client not in sys.modules

    client = importlib.import_module(later_client)

    with current.replaying(replay):
        assert sent_by(client)["Sidecar-Job"] == "job-1"


def test_a_client_of_another_shape_is_left_alone(later_client: str, tmp_path: Path, marking: Marking) -> None:
    """A later version without the method that we know is no reason to fail its import."""
    (tmp_path / "aiohttp.py").write_text("class ClientRequest:\n    pass\n")

    assert vars(importlib.import_module(later_client).ClientRequest).get("send") is None


def test_a_client_that_is_imported_after_undoing_is_left_alone(
    later_client: str, current: Current, replay: CurrentReplay
) -> None:
    """The import system keeps the hook, but what was undone patches nothing; installed again, it does."""
    marking = Marking(current)
    marking.install()
    marking.undo()

    client = importlib.import_module(later_client)

    with current.replaying(replay):
        assert sent_by(client) == {}
        marking.install()
        assert json.dumps(sent_by(client)).count("job-1") == 2
    marking.undo()
