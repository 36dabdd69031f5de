"""A small world for whole stories: real HTTP services, a real server, and apps and workers as real processes."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@attrs.define
class Heard:
    """One request as a service heard it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = attrs.field(factory=time.monotonic)

    @property
    def job(self) -> str | None:
        return self.headers.get("Sidecar-Job")

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def from_worker(self) -> bool:
        return "Sidecar-Job" in self.headers


@attrs.define
class Answer:
    """What a service answers."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)


Odd = Callable[[BaseHTTPRequestHandler], None]
Answers = Callable[[Heard], "Answer | Odd"]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # sixteen lanes connect at once; where the queue is full, the kernel may break one off


class Service:
    """A service on loopback: ``answer(heard)`` gives an `Answer`, or does something odd with the connection (`hang`,
    `drip`, `reset`); everything that it heard is in ``heard``."""

    def __init__(self, answer: Answers, *, port: int = 0) -> None:
        self.heard: list[Heard] = []
        self.answer = answer
        self._server = _Server(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """What was asked for, as ``METHOD /path``, in the order of its arrival."""
        return [f"{heard.method} {heard.path}" for heard in self.heard]

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def replays(self) -> list[Heard]:
        return [heard for heard in self.heard if heard.from_worker]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(service) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 64 * 1024

            def _respond(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:  # whoever sent it has been killed in the middle
                    self.close_connection = True
                    return
                heard = Heard(self.command, self.path, dict(self.headers.items()), body)
                service.heard.append(heard)
                answer = service.answer(heard)
                if not isinstance(answer, Answer):
                    answer(self)
                    return
                raw = answer.body if answer.body is not None else json.dumps(answer.json).encode()
                self.send_response(answer.status)
                headers = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond

            def handle(self) -> None:
                # A client that ends in the middle is part of many stories.
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Answer nothing, and keep the connection for as long as the client does."""
    handler.connection.settimeout(60)
    handler.connection.recv(1)
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer one byte every tenth of a second, and never come to an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection off instead of answering."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """End the connection politely, without an answer."""
    handler.close_connection = True


class RefusedPort:
    """A port on which connections are refused until a service is started there."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, answer: Answers) -> Service:
        """A service on this port."""
        self.close()
        return Service(answer, port=self.port)

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def services(*answers: Answers) -> Iterator[list[Service]]:
    """Services with these answers, for as long as the block lasts."""
    started = [Service(answer) for answer in answers]
    try:
        yield started
    finally:
        for service in started:
            service.stop()


def environment(redis_url: str, **more: str) -> dict[str, str]:
    """Variables for an app or a worker of its own; nothing of ours is inherited but the path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    return {**inherited, "SIDECAR_REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), **more}


def run_app(module: str, *arguments: str, env: Mapping[str, str]) -> str:
    """Run an app to its end, and give what it printed."""
    return _run([sys.executable, "-m", module, *arguments], env).stdout


def run_worker(target: str, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a worker until the journal is drained."""
    command = [sys.executable, "-m", "sidecar_science.cli", "run", target, "--burst", "--log-level", "debug"]
    return _run([*command, *arguments], env)


@contextlib.contextmanager
def worker(target: str, *arguments: str, env: Mapping[str, str]) -> Iterator[Working]:
    """A worker at work, for as long as the block lasts at most."""
    command = [sys.executable, "-m", "sidecar_science.cli", "run", target, *arguments]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, env=dict(env), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=told)
        try:
            yield Working(process, told)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@attrs.define
class Working:
    """A worker's process, and what it tells."""

    process: subprocess.Popen[bytes]
    _told: Any

    @property
    def events(self) -> list[dict[str, Any]]:
        self._told.seek(0)
        lines = self._told.read().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def has_told(self, event: str) -> bool:
        return any(each["event"] == event for each in self.events)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(PATIENCE)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.01)


def untraced(env: Mapping[str, str]) -> dict[str, str]:
    """Without coverage: its tracer on CPython 3.11 stands still while an exception for a sleeping thread is pending."""
    return {name: value for name, value in env.items() if not name.startswith("COVERAGE")}


def report(target: str, name: str, *, env: Mapping[str, str]) -> dict[str, Any]:
    """The report of one environment."""
    command = [sys.executable, "-m", "sidecar_science.cli", "report", target, "--environment", name, "--format", "json"]
    found: dict[str, Any] = json.loads(_run(command, env).stdout)
    return found


def _run(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, env=dict(env), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done
