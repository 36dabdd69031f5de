"""Two services on loopback, an A and a B, that count who comes."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Place(ThreadingHTTPServer):
    """An HTTP service that counts connections and keeps requests, and counts datagrams on a port of their own.

    ``/redirect?code=307&to=URL`` redirects, ``/cookie`` sets one, ``/slow`` answers when the place is closed;
    anything else is echoed.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, name: str, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.name = name
        self.host = host
        self.port: int = self.server_address[1]
        self.connections = 0
        self.datagrams = 0
        self.requests: list[dict[str, Any]] = []
        self.closing = threading.Event()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((host, 0))
        self.datagram_port: int = self._udp.getsockname()[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def visits(self) -> int:
        """Connections and datagrams."""
        return self.connections + self.datagrams

    def get_request(self) -> Any:
        accepted = super().get_request()
        self.connections += 1
        return accepted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not worth a word."""

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._udp.close()

    def _receive(self) -> None:
        while True:
            try:
                self._udp.recv(100)
            except OSError:
                return
            self.datagrams += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Place

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = {"method": self.command, "target": self.path, "headers": self.headers.items(), "body": body.decode()}
        self.server.requests.append(seen)
        if parts.path == "/slow":
            self.server.closing.wait(20)
        if parts.path == "/redirect":
            self._send(int(query.get("code", "307")), {"Location": query["to"]}, b"")
            return
        headers = {"Set-Cookie": f"session=of-{self.server.name}; Path=/"} if parts.path == "/cookie" else {}
        self._send(200, headers, json.dumps({"place": self.server.name, **seen}).encode())

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""
