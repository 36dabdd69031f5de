"""Which mismatches have one cause: those that differ at the same path patterns in the same way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import attrs

from sidecar_science.comparison.difference import Difference
from sidecar_science.reports.fields import sendable

MAX_DIFFERENCES = 50
MAX_PATTERN = 400

Trait = tuple[str, str, str]


@attrs.frozen(kw_only=True)
class Shape:
    """What the jobs of one group have in common.

    ``traits`` are sorted (where, path pattern, kind), at most 50; ``truncated`` tells that there were more.
    """

    experiment: str
    traits: tuple[Trait, ...]
    truncated: bool = False

    @classmethod
    def of(cls, experiment: str, traits: Iterable[Trait]) -> Shape:
        """The shape of a job of ``experiment`` whose differences have these ``traits``."""
        known = sorted(set(traits))
        return cls(
            experiment=sendable(experiment),
            traits=tuple(known[:MAX_DIFFERENCES]),
            truncated=len(known) > MAX_DIFFERENCES,
        )

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, the same for the same shape wherever and whenever it is seen."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()[:16]

    def to_text(self) -> str:
        """The shape as text of ASCII characters."""
        return json.dumps([self.experiment, self.traits, self.truncated], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Shape:
        """The shape that `to_text` gave; raises ValueError on anything else."""
        try:
            experiment, traits, truncated = json.loads(text)
            return cls(
                experiment=str(experiment),
                traits=tuple((str(where), str(pattern), str(kind)) for where, pattern, kind in traits),
                truncated=bool(truncated),
            )
        except TypeError as error:
            raise ValueError(f"no shape of a group: {error}") from error


def trait(difference: Difference) -> Trait:
    """What ``difference`` contributes to the shape of its group."""
    return difference.where, _bounded(difference.pattern), difference.kind


def _bounded(pattern: str) -> str:
    """A key of an answer can be of any length; a path that long is told by its beginning and a digest."""
    if len(pattern) <= MAX_PATTERN:
        return pattern
    digest = hashlib.sha256(pattern.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{pattern[:MAX_PATTERN]}…{digest}"
