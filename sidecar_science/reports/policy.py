"""What is demanded of B before it may take A's place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from sidecar_science.errors import UsageError


@attrs.frozen(kw_only=True)
class Policy:
    """The demands of a verdict. Rates are shares from 0 to 1; None and empty ones demand nothing.

    ``min_jobs`` is how many jobs of each experiment must have been compared, ``min_status_jobs`` how many in which A
    answered with a class of status, by class ("2xx"), over all experiments. ``max_slowdown`` bounds B's p95 as a
    multiple of A's. ``allowed`` are fingerprints of groups that count as agreement; ``optional`` names experiments
    that may have too few jobs.
    """

    min_jobs: int = 1
    min_status_jobs: Mapping[str, int] = attrs.field(factory=dict)
    max_mismatch_rate: float = 0.01
    max_slowdown: float | None = None
    max_failed_rate: float = 0.01
    allowed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        for name, (fits, expected) in _DEMANDS.items():
            value = getattr(self, name)
            if not fits(value):
                raise UsageError(f"{name} is {value!r}; expected {expected}")

    @classmethod
    def from_table(cls, table: Mapping[str, Any], what: str) -> Policy:
        """The policy of a table as TOML has it; ``what`` names it in errors. Raises `UsageError`."""
        known = attrs.fields_dict(cls)
        strange = sorted(set(table) - set(known))
        if strange:
            raise UsageError(f"{what} has {', '.join(map(repr, strange))}; it knows {', '.join(known)}")
        try:
            return cls(**{name: _frozen(name, value) for name, value in table.items()})
        except UsageError as error:
            raise UsageError(f"{what}: {error}") from error

    def with_(self, **given: Any) -> Policy:
        """This policy, with those that are not None in its place; fingerprints and names are added."""
        changes = {name: value for name, value in given.items() if value is not None}
        for name in ("allowed", "optional"):
            changes[name] = getattr(self, name) | frozenset(changes.get(name, ()))
        changes["min_status_jobs"] = {**self.min_status_jobs, **changes.get("min_status_jobs", {})}
        return attrs.evolve(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The policy as JSON data."""
        told = attrs.asdict(self, recurse=False)
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in told.items()}


def _frozen(name: str, value: Any) -> Any:
    """A list of TOML as the set that it stands for."""
    return frozenset(value) if name in ("allowed", "optional") and _texts(value) else value


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _bound(value: Any) -> bool:
    """A limit of 0 can be shown by no number of jobs."""
    return _number(value) and 0 < value <= 1


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _multiple(value: Any) -> bool:
    return value is None or (_number(value) and value > 0)


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(one, str) for one in value)


def _by_class(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        len(name) == 3 and name[0].isdecimal() and name.endswith("xx") and _whole(n) for name, n in value.items()
    )


_DEMANDS = {
    "min_jobs": (_whole, "a whole number of jobs, such as 5000"),
    "min_status_jobs": (_by_class, "numbers of jobs by class of status, such as 4xx and 20"),
    "max_mismatch_rate": (_bound, "a share above 0 and up to 1, such as 0.001: no number of jobs shows a rate of 0"),
    "max_slowdown": (_multiple, "a multiple of A's p95, such as 1.2"),
    "max_failed_rate": (_share, "a share from 0 to 1, such as 0.01"),
    "allowed": (_texts, "fingerprints of groups"),
    "optional": (_texts, "names of experiments"),
}
