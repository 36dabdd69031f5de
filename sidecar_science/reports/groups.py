"""Which mismatches have one cause: those that differ at the same path patterns in the same way."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

import attrs

from sidecar_science.comparison.difference import Difference
from sidecar_science.reports.fields import sendable

MAX_DIFFERENCES = 50
MAX_PATTERN = 400
MAX_STATUSES = 5
_STATUS = re.compile(r"\$(\[\d+\])?\.status")

Trait = tuple[str, str, str]
Statuses = tuple[int | None, int | None]


@attrs.frozen(kw_only=True)
class Shape:
    """What the jobs of one group have in common.

    ``traits`` are sorted (where, path pattern, kind), at most 50; ``truncated`` tells that there were more.
    ``statuses`` are the pairs of HTTP statuses, A's and B's, where these differ: a 404 and a 503 where A answered 200
    have two causes, though their paths are the same.
    """

    experiment: str
    traits: tuple[Trait, ...]
    truncated: bool = False
    statuses: tuple[Statuses, ...] = ()

    @classmethod
    def of(cls, experiment: str, traits: Iterable[Trait], statuses: Iterable[Statuses] = ()) -> Shape:
        """The shape of a job of ``experiment`` whose differences have these ``traits`` and ``statuses``."""
        known = sorted(set(traits))
        pairs = sorted(set(statuses), key=lambda pair: [status or 0 for status in pair])
        return cls(
            experiment=sendable(experiment),
            traits=tuple(known[:MAX_DIFFERENCES]),
            truncated=len(known) > MAX_DIFFERENCES,
            statuses=tuple(pairs[:MAX_STATUSES]),
        )

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, the same for the same shape wherever and whenever it is seen."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()[:16]

    def to_text(self) -> str:
        """The shape as text of ASCII characters."""
        told = [self.experiment, self.traits, self.truncated]
        return json.dumps([*told, self.statuses] if self.statuses else told, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Shape:
        """The shape that `to_text` gave; raises ValueError on anything else."""
        try:
            experiment, traits, truncated, *more = json.loads(text)
            return cls(
                experiment=str(experiment),
                traits=tuple((str(where), str(pattern), str(kind)) for where, pattern, kind in traits),
                truncated=bool(truncated),
                statuses=tuple((_status(control), _status(candidate)) for control, candidate in (*more, ())[0]),
            )
        except TypeError as error:
            raise ValueError(f"no shape of a group: {error}") from error


def trait(difference: Difference) -> Trait:
    """What ``difference`` contributes to the shape of its group."""
    return difference.where, _bounded(difference.pattern), difference.kind


def is_status(one: Trait) -> bool:
    """Whether a trait is one of those that `statuses` looks at."""
    where, pattern, _ = one
    return where in ("exchange", "error") and pattern in ("$.status", "$[*].status")


def statuses(differences: Iterable[Difference]) -> Iterable[Statuses]:
    """A's and B's status where ``differences`` say that the two differ."""
    for one in differences:
        if one.where in ("exchange", "error") and _STATUS.fullmatch(one.path):
            yield _status(one.control), _status(one.candidate)


def _status(told: object) -> int | None:
    return told if type(told) is int and 0 < told < 1000 else None


def _bounded(pattern: str) -> str:
    """A key of an answer can be of any length; a path that long is told by its beginning and a digest."""
    if len(pattern) <= MAX_PATTERN:
        return pattern
    digest = hashlib.sha256(pattern.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{pattern[:MAX_PATTERN]}…{digest}"
