"""A user-space TCP proxy that does to connections what networks do; the kernel here has no way to."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Final, Literal

Mode = Literal["pass", "blackhole", "drop_replies", "delay", "reset"]

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 65536


class Proxy:
    """Stands on a port of its own in front of ``target``; ``be`` changes at run time what it does.

    ``pass`` carries both ways, ``blackhole`` swallows both ways, ``drop_replies`` swallows what the server says,
    ``delay`` carries every chunk ``seconds`` later, ``reset`` breaks every connection, old and new. A direction that
    has lost bytes stays silent: no stream of TCP goes on with a hole in it.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._mode: Mode = "pass"
        self._seconds = 0.0
        self._open = True
        self._trap: tuple[bytes, Mode, float] | None = None
        self._late = 0
        self.trapped = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        threading.Thread(target=self._accept, name=f"proxy-{self.port}", daemon=True).start()

    def be(self, mode: Mode, seconds: float = 0.0) -> None:
        """Do ``mode`` from now on; ``seconds`` are those of ``delay``."""
        with self._lock:
            self._mode, self._seconds = mode, seconds
            known = list(self._connections)
        if mode == "reset":
            for connection in known:
                connection.reset()

    def lead_to(self, target: int) -> None:
        """Connections from now on go to the port ``target``; those that there are are reset."""
        self._target = target
        mode, seconds = self._mode, self._seconds
        self.be("reset")
        self.be(mode, seconds)

    def trap(self, needle: bytes, mode: Mode, seconds: float = 0.0) -> None:
        """Do ``mode`` as soon as a client says ``needle``, with that request as the first one that meets it."""
        self.trapped.clear()
        self._trap = (needle, mode, seconds)

    @property
    def holds_nothing(self) -> bool:
        """Whether every chunk that is to be late has gone its way."""
        return self._late == 0

    def close(self) -> None:
        """End every connection, and listen no more."""
        self._open = False
        self._listener.close()
        with self._lock:
            known = list(self._connections)
        for connection in known:
            connection.reset()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def swallows(self, chunk: bytes, *, reply: bool) -> bool:
        """Whether a chunk that comes now is lost. Waits first, when it is to be late."""
        if self._trap is not None and not reply and self._trap[0] in chunk:
            (_, mode, seconds), self._trap = self._trap, None
            self.be(mode, seconds)
            self.trapped.set()
        if self._mode == "delay":
            self._wait(self._seconds)
        return self._mode == "blackhole" or (reply and self._mode == "drop_replies")

    def _wait(self, seconds: float) -> None:
        with self._lock:
            self._late += 1
        time.sleep(seconds)
        with self._lock:
            self._late -= 1

    def forget(self, connection: _Connection) -> None:
        """It has ended."""
        with self._lock:
            self._connections.discard(connection)

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._mode == "reset":
                _reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5.0)
            except OSError:
                # Nobody listens behind us: that is what the client is to see too.
                _reset(client)
                continue
            server.settimeout(None)
            connection = _Connection(self, client, server)
            with self._lock:
                self._connections.add(connection)
            connection.start()


class _Connection:
    """A client and a server, and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server

    def start(self) -> None:
        for source, sink, reply in ((self._client, self._server, False), (self._server, self._client, True)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(source, sink, reply), daemon=True).start()

    def reset(self) -> None:
        _reset(self._client)
        _reset(self._server)

    def _carry(self, source: socket.socket, sink: socket.socket, reply: bool) -> None:
        has_hole = False
        with contextlib.suppress(OSError):
            # What was said before an end is delivered, however late; that the other side has gone is no reason.
            while chunk := source.recv(_CHUNK):
                has_hole = self._proxy.swallows(chunk, reply=reply) or has_hole
                if not has_hole:
                    sink.sendall(chunk)
            if not has_hole and not reply:
                # The server may still have something to say.
                return sink.shutdown(socket.SHUT_WR)
        return self._end()

    def _end(self) -> None:
        self._proxy.forget(self)
        for side in (self._client, self._server):
            # Wakes the thread of the other direction; closing alone does not.
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def _reset(side: socket.socket) -> None:
    """Close with RST instead of FIN."""
    with contextlib.suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    with contextlib.suppress(OSError):
        # A thread that waits in recv() holds the socket open: it has to be woken.
        side.shutdown(socket.SHUT_RD)
    side.close()
