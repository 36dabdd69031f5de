"""How Redis is reached: by which URLs, for how long it is tried, and in whose name."""

from __future__ import annotations

import socket
import time

import pytest

from sidecar_science.errors import JournalUnavailable, UsageError
from sidecar_science.journal.redis import connect, open_log
from tests.servers import start_valkey

pytestmark = pytest.mark.realserver


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:6379?socket_timeout=soon", "127.0.0.1"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """What cannot be a Redis URL is told when it is given, not when it is used."""
    with pytest.raises(UsageError, match="Redis URL"):
        open_log(url, "n")


def test_a_name_that_does_not_resolve_means_unavailable() -> None:
    """A name server that fails is tried again later."""
    with pytest.raises(JournalUnavailable):
        open_log("redis://no-such-host.invalid:6379", "n").ensure()


def test_unix_sockets_and_tls_urls_are_understood(tmp_path: object) -> None:
    """The URL's scheme chooses how to connect."""
    with start_valkey(unixsocket=f"{tmp_path}/s") as server:
        assert open_log(f"unix://{tmp_path}/s", "n", partitions=3).size().entries == 0
        with pytest.raises(JournalUnavailable):
            open_log(f"rediss://127.0.0.1:{server.port}", "n", partitions=3).size()


def test_every_connecting_happens_inside_own() -> None:
    """A guard that lets only our code reach Redis sees each connecting, the first and those after a loss."""
    inside: list[str] = []

    class Own:
        def __enter__(self) -> None:
            inside.append("in")

        def __exit__(self, *_: object) -> None:
            inside.append("out")

    with start_valkey() as server:
        link = connect(server.url, own=Own)
        assert inside == []
        link.command("PING")
        link.command("PING")
        assert inside == ["in", "out"]
        connect(server.url).command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        link.command("PING")

    assert inside == ["in", "out", "in", "out"]


def test_connecting_is_given_up_after_its_own_timeout() -> None:
    """A host that does not answer costs the time to connect, not the time to wait for a reply."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        began = time.monotonic()

        with pytest.raises(JournalUnavailable):
            connect(f"redis://127.0.0.1:{port}", socket_timeout=5.0, connect_timeout=0.2).command("PING")

        assert time.monotonic() - began < 1.0
        for each in crowd:
            each.close()
