"""The proxy does what it says: a rig that breaks nothing proves nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Mode, Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says back what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                while heard := client.recv(1000):
                    client.sendall(heard)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """A proxy in front of the echo."""
    with Proxy(echo) as proxy:
        yield proxy


def _client(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3)


def test_it_carries_both_ways(proxy: Proxy) -> None:
    """What is said comes back, and the end of one side ends the other."""
    with _client(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"

        client.shutdown(socket.SHUT_WR)
        assert client.recv(5) == b""


@pytest.mark.parametrize("mode", ["blackhole", "drop_replies"])
def test_what_is_swallowed_never_comes(proxy: Proxy, mode: Mode) -> None:
    """A connection that has lost bytes stays silent, also when the proxy passes again; a new one speaks."""
    with _client(proxy) as client:
        proxy.be(mode)
        client.sendall(b"hello")
        with pytest.raises(TimeoutError):
            client.recv(5)

        proxy.be("pass")
        client.sendall(b"still there?")
        with pytest.raises(TimeoutError):
            client.recv(5)

    with _client(proxy) as another:
        another.sendall(b"hello")
        assert another.recv(5) == b"hello"


def test_a_delay_makes_it_late(proxy: Proxy) -> None:
    """A delayed chunk comes, later."""
    with _client(proxy) as client:
        proxy.be("delay", 0.05)
        before = time.monotonic()
        client.sendall(b"hello")

        assert client.recv(5) == b"hello"
        assert time.monotonic() - before >= 0.1


def test_a_reset_breaks_old_connections_and_new_ones(proxy: Proxy) -> None:
    """Both ends of every connection see it reset."""
    with _client(proxy) as client:
        client.sendall(b"hello")
        client.recv(5)
        proxy.be("reset")
        with pytest.raises(ConnectionResetError):
            client.recv(5)

    with pytest.raises(ConnectionResetError), _client(proxy) as another:
        another.recv(5)


def test_a_trap_waits_for_its_word(proxy: Proxy) -> None:
    """The request that has it in it is the first one that is swallowed."""
    proxy.trap(b"now", "blackhole")
    with _client(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        assert not proxy.trapped.is_set()

        client.sendall(b"and now")
        with pytest.raises(TimeoutError):
            client.recv(5)

    assert proxy.trapped.is_set()
