"""A service that answers at once, or after a stated latency, on two ports (A and B), in a process of its own.

It speaks just enough HTTP for keep-alive, since Python's own server would be slower than what is measured. It notes
when each request reached B, so that a rate is counted in the same place whoever makes the requests.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any, Final
from urllib.request import urlopen

from benchmarks.calls.payloads import SIZES, payloads

_ANSWERS: Final = {size: [text.encode() for text in payloads(size)] for size in SIZES.values()}


class _Seen:
    """What has reached B since the last reset, and how long answers wait; seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.delay = 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, seen: _Seen, *, is_b: bool) -> None:
        self._seen = seen
        self._is_b = is_b
        self._buffer = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            self._answer(path) if path.startswith("/content/") else self._send(self._controlled(path))

    def _answer(self, path: str) -> None:
        size, number = path.rpartition("/")[2].split("-")
        body = _ANSWERS[int(size)][int(number) % 20]
        if not self._is_b:
            self._send(body)
            return
        self._seen.times.append(time.monotonic())
        if self._seen.delay:
            self._loop.call_later(self._seen.delay, self._send, body)
        else:
            self._send(body)

    def _controlled(self, path: str) -> bytes:
        verb, _, argument = path[1:].partition("/")
        if verb == "reset":
            self._seen.times, self._seen.delay = [], float(argument)
        times = self._seen.times
        return json.dumps(times if verb == "times" else [len(times), times[0] if times else 0.0]).encode()

    def _send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def _serve() -> None:
    loop, seen = asyncio.get_running_loop(), _Seen()
    servers = [
        await loop.create_server(lambda is_b=is_b: _Connection(seen, is_b=is_b), "127.0.0.1", 0, backlog=1024)
        for is_b in (False, True)
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    # The server ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)


class ContentServer:
    """The process, as whoever measures sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.jobs.content_server"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        a, b = json.loads(self._process.stdout.readline())
        self.pid = self._process.pid
        self.a = f"http://127.0.0.1:{a}"
        self.b = f"http://127.0.0.1:{b}"

    def reset(self, delay: float) -> None:
        """Forget what was seen; answers take ``delay`` seconds from here on."""
        self._ask(f"reset/{delay}")

    def seen(self) -> tuple[int, float]:
        """How many requests have reached B, and when (monotonic) the first did."""
        count, first = self._ask("count")
        return count, first

    def times(self) -> list[float]:
        """When (monotonic) each request reached B."""
        return list(self._ask("times"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _ask(self, path: str) -> Any:
        with urlopen(f"{self.a}/{path}", timeout=10) as answer:
            return json.load(answer)


if __name__ == "__main__":
    asyncio.run(_serve())
