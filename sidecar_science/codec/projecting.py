"""Encoding of results: as plain data, and what is not plain goes through a projection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar_science.codec import shapes, types
from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.codec.packing import PLAIN, Packing, Path
from sidecar_science.codec.shapes import Shape
from sidecar_science.errors import NotEncodable

Project = Callable[[Any], Any]

_MARKERS = frozenset((Secret, Oversize, Opaque))


class Projecting(Packing):
    """Encodes one result as plain data; ``measured`` raises `TooLarge` for what a projection gives."""

    def __init__(self, project: Project, measured: Callable[[Any], int], *, max_depth: int, sort: bool = False) -> None:
        # Without the option for other keys, ormsgpack refuses them: they are no plain data.
        super().__init__(self._plain, max_depth=max_depth, options=PLAIN, sort=sort)
        self._project = project
        self._measured = measured

    def _plain(self, value: Any) -> Shape:
        kind = type(value)
        if kind in _MARKERS:
            return shapes.EXACT[kind](value)
        if kind is int:
            return shapes.big_int(value)
        if types.is_kind(kind, str) and not types.is_enum(kind):
            return None, str.__str__(value)
        plain = self._project(value)
        if plain is value:
            raise NotEncodable(types.full_name(kind), "$", "its projection gives no plain data")
        self._measured(plain)
        return None, plain

    def _lower_dict(self, value: dict[Any, Any], path: Path, depth: int) -> Any:
        if all(types.is_kind(type(key), str) for key in value):
            return super()._lower_dict(value, path, depth)
        _, plain = self._shape_at(value, path)
        return self._lower(plain, path, depth)
