"""Which differences are noise: those that the control's own version shows as well, beside B and on B's data.

Raw counts in, judgement out. For each path pattern and kind it takes in how many jobs A differed there from B
(``candidate``), in how many from the control's own version, the baseline (``baseline``), and how many jobs ran on
both (``jobs``). Settlement keeps these as three kinds of counters, of the compared jobs whose
`Replayed.baseline_differences` is not None:

- ``1|baselined|EXPERIMENT``: jobs that ran on both;
- ``1|differed|candidate|WHERE|PATTERN|KIND|EXPERIMENT``: those of them in which A differed from B there;
- ``1|differed|baseline|WHERE|PATTERN|KIND|EXPERIMENT``: those in which A differed from the baseline there.

A difference is real when it passes all four: B shows it in more jobs than the baseline; Diffy's relative threshold
(the surplus is more than 20 % of both counts together); Diffy's absolute threshold (it is more than 0.03 % of the
jobs); and Fisher's exact test says that so many more come by chance in less than one case of twenty. Diffy has the
first three, and with few jobs they pass easily: what passes them and not the test is undecided. What the baseline has
never shown is real from the first job on: nothing says that it is noise.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from sidecar_science.reports.groups import Shape, Trait, is_status

BASELINED: Final = "baselined"
DIFFERED: Final = "differed"

RELATIVE: Final = 20.0
ABSOLUTE: Final = 0.03
SIGNIFICANCE: Final = 0.05


class Noise(enum.StrEnum):
    """What a difference is, by what the baseline shows."""

    REAL = "real"
    NOISE = "noise"
    UNDECIDED = "undecided"


@attrs.frozen(kw_only=True)
class Counts:
    """In how many of ``jobs``, all of which ran on both, B and the baseline differed from A at one path pattern."""

    candidate: int
    baseline: int
    jobs: int


def judge(counts: Counts) -> Noise:
    """What the differences at one path pattern are."""
    if not counts.baseline or not counts.jobs:
        return Noise.REAL
    if not stands_out(counts):
        return Noise.NOISE
    return Noise.REAL if by_chance(counts) < SIGNIFICANCE else Noise.UNDECIDED


def stands_out(counts: Counts) -> bool:
    """Whether B shows more than the baseline does, by Diffy's two thresholds."""
    surplus = counts.candidate - counts.baseline
    return (
        surplus > 0
        and surplus / (counts.candidate + counts.baseline) * 100 > RELATIVE
        and surplus / counts.jobs * 100 > ABSOLUTE
    )


def by_chance(counts: Counts) -> float:
    """How likely B would show at least so many more, if it and the baseline differed from A equally often.

    One-sided, exact: R. A. Fisher, Statistical Methods for Research Workers, 5th edition, 1934, section 21.02. It takes
    the two sides for independent; jobs that differ on both make it careful, never hasty.
    """
    if counts.candidate <= counts.baseline:
        return 1.0
    both, n = counts.candidate + counts.baseline, counts.jobs
    whole = _log_choose(2 * n, both)
    total = 0.0
    for k in range(counts.candidate, min(both, n) + 1):
        # Above the mean of the distribution each term is smaller than the one before.
        term = math.exp(_log_choose(n, k) + _log_choose(n, both - k) - whole)
        total += term
        if term < total * 1e-12:
            break
    return min(total, 1.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@attrs.frozen
class Baseline:
    """What ran on B and on the baseline as well: ``jobs`` of them, of which so many ``differed`` by side and trait."""

    jobs: int
    differed: Mapping[tuple[str, Trait], int]
    _judged: dict[Trait, Noise] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def counts(self, trait: Trait) -> Counts:
        """In how many jobs the two sides differed from A there."""
        return Counts(
            candidate=self.differed.get(("candidate", trait), 0),
            baseline=self.differed.get(("baseline", trait), 0),
            jobs=self.jobs,
        )

    def of_trait(self, trait: Trait) -> Noise:
        """What the differences at one path pattern are."""
        if trait not in self._judged:
            self._judged[trait] = judge(self.counts(trait))
        return self._judged[trait]

    def of_shape(self, shape: Shape) -> Noise:
        """What the jobs of one group are: noise if all that differs in them is, real if anything is.

        Of a truncated shape nobody knows all that differs, so it is never noise.
        """
        found = {self.of_trait(trait) for trait in shape.traits}
        if shape.truncated or not found or Noise.REAL in found:
            return Noise.REAL
        return Noise.UNDECIDED if Noise.UNDECIDED in found else Noise.NOISE

    def without_noise(self, shape: Shape) -> Shape:
        """``shape`` by what is more than noise in it: jobs of one cause are one group, whatever noise is around.

        One that is nothing but noise, and a truncated one, stay what they are.
        """
        kept = [trait for trait in shape.traits if self.of_trait(trait) is not Noise.NOISE]
        if shape.truncated or len(kept) in (0, len(shape.traits)):
            return shape
        statuses = shape.statuses if any(is_status(trait) for trait in kept) else ()
        return Shape.of(shape.experiment, kept, statuses)

    def noise(self) -> Iterable[tuple[Trait, Counts]]:
        """The noise itself, the most frequent first."""
        traits = {trait for _, trait in self.differed}
        told = [(trait, self.counts(trait)) for trait in sorted(traits) if self.of_trait(trait) is Noise.NOISE]
        return sorted(told, key=lambda one: -one[1].baseline)
