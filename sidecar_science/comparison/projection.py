"""Any result to plain data, once, and the same on both sides.

Objects cannot be compared as they are: some are equal though their content differs, others differ though it
is equal. And they cannot be kept: a pickled client or response holds its credentials. So only data is taken
from them, and only where a rule says how; everything else is an `Opaque`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison import failures
from sidecar_science.comparison.plain import SCALARS, is_plain, key_text, name_keys, rank, type_name
from sidecar_science.comparison.projections import Projections

MAX_DEPTH = 100
MAX_NODES = 100_000
_BUILT_IN = Projections()


def project(
    value: Any, *, registry: Projections | None = None, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> Any:
    """``value`` as plain data: the very same object if it is plain already, else a new one.

    Nothing is consumed: generators, iterators and unread streams become `Opaque`, and so does what raises
    when it is asked for its data. What lies deeper than ``max_depth``, beyond ``max_nodes`` values, or holds
    itself, is an `Opaque` that says so.
    """
    if is_plain(value, max_depth=max_depth, max_nodes=max_nodes):
        return value
    return _Projector(registry or _BUILT_IN, max_depth, max_nodes).project(value, 1)


def project_error(error: BaseException, *, registry: Projections | None = None) -> dict[str, Any]:
    """``{"type", "message", "status", "body"}`` of an exception.

    ``type`` is the class with its module, ``message`` is bounded to 8 KB, ``status`` is the HTTP status it
    came with or None, ``body`` the decoded body of its response, where that was read, or the error's own list
    of faults.
    """
    described = failures.describe(error)
    body = project(described["body"], registry=registry)
    return {**described, "body": None if type(body) is Opaque else body}


class _Projector:
    def __init__(self, registry: Projections, max_depth: int, max_nodes: int) -> None:
        self._registry = registry
        self._max_depth = max_depth
        self._max_nodes = max_nodes
        self._nodes = max_nodes
        self._open: set[int] = set()

    def project(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in SCALARS:
            return value
        if id(value) in self._open:
            return Opaque(f"{type_name(kind)} that holds itself")
        if depth > self._max_depth:
            return Opaque(f"{type_name(kind)} below {self._max_depth} levels")
        self._open.add(id(value))
        try:
            return self._container(value, kind, depth)
        except Exception:  # noqa: BLE001 - whatever foreign code raises, the object's data cannot be had
            return Opaque(type_name(kind))
        finally:
            self._open.discard(id(value))

    def _container(self, value: Any, kind: type, depth: int) -> Any:
        rule = None if kind is dict or kind is list else self._registry.rule_for(value)
        if rule is not None:
            return self.project(rule(value), depth + 1)
        if issubclass(kind, dict):
            return self._mapping(list(dict.items(value)), depth)
        if issubclass(kind, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
            return self._mapping(list(zip(fields, tuple.__iter__(value), strict=True)), depth)
        if issubclass(kind, list | tuple):
            return self._elements(value, depth)
        if issubclass(kind, set | frozenset):
            found = self._elements(value, depth)
            return sorted(found, key=rank) if isinstance(found, list) else found
        if issubclass(kind, BaseException):
            return project_error(value, registry=self._registry)
        return Opaque(type_name(kind))

    def _elements(self, items: Iterable[Any], depth: int) -> Any:
        found = list(items)
        self._nodes -= len(found)
        if self._nodes < 0:
            return self._beyond("list")
        return [self.project(item, depth + 1) for item in found]

    def _mapping(self, items: list[tuple[Any, Any]], depth: int) -> Any:
        self._nodes -= len(items)
        if self._nodes < 0:
            return self._beyond("dict")
        if all(type(key) is str for key, _ in items):
            return {key: self.project(value, depth + 1) for key, value in items}
        names = name_keys([(key, key_text(self.project(key, depth + 1))) for key, _ in items])
        return {name: self.project(value, depth + 1) for name, (_, value) in zip(names, items, strict=True)}

    def _beyond(self, name: str) -> Opaque:
        return Opaque(f"{name} beyond {self._max_nodes:,} values")
