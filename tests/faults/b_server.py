"""A B-branch in a process of its own: it writes down every request before it answers, and answers as it is told.

``python -m tests.faults.b_server --executions FILE --control FILE [--port PORT]`` prints its port and serves until it
is ended. A path is ``/EFFECT/KEY/CALL``; how it is answered is said by the query's ``wish`` or, for all requests, by
what the control file holds: nothing (at once), ``slow:SECONDS``, ``hang``, ``error`` (500), ``reset``, ``close``
(early, in the middle of the body), ``drip`` (a byte now and then), ``body:TEXT`` (that text at once), ``bomb`` (a
little text that unpacks to 512 MB), ``flood`` (a body that never ends) or ``die`` (at once, and the process ends).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
import os
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

_DRIP_EVERY: Final = 0.1
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Book:
    """Where executions are written down: one line each, whole, even when the process is killed right after."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, **facts: object) -> None:
        os.write(self._file, json.dumps(facts).encode() + b"\n")


class Branch:
    """Serves connections, each request with a line in the book."""

    def __init__(self, book: Book, control: Path) -> None:
        self._book = book
        self._control = control

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive until somebody ends it."""
        try:
            while head := await _head_of(reader):
                headers = dict(line.lower().split(": ", 1) for line in head[1:])
                await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._answer(head[0].split(" "), headers, writer):
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, words: list[str], headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        path = urlsplit(words[1])
        _, effect, key, call = path.path.split("/")
        self._book.write(
            job=headers.get("sidecar-job", ""), effect=effect, method=words[0], key=key, call=call,
            idempotency_key=headers.get("idempotency-key"), at=time.monotonic(),
        )  # fmt: skip
        wish, _, detail = self._wish(path.query).partition(":")
        if wish in ("slow", "hang"):
            await asyncio.sleep(float(detail or 3600))
        if wish == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return False
        body = detail.encode() if wish == "body" else json.dumps({"key": key, "call": call}).encode()
        for piece in _pieces(wish, body):
            writer.write(piece)
            await writer.drain()
            if wish == "drip":
                await asyncio.sleep(_DRIP_EVERY)
        if wish == "die":
            os._exit(0)
        return wish != "close"

    def _wish(self, query: str) -> str:
        told = self._control.read_text().strip()
        return told or parse_qs(query).get("wish", [""])[0]


async def _head_of(reader: asyncio.StreamReader) -> list[str]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return []
    return head.decode("latin-1")[:-4].split("\r\n")


def _pieces(wish: str, body: bytes) -> Iterable[bytes]:
    """What is said, piece by piece."""
    if wish == "bomb":
        # Half a megabyte, in many parts, that says "0" half a billion times.
        bomb = gzip.compress(b"0" * 16 * 1024 * 1024) * 32
        return [_head(200, len(bomb), "Content-Encoding: gzip\r\n"), bomb]
    if wish == "flood":
        return itertools.chain([_head(200, 1 << 40)], itertools.repeat(b"x" * 1_000_000))
    head = _head(500 if wish == "error" else 200, len(body))
    if wish == "drip":
        return [head, *(body[n : n + 1] for n in range(len(body)))]
    return [head + (body[:1] if wish == "close" else body)]


def _head(status: int, length: int, more: str = "") -> bytes:
    headers = f"Content-Type: application/json\r\nContent-Length: {length}\r\n{more}"
    return f"HTTP/1.1 {status} Some Reason\r\n{headers}\r\n".encode()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=Path, required=True)
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    options.control.touch()
    branch = Branch(Book(options.executions), options.control)
    server = await asyncio.start_server(branch.serve, "127.0.0.1", options.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
