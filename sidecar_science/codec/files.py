"""Open files among the arguments: kept as their content, from where they stand, without moving them."""

from __future__ import annotations

import io
from typing import Any, cast

from sidecar_science.codec import types
from sidecar_science.errors import NotEncodable, TooLarge, Undecodable

_VERBS = ("read", "seek", "tell")
_WRAPPED = ("file", "stream")  # where tempfile's and Werkzeug's wrappers keep the file they pass everything on to


def is_file(value: Any) -> bool:
    """Whether ``value`` is an object to read from and to seek in.

    Its class must define the methods, or the class of the file that it wraps. A name that is only answered for when
    it is asked (`xmlrpc.client.ServerProxy`, a mock) may do anything when it is called, so it is never called.
    """
    if _has_verbs(type(value)):
        return True
    own = types.own(value)
    return any(name in own and _has_verbs(type(own[name])) for name in _WRAPPED)


def content(file: Any, max_bytes: int) -> tuple[bytes | str, str | None]:
    """What is left to read in ``file``, and its name where that is text. The file stands where it stood.

    Raises `NotEncodable` where it is closed, cannot seek or fails, and `TooLarge` above ``max_bytes``.
    """
    try:
        found = _read_and_return(file, max_bytes)
    except (NotEncodable, TooLarge, Undecodable, KeyboardInterrupt):
        raise
    except BaseException as error:
        # Whatever a file of somebody else's raises, the control has not failed.
        hint = f"it cannot be read ({type(error).__name__}); is it closed?"
        raise NotEncodable(types.type_name(file), "$", hint) from error
    return found, _name(file)


def rebuild(found: bytes | str, name: str | None) -> io.BytesIO | io.StringIO:
    """A file with that content, at its beginning."""
    if name is not None and type(name) is not str:
        raise Undecodable("a file's name that is no text")
    file: Any = io.BytesIO(found) if isinstance(found, bytes) else io.StringIO(found, newline="")
    if name is not None:
        file.name = name
    return file  # type: ignore[no-any-return]


def _has_verbs(cls: type) -> bool:
    return all(types.static(cls, verb) is not types.MISSING for verb in _VERBS)


def _read_and_return(file: Any, max_bytes: int) -> bytes | str:
    # Objects that only mean to be files often lack seekable(); they have seek(), which is what counts.
    if not getattr(file, "seekable", lambda: True)():
        raise NotEncodable(types.type_name(file), "$", "it cannot seek, and reading it would use it up")
    place = file.tell()
    try:
        return _read(file, max_bytes)
    finally:
        file.seek(place)


def _read(file: Any, max_bytes: int) -> bytes | str:
    pieces: list[Any] = []
    left = max_bytes + 1
    while left > 0:
        piece = file.read(left)
        if type(piece) not in (bytes, str) or (pieces and type(piece) is not type(pieces[0])):
            raise NotEncodable(types.type_name(file), "$", f"its read() gives {types.type_name(piece)}")
        pieces.append(piece)
        if not piece:
            return cast(bytes | str, piece.join(pieces))
        left -= len(piece)
    raise TooLarge("bytes", max_bytes)


def _name(file: Any) -> str | None:
    try:
        name = file.name
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - see content()
        return None
    return name if type(name) is str else None
