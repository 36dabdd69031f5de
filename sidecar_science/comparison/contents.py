"""What a file or a block of bytes holds: as bytes or text while it is small, else as size, digest and
beginning.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any

from sidecar_science.codec.markers import Oversize

KEPT = 64 * 1024
DIGESTED = 16 * 1024 * 1024
_PREVIEW = 100


def bounded(content: bytes | memoryview) -> bytes | Oversize:
    """``content`` as bytes, or beyond 64 KB what stands for it; beyond 16 MB without a digest."""
    if len(content) <= KEPT:
        return bytes(content)
    digest = hashlib.sha256(content).hexdigest() if len(content) <= DIGESTED else None
    return Oversize(digest, len(content), _preview(content[:_PREVIEW]))


def of_file(file: Any) -> Any:
    """The whole content of a seekable file, whose position is the same afterwards.

    It is bytes (str, of a text file); bytes beyond 64 KB and text beyond 16 MB are an `Oversize`. Raises what
    the file raises, and `io.UnsupportedOperation` for one that cannot seek.
    """
    if isinstance(file, io.BytesIO):
        with file.getbuffer() as view:
            return bounded(view)
    if not file.seekable():
        raise io.UnsupportedOperation("not seekable")
    position = file.tell()
    try:
        file.seek(0, io.SEEK_END)
        size = file.tell()
        file.seek(0)
        content = file.read(DIGESTED if size <= DIGESTED else _PREVIEW)
    finally:
        file.seek(position)
    if size > DIGESTED:
        return Oversize(None, size, _preview(content))
    return str(content) if isinstance(content, str) else bounded(content)


def _preview(beginning: bytes | memoryview | str) -> str:
    return beginning if isinstance(beginning, str) else bytes(beginning).decode("utf-8", "backslashreplace")
