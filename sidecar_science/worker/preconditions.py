"""Optimistic locking: a version that A knew, and that B's data never had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sidecar_science.codec.rebuilding import parts
from sidecar_science.codec.redaction import normalized
from sidecar_science.comparison.observed import Observed

VERSIONS: Final = frozenset(
    map(
        normalized,
        ("previous_version", "expected_version", "lock_version", "if_match", "if_none_match", "if_unmodified_since"),
    )
)
"""Names under which a caller says which version it has seen; case, ``-`` and ``_`` make no difference."""

REFUSED: Final = (409, 412)
_DEEPEST: Final = 6


def failed_precondition(
    arguments: Iterable[Mapping[str, Any]], control: Observed, candidate: Observed, mapped: Collection[str]
) -> bool:
    """Whether B, and not A, refused a call for the version that it names; those at names in ``mapped`` are B's own."""
    if status(candidate) not in REFUSED or status(control) in REFUSED:
        return False
    names = VERSIONS - frozenset(map(normalized, mapped))
    return any(_names_version(named, names, 0) for named in arguments)


def status(observed: Observed) -> int | None:
    """The status of the last answer, as it was seen on the wire, or else as the error tells it."""
    if observed.exchanges:
        return observed.exchanges[-1].get("status")
    return observed.error.get("status") if observed.error is not None else None


def _names_version(value: Any, names: frozenset[str], depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    if not isinstance(value, Mapping):
        return any(_names_version(part, names, depth + 1) for part in parts(value))
    return any(
        (isinstance(key, str) and item is not None and normalized(key) in names)
        or _names_version(item, names, depth + 1)
        for key, item in value.items()
    )
