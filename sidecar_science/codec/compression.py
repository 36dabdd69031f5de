"""Bodies made smaller, by zstd, with a dictionary of what a namespace's bodies have in common where there is one.

A dictionary is a sample of what it was trained on: it is as secret as that, and travels sealed, as a job does.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

import zstandard

from sidecar_science.codec.values import pack
from sidecar_science.errors import Undecodable

ID_SIZE: Final = 8
LARGEST: Final = 64 * 1024
"""Bytes that a dictionary has at most."""

HEADER: Final = pack(["sidecar dictionary", 1])
"""The header of the envelope in which a dictionary travels: no job has it."""

_LEVEL: Final = 1


class Zstd:
    """Compresses and decompresses bodies, from any thread."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self._dictionary = dictionary
        # zstd's own objects belong to one thread. A lock would be held for ever in a process that is forked meanwhile.
        self._of_thread = threading.local()

    def compress(self, body: bytes) -> bytes:
        """``body`` as one frame, which states its size."""
        try:
            compressor = self._of_thread.compressor
        except AttributeError:
            compressor = self._of_thread.compressor = zstandard.ZstdCompressor(
                level=_LEVEL, dict_data=self._dictionary, write_dict_id=False
            )
        compressed: bytes = compressor.compress(body)
        return compressed

    def decompress(self, data: bytes, most: int) -> bytes:
        """What was compressed. Raises `Undecodable` for what is damaged, or states more than ``most`` bytes."""
        try:
            size = zstandard.frame_content_size(data)
            if not 0 <= size <= most:
                raise Undecodable(f"the compressed body states no size, or one above {most:,} bytes")
            try:
                decompressor = self._of_thread.decompressor
            except AttributeError:
                decompressor = self._of_thread.decompressor = zstandard.ZstdDecompressor(dict_data=self._dictionary)
            body: bytes = decompressor.decompress(data, max_output_size=most, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise Undecodable(f"the compressed body is damaged: {error}") from error
        return body


PLAIN: Final = Zstd()
"""Without a dictionary."""


class Dictionary(Zstd):
    """A trained dictionary. ``id`` is a digest of its ``data``. Raises `Undecodable` for data that is none."""

    def __init__(self, data: bytes) -> None:
        if not 0 < len(data) <= LARGEST:
            raise Undecodable(f"a dictionary of {len(data):,} bytes; expected 1 to {LARGEST:,}")
        try:
            loaded = zstandard.ZstdCompressionDict(data)
            loaded.precompute_compress(level=_LEVEL)
        except zstandard.ZstdError as error:
            raise Undecodable(f"no dictionary of zstd: {error}") from error
        super().__init__(loaded)
        self.data = data
        self.id = hashlib.blake2b(data, digest_size=ID_SIZE).digest()


Lookup = Callable[[bytes], Dictionary | None]
"""Gives the dictionary with an id, or None where there is none."""


def train(samples: Sequence[bytes], size: int) -> Dictionary | None:
    """A dictionary of ``size`` bytes at most for bodies like ``samples``; None where they are too few or too small."""
    try:
        return Dictionary(zstandard.train_dictionary(size, list(samples)).as_bytes())
    except (zstandard.ZstdError, Undecodable):
        return None
