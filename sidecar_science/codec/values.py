"""Values to bytes and back, exactly, and never through pickle: what comes back is equal and of the same types.

The bytes are MessagePack with one extension type per Python type (see `shapes`). Encoding is also the snapshot: what
the caller does to the value afterwards changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import ormsgpack

from sidecar_science.codec import shapes, types
from sidecar_science.codec.classes import Classes
from sidecar_science.codec.measure import AWKWARD, is_light, is_shallow, measure
from sidecar_science.codec.packing import PASSING, PLAIN, Packing, join
from sidecar_science.codec.projecting import Project, Projecting
from sidecar_science.codec.shapes import Shape
from sidecar_science.codec.unpacking import Unpacking
from sidecar_science.errors import CodecError, NotEncodable, TooLarge, Undecodable

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Codec",
    "canonical",
    "digest",
    "is_native",
    "join",
    "measure",
    "pack",
    "unpack",
]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 100_000
DEEPEST = 200  # ormsgpack goes no deeper than 255


class Codec:
    """Values to bytes and back, within bounds: bytes, levels of nesting, and items of all containers together."""

    _options = PLAIN
    _sort = False

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        max_depth: int = MAX_DEPTH,
        max_nodes: int = MAX_NODES,
        classes: Classes | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self.max_depth = min(max_depth, DEEPEST)
        self.max_nodes = max_nodes
        self.classes = Classes() if classes is None else classes
        self._most = min(max_bytes, max_nodes)
        self._measured = partial(
            measure,
            max_bytes=max_bytes,
            max_depth=self.max_depth,
            max_nodes=max_nodes,
            inside=self._inside,
        )

    def encode(self, value: Any) -> bytes:
        """The exact form of ``value``, which is neither changed nor used up.

        Raises `NotEncodable` where a part of it has none, and `TooLarge` where it goes past a bound.
        """
        return self._encoded(value, self._packing)

    def encode_value(self, value: Any, project: Project) -> bytes:
        """The form of a result as plain data: what is not plain already becomes what ``project`` makes of it.

        Raises `TooLarge`, and `NotEncodable` where ``project`` raises or gives no plain data.
        """
        return self._encoded(value, lambda: self._projecting(project))

    def decode(self, data: bytes) -> Any:
        """The value that was encoded. Runs no code that ``data`` could name, imports nothing, and is bounded.

        Raises `Undecodable` for everything that `encode` did not make, here or where the same classes are known.
        """
        if type(data) is not bytes or len(data) > self.max_bytes:
            raise Undecodable(f"not a value, or more than the {self.max_bytes:,} bytes that are read here")
        try:
            value = Unpacking(self.classes, self.max_depth).value(data)
            self._measured(value)
        except Undecodable:
            raise
        except TooLarge as error:
            raise Undecodable(str(error)) from error
        except Exception as error:
            # The types' own constructors refuse in many ways, and quote what they were given: only the kind is told.
            raise Undecodable(f"not a value of ours ({type(error).__name__})") from error
        return value

    def decode_plain(self, data: bytes, project: Callable[[Any], Any]) -> Any:
        """The value that was encoded as plain data: what is none already becomes what ``project`` makes of it.

        Raises `Undecodable` as `decode` does. Nearly every value has been plain before, which its bytes tell: they are
        neither measured nor walked.
        """
        if len(data) <= self._most:
            try:
                value = ormsgpack.unpackb(data)
                if is_shallow(value, self.max_depth):
                    return value
            except ValueError:
                pass
        return project(self.decode(data))

    def _encoded(self, value: Any, packing: Callable[[], Packing]) -> bytes:
        try:
            encoded = self._fast(value, packing) or packing().slow(value)
        except (CodecError, *PASSING):
            raise
        except RecursionError as error:
            raise TooLarge("depth", self.max_depth) from error
        except BaseException as error:
            # A metaclass that raises, a dict that another thread changes meanwhile.
            hint = f"looking at it raised {types.type_name(error)}"
            raise NotEncodable(types.type_name(value), "$", hint) from error
        if len(encoded) > self.max_bytes:
            raise TooLarge("bytes", self.max_bytes)
        return encoded

    def _fast(self, value: Any, packing: Callable[[], Packing]) -> bytes | None:
        """The encoded value, or None where only the slow way can tell what is the matter."""
        if is_light(value, self._most, self.max_depth):
            try:
                return ormsgpack.packb(value, None, self._options)
            except TypeError:  # a lone surrogate, a long integer, a key that is no text: they are looked at below
                pass
        needs = self._measured(value)
        if needs & AWKWARD:
            return None
        if needs:
            return packing().fast(value)
        try:
            return ormsgpack.packb(value, None, self._options)
        except TypeError:  # a lone surrogate
            return None

    def _packing(self) -> Packing:
        return Packing(self._shape, max_depth=self.max_depth, sort=self._sort)

    def _projecting(self, project: Project) -> Packing:
        return Projecting(project, self._measured, max_depth=self.max_depth, sort=self._sort)

    def _shape(self, value: Any) -> Shape:
        return shapes.of(value, self.classes, self.max_bytes)

    def _inside(self, value: Any) -> Iterable[Any] | None:
        layout = self.classes.layout(type(value))
        return None if layout is None else layout.state(value).values()


class _Canonical(Codec):
    """A codec that sorts, for values that may be larger than what is kept."""

    _options = PLAIN | ormsgpack.OPT_SORT_KEYS
    _sort = True

    def form(self, value: Any, project: Project | None) -> bytes:
        return self.encode(value) if project is None else self.encode_value(value, project)


def canonical(value: Any, project: Project | None = None) -> bytes | None:
    """The encoded ``value`` with dicts and sets in one order: equal for equal values, but for ``1`` and ``1.0``.

    With ``project`` the value is taken as plain data, as `Codec.encode_value` does. None where there is no such form,
    or it would take too long to make: beyond a million items, 100 levels or 1 TiB.
    """
    try:
        return _Canonical(max_bytes=1 << 40, max_nodes=1_000_000).form(value, project)
    except (TooLarge, NotEncodable):
        return None


def digest(value: Any, project: Project | None = None) -> str | None:
    """SHA-256 (hex) of the `canonical` form of ``value``; None where it has none."""
    form = canonical(value, project)
    return None if form is None else hashlib.sha256(form).hexdigest()


def is_native(data: bytes) -> bool:
    """Whether what was encoded is made of MessagePack's own types alone, with text for keys: no marker is in it."""
    try:
        ormsgpack.unpackb(data)
    except ValueError:
        return False
    return True


def pack(structure: Any) -> bytes:
    """Our own plain structure as bytes: None, bool, int of 64 bits, float, str, bytes, and lists of them.

    Text that is no UTF-8 (a lone surrogate) is kept with a question mark in its place.
    """
    try:
        return ormsgpack.packb(structure, None, PLAIN)
    except TypeError:
        return ormsgpack.packb(_utf8(structure), None, PLAIN)


def unpack(data: bytes) -> Any:
    """What `pack` was given. Raises `ValueError` for anything else."""
    return ormsgpack.unpackb(data)


def _utf8(structure: Any) -> Any:
    if type(structure) is str:
        return structure.encode("utf-8", "replace").decode()
    return [_utf8(item) for item in structure] if type(structure) is list else structure
