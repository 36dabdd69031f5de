"""Files of lines, plain or compressed: written by what their name ends in, read by how they begin."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

from sidecar_science.errors import UsageError

STANDARD: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_MODULES: Final = ("compression.zstd", "backports.zstd", "zstandard")


def write(name: str, lines: Iterable[bytes]) -> int:
    """Write ``lines`` to the file ``name``, or to standard output; how many. Raises `UsageError`.

    A file is there when it is whole, and not before; only its owner may read it.
    """
    if name == STANDARD:
        return _written(sys.stdout.buffer, lines)
    path = Path(name)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as raw:
            try:
                with _compressing(cast("IO[bytes]", raw), path.suffix) as file:
                    count = _written(file, lines)
                raw.flush()
                os.replace(raw.name, path)
            except BaseException:
                os.unlink(raw.name)
                raise
    except OSError as error:
        raise UsageError(
            f"{name} cannot be written: {error.strerror or error}; expected a file in a folder of yours"
        ) from error
    return count


@contextlib.contextmanager
def reading(name: str) -> Iterator[Callable[[], Iterator[bytes]]]:
    """What gives the lines of the file ``name``, or of standard input, from the first one each time it is called.

    Raises `UsageError` for a file that cannot be read, and for one that is damaged.
    """
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(_kept(sys.stdin.buffer) if name == STANDARD else _opened(name))
        yield lambda: _lines(raw, name)


def _written(file: IO[bytes], lines: Iterable[bytes]) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    file.flush()
    return count


@contextlib.contextmanager
def _compressing(raw: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    if suffix == ".gz":
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
            yield cast("IO[bytes]", file)
    elif suffix == ".zst":
        with _zstd().open(raw, "wb") as file:
            yield file
    else:
        yield raw


def _opened(name: str) -> IO[bytes]:
    try:
        return open(name, "rb")
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror or error}; expected what `journal export` wrote"
        ) from error


def _kept(stream: IO[bytes]) -> IO[bytes]:
    """``stream`` as a file that can be read twice; it has no name, and is gone with us."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked closes it
    shutil.copyfileobj(stream, file)
    return cast("IO[bytes]", file)


def _lines(raw: IO[bytes], name: str) -> Iterator[bytes]:
    raw.seek(0)
    beginning = raw.read(4)
    raw.seek(0)
    file: Any = raw
    if beginning.startswith(_GZIP):
        file = gzip.GzipFile(fileobj=raw, mode="rb")
    elif beginning == _ZSTD:
        file = io.BufferedReader(_zstd().open(raw, "rb"))
    try:
        yield from file
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise UsageError(
            f"{name} cannot be read to its end: {error}; it is damaged, or not whole: copy it again"
        ) from error


def _zstd() -> Any:
    """What can write and read .zst here: the standard library's from Python 3.14 on, or one that is installed."""
    for module in _ZSTD_MODULES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(module)
    raise UsageError(
        f".zst cannot be used: none of {', '.join(_ZSTD_MODULES)} is installed; "
        "end the name in .gz, or install zstandard"
    )
