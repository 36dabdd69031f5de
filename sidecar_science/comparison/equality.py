"""When two pieces of plain data are the same: the fast answer for whole trees, and the rules for single
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ormsgpack

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.comparison.difference import Kind

SIMPLE = frozenset({str, int, bool, bytes, type(None)})
"""The types whose ``==`` can be believed when both sides are of the same one (NaN keeps ``float`` out)."""

JSON_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    bytes: "bytes",
    list: "array",
    dict: "object",
    Secret: "secret",
}
EXACT = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)


def identical(control: Any, candidate: Any, option: int = EXACT) -> bool:
    """Whether both certainly are the same: their encoded bytes are. False means only that a closer look is
    needed.

    A walk in Python costs three times as much, and ``==`` would take ``True`` for ``1``.
    """
    try:
        return ormsgpack.packb(control, marker, option) == ormsgpack.packb(candidate, marker, option)
    except (TypeError, ValueError, RecursionError):
        return False  # an opaque object, an integer beyond 64 bits, a lone surrogate, a very deep tree


def certainly_same(control: Any, candidate: Any) -> bool:
    """As `identical`, for trees that mostly differ: ``==`` stops at the first difference, encoding does not."""
    try:
        # Only where == is not fooled can the encoded bytes be equal.
        return bool(control == candidate) and identical(control, candidate)
    except RecursionError:
        return False


def unlike_pairs(control: Sequence[Any], candidate: Sequence[Any]) -> list[int]:
    """At which indexes of two rows of values a closer look is needed; the others certainly are the same.

    The values that ``==`` takes for the same are encoded all at once: one by one, that would be most of the cost.
    """
    try:
        unlike = [at for at, (one, other) in enumerate(zip(control, candidate)) if one != other]  # noqa: B905 - hot
    except RecursionError:
        return list(range(min(len(control), len(candidate))))
    skipped, both = {*unlike}, range(min(len(control), len(candidate)))
    ours = [control[at] for at in both if at not in skipped]
    theirs = [candidate[at] for at in both if at not in skipped]
    if identical(ours, theirs) or identical(ours, theirs, EXACT | ormsgpack.OPT_SORT_KEYS):
        return unlike
    return [
        at
        for at, (one, other) in enumerate(zip(control, candidate, strict=False))
        if one != other or not (identical(one, other) or identical(one, other, EXACT | ormsgpack.OPT_SORT_KEYS))
    ]


def marker(value: Any) -> ormsgpack.Ext:
    if type(value) is Secret:
        return ormsgpack.Ext(1, value.fingerprint.encode())
    if type(value) is Oversize and value.digest is not None:
        return ormsgpack.Ext(2, value.digest.encode())
    raise TypeError(f"{type(value)} is not plain data")


def leaf_kind(control: Any, candidate: Any) -> Kind | None:
    """How two values differ that are not both lists and not both objects; None when they are the same.

    Numbers are equal by value (``1`` and ``1.0``, NaN and NaN), markers by what they stand for. An `Opaque`
    equals nothing, and neither does an `Oversize` without a digest: what was not seen is never called the
    same.
    """
    if isinstance(control, Oversize) and isinstance(candidate, Oversize):
        known = control.digest is not None and control.digest == candidate.digest
        return None if known else "changed"
    if isinstance(control, Oversize) or isinstance(candidate, Oversize):
        return "type" if isinstance(control, Opaque) or isinstance(candidate, Opaque) else "changed"
    kind = JSON_TYPES.get(type(control))
    if kind is None or kind != JSON_TYPES.get(type(candidate)):
        return "type"
    if control == candidate or (control != control and candidate != candidate):
        return None
    return "changed"
