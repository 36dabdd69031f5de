"""What a replay may read of B's answers: so many bytes, and so many unpacked."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import threading
import tracemalloc
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import urllib3

from sidecar_science.errors import BodyTooLarge
from sidecar_science.routing.bounding import Bounding
from sidecar_science.routing.current import Current, CurrentReplay

MIB = 1024 * 1024
MOST = 2 * MIB


class _Handler(BaseHTTPRequestHandler):
    """``/N`` answers N bytes, ``/N?gzip`` N bytes packed, ``/N?chunked`` in chunks; 0 never ends."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size, _, how = self.path[1:].partition("?")
        pieces = itertools.repeat(b"x" * 65536, *([int(size) // 65536] if int(size) else []))
        if how in ("gzip", "deflate"):
            pieces = iter([(gzip.compress if how == "gzip" else zlib.compress)(b"x" * int(size))])
        self.send_response(200)
        if how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif how:
            self.send_header("Content-Encoding", how)
            [packed] = pieces
            pieces = iter([packed])
            self.send_header("Content-Length", str(len(packed)))
        else:
            self.send_header("Content-Length", size if int(size) else str(1 << 40))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if how == "chunked" else piece)
        if how == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up: that is what this is about."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def bounded(current: Current) -> Iterator[Current]:
    bounding = Bounding(current, MOST)
    bounding.install()
    yield current
    bounding.undo()


def by_requests(url: str) -> int:
    return len(requests.get(url, timeout=10).content)


def by_requests_in_parts(url: str) -> int:
    with requests.get(url, timeout=10, stream=True) as response:
        return sum(map(len, response.iter_content(1000)))


def by_requests_in_lines(url: str) -> int:
    with requests.get(url, timeout=10, stream=True) as response:
        return sum(map(len, response.iter_lines()))


def by_urllib3(url: str) -> int:
    return len(urllib3.PoolManager().request("GET", url, timeout=10, retries=False).data)


def by_urllib3_in_parts(url: str) -> int:
    response = urllib3.PoolManager().request("GET", url, timeout=10, retries=False, preload_content=False)
    return sum(len(piece) for piece in response.stream(700, decode_content=True))


def by_urllib(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return len(response.read())


def by_urllib_in_parts(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return sum(map(len, iter(lambda: response.read(3000), b"")))


def by_http_client(url: str) -> int:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", f"/{path}")
    response, room = connection.getresponse(), bytearray(100_000)
    return sum(iter(lambda: response.readinto(room), 0))


UNPACKING = [by_requests, by_requests_in_parts, by_requests_in_lines, by_urllib3, by_urllib3_in_parts]
CLIENTS = [*UNPACKING, by_urllib, by_urllib_in_parts, by_http_client]
Client = Callable[[str], int]


def name(client: Client) -> str:
    return client.__name__


@pytest.mark.parametrize("client", CLIENTS, ids=name)
@pytest.mark.parametrize("how", ["", "?chunked"])
def test_what_is_within_the_bound_is_read(
    url: str, bounded: Current, replay: CurrentReplay, client: Client, how: str
) -> None:
    """To its end, and byte for byte."""
    with bounded.replaying(replay):
        assert client(f"{url}/{MOST - 65536}{how}") == MOST - 65536
    assert replay.overflow is None
    assert MOST - 65536 < replay.received < MOST


@pytest.mark.parametrize("client", CLIENTS, ids=name)
@pytest.mark.parametrize("how", ["", "?chunked"])
def test_a_body_without_end_ends_the_replay(
    url: str, bounded: Current, replay: CurrentReplay, client: Client, how: str
) -> None:
    """Long before it fills the memory; and what has been put down stays so, whatever is made of the error."""
    tracemalloc.start()
    try:
        with bounded.replaying(replay), pytest.raises(BodyTooLarge, match="too large: B answered more than 2 MiB"):
            client(f"{url}/0{how}")
        assert tracemalloc.get_traced_memory()[1] < 8 * MOST
    finally:
        tracemalloc.stop()
    assert replay.overflow is not None


@pytest.mark.parametrize("client", UNPACKING, ids=name)
@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_a_bomb_ends_the_replay(url: str, bounded: Current, replay: CurrentReplay, client: Client, how: str) -> None:
    """A fraction of what it unpacks to is ever unpacked."""
    with bounded.replaying(replay), pytest.raises(BodyTooLarge, match="B unpacked more than 2 MiB"):
        client(f"{url}/{100 * MIB}?{how}")
    assert replay.unpacked < 4 * MOST


@pytest.mark.parametrize("client", UNPACKING, ids=name)
@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_what_is_unpacked_within_the_bound_is_read(
    url: str, bounded: Current, replay: CurrentReplay, client: Client, how: str
) -> None:
    """In pieces, to its end."""
    with bounded.replaying(replay):
        assert client(f"{url}/{MOST - 1}?{how}") == MOST - 1
    assert replay.overflow is None


def test_all_answers_of_a_replay_count_together(url: str, bounded: Current, replay: CurrentReplay) -> None:
    """A loop over pages is no way around it."""
    with bounded.replaying(replay), pytest.raises(BodyTooLarge):
        for _ in range(5):
            by_requests(f"{url}/{MOST // 2}")


def test_other_code_reads_what_it_likes(url: str, bounded: Current) -> None:
    """The worker's own, and whatever runs outside a replay."""
    assert by_requests(f"{url}/{2 * MOST}") == 2 * MOST
    assert by_requests(f"{url}/{2 * MOST}?gzip") == 2 * MOST


def test_json_of_a_packed_answer_is_what_it_was(bounded: Current, replay: CurrentReplay, b: Any) -> None:
    """Keep-alive connections go on as they did."""
    with bounded.replaying(replay), requests.Session() as session:
        for _ in range(3):
            assert json.loads(session.get(b.url, timeout=5).text)["place"] == "B"
    assert b.connections == 1
