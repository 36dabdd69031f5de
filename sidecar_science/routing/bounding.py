"""What a replay may read of B's answers: so many bytes as they came, and so many unpacked.

At ``http.client``, through which every byte comes that requests, urllib3, urllib and botocore read, and at urllib3's
unpacking, where half a megabyte can become half a gigabyte. What other clients read is bounded by the memory of the
process alone.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from urllib3.response import HTTPResponse

from sidecar_science.errors import BodyTooLarge
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.patching import Patches

_PIECE: Final = 4096
"""So many packed bytes are unpacked at a time: zlib makes at most a thousandfold of them."""

_MIB: Final = 1024 * 1024


class Bounding:
    """Ends a replay in which more than ``most`` bytes are read, by `BodyTooLarge`, and puts that down with it."""

    def __init__(self, current: Current, most: int) -> None:
        self._current = current
        self._most = most
        self._patches = Patches()

    def install(self) -> None:
        """Patch the two places."""
        self.undo()
        self._patches.wrap(http.client.HTTPResponse, "__init__", self._beginning)
        self._patches.wrap(HTTPResponse, "_decode", self._decoding)

    def undo(self) -> None:
        """Leave both as they were."""
        self._patches.undo()

    def _beginning(self, original: Any) -> Any:
        def begin(response: Any, *args: Any, **kwargs: Any) -> None:
            original(response, *args, **kwargs)
            replay = self._current.get()
            if replay is not None:
                response.fp = _Bounded(response.fp, replay, self._most)

        return begin

    def _decoding(self, original: Any) -> Any:
        def decode(
            response: Any, data: bytes, decode_content: bool | None, flush_decoder: bool, *args: Any, **kwargs: Any
        ) -> Any:
            replay = self._current.get()
            if replay is None or not decode_content or getattr(response, "_decoder", None) is None:
                return original(response, data, decode_content, flush_decoder, *args, **kwargs)
            limits = [*args, *kwargs.values()]
            if limits and limits[0] is not None and not flush_decoder:
                # Whoever reads a part of the body says how much it may become.
                return self._counted(replay, original(response, data, decode_content, False, *args, **kwargs))
            unpacked = b"".join(
                self._counted(replay, original(response, piece, decode_content, False)) for piece in _pieces(data)
            )
            if flush_decoder:
                unpacked += self._counted(replay, original(response, b"", decode_content, True))
            return unpacked

        return decode

    def _counted(self, replay: CurrentReplay, data: bytes) -> bytes:
        replay.unpacked += len(data)
        if replay.unpacked > self._most:
            _refuse(replay, self._most, "unpacked")
        return data


class _Bounded:
    """A response's file, of which no more is read than its replay may."""

    def __init__(self, file: Any, replay: CurrentReplay, most: int) -> None:
        self._file = file
        self._replay = replay
        self._most = most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(self._file.read(self._least(size)))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(self._file.read1(size if size is not None and size < 0 else self._least(size)))

    def readline(self, size: int | None = -1) -> bytes:
        return self._counted(self._file.readline(self._least(size)))

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        read: int = self._file.readinto(room[: self._least(len(room))])
        self._count(read)
        return read

    def _least(self, size: int | None) -> int:
        """What may still be read, and one byte more: to see that there is more."""
        left = max(0, self._most - self._replay.received) + 1
        return left if size is None or size < 0 else min(size, left)

    def _counted(self, data: bytes) -> bytes:
        self._count(len(data))
        return data

    def _count(self, size: int) -> None:
        self._replay.received += size or 0
        if self._replay.received > self._most:
            _refuse(self._replay, self._most, "answered")


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _refuse(replay: CurrentReplay, most: int, what: str) -> NoReturn:
    replay.overflow = (
        f"too large: B {what} more than {most / _MIB:g} MiB; if that is as it should be, allow more with --max-body"
    )
    raise BodyTooLarge(replay.overflow)
