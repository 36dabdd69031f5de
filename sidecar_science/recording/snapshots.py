"""What calls were given and what came of them, in the codec's form: taken at once, in the caller's thread.

The B side takes its answers the same way, so that what is equal looks equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Final

from sidecar_science.codec import types
from sidecar_science.codec.classes import Layout, is_record
from sidecar_science.codec.markers import Opaque, Oversize
from sidecar_science.codec.packing import PASSING
from sidecar_science.codec.values import MAX_DEPTH, Codec, canonical, digest, join, measure
from sidecar_science.comparison.projection import project, project_error
from sidecar_science.errors import TooLarge, Undecodable

Told = Callable[[str, BaseException], None]

_PREVIEW: Final = 1000
_MAX_HASHED: Final = 16 * 1024 * 1024
_KEYS: Final = (str, int, float, bool, type(None))


class Snapshots:
    """Takes them for one experiment. ``own`` is its projection of results, ``told`` is told where one fails."""

    def __init__(self, codec: Codec, own: Callable[[Any], Any] | None, told: Told) -> None:
        self._codec = codec
        self._own = own
        self._told = told

    def value(self, value: Any) -> bytes:
        """A result as plain data, by the experiment's own projection where it has one."""
        if self._own is None:
            return self.plain(value)
        try:
            projected = self._own(value)
        except PASSING:
            raise
        except BaseException as error:  # noqa: BLE001 - a hook, and the A-branch is sacred
            return self._opaque(value, error)
        return self.plain(projected)

    def plain(self, value: Any) -> bytes:
        """Anything as plain data; what is too large is kept as digest, size and preview."""
        try:
            return self._codec.encode_value(value, project)
        except TooLarge:
            return self._codec.encode(oversize(value))
        except Exception as error:  # noqa: BLE001 - as above
            return self._opaque(value, error)

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as a dict: type, message, status and body."""
        try:
            return project_error(error)
        except PASSING:
            raise
        except BaseException:  # noqa: BLE001 - one that cannot even be described still has a type
            return {"type": types.type_name(error), "message": "", "status": None, "body": None}

    def searchable(self, arguments: Any) -> bytes:
        """What can be read of arguments that have no exact form, without running any code of theirs.

        It replays nothing. Its secrets have to be known, because the result or an error may quote them. Raises
        `CodecError`.
        """
        return self._codec.encode_value(arguments, _readable)

    def _opaque(self, value: Any, error: BaseException) -> bytes:
        self._told("project", error)
        return self._codec.encode(Opaque(type_name=types.type_name(value)))


class Items:
    """What a caller took from a generator, each item in the codec's form as it was then.

    Beyond the bounds of one value only their digest is kept: some generators never end.
    """

    def __init__(self, codec: Codec, items: Iterable[bytes] = ()) -> None:
        self.count = 0
        self._codec = codec
        self._size = 0
        self._kept: list[bytes] = []
        self._hasher: Any = None
        for item in items:
            self.add(item)

    def add(self, item: bytes) -> None:
        self.count += 1
        self._size += len(item)
        if self._hasher is not None:
            self._hash(item)
            return
        self._kept.append(item)
        if self._size > self._codec.max_bytes or self.count > self._codec.max_nodes:
            self._let_go()

    def encoded(self) -> bytes:
        """The list of them, or what stands for a list that is too large."""
        if self._hasher is None:
            joined = join(self._kept)
            if self._fits(joined):
                return joined
            self._let_go()
        return self._codec.encode(Oversize(digest=self._hasher.hexdigest(), size=self._size, preview=""))

    def _fits(self, joined: bytes) -> bool:
        if len(joined) <= min(self._codec.max_nodes, self._codec.max_bytes):
            return True
        try:
            self._codec.decode(joined)
        except Undecodable:
            return False
        return True

    def _let_go(self) -> None:
        self._hasher = hashlib.sha256()
        for item in self._kept:
            self._hash(item)
        self._kept.clear()

    def _hash(self, item: bytes) -> None:
        # The order of keys says nothing, and B may have another one.
        self._hasher.update(canonical(self._codec.decode(item)) or item)


def oversize(value: Any) -> Oversize:
    """What is kept of a value that is too large: its digest, its size where that is known, and its beginning.

    Beyond 16 MiB there is no digest either: taking it would be felt by the caller.
    """
    kind = type(value)
    if kind is not str and kind is not bytes:
        return Oversize(digest=_digest(value), size=0, preview="")
    preview = value[:_PREVIEW] if kind is str else value[:_PREVIEW].decode("utf-8", "replace")
    if kind is str and len(value) <= _MAX_HASHED:
        value = value.encode("utf-8", "surrogatepass")
    return Oversize(digest=_digest(value), size=len(value), preview=preview)


def _digest(value: Any) -> str | None:
    try:
        measure(value, max_bytes=_MAX_HASHED, max_depth=MAX_DEPTH, max_nodes=1_000_000)
        return digest(value, project)
    except Exception:  # noqa: BLE001 - too large, or it resists being looked at
        return None


def _readable(value: Any) -> Any:
    """The projection of `Snapshots.searchable`: containers and records are opened, objects are not."""
    # Always by `is`: a metaclass may raise where it is compared or hashed.
    kind = type(value)
    if kind is tuple or kind is set or kind is frozenset:
        return list(value)
    if kind is bytearray:
        return bytes(value)
    if types.is_kind(kind, dict):
        return {_name(key): item for key, item in dict.items(value)}
    if is_record(kind):
        return Layout(kind).state(value)
    return Opaque(type_name=types.type_name(value))


def _name(key: Any) -> str:
    return str(key) if any(type(key) is kind for kind in _KEYS) else types.type_name(key)
