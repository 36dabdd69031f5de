"""The rate of mismatches, held against its limit by its upper confidence bound."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from sidecar_science.reports.binomial import needed, upper_bound
from sidecar_science.reports.finding import Finding, Standing, found, percent
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.records import ExperimentReport, Group
from sidecar_science.reports.render.words import counted


def judge_mismatches(experiment: ExperimentReport, policy: Policy) -> Finding:
    """A rate above the limit fails; one within it whose bound is above is not enough data; both within pass."""
    if not experiment.compared:
        return found("mismatches", experiment.name, Standing.NOT_ENOUGH_DATA, "No job was compared.")
    standing, words = _judged(Mismatches.of(experiment, policy), policy.max_mismatch_rate)
    return found("mismatches", experiment.name, standing, words)


@attrs.frozen(kw_only=True)
class Mismatches:
    """The mismatched of the ``compared`` jobs by what they count for: ``number`` of them count.

    ``undecided`` of these may turn out as noise; ``groups`` are those that count.
    """

    compared: int
    number: int
    undecided: int
    noise: int
    allowed: int
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, experiment: ExperimentReport, policy: Policy) -> Mismatches:
        """Allowed and acknowledged groups count as agreement, and so does noise."""
        allowed = [group for group in experiment.groups if _allowed(group, policy)]
        noise = [group for group in experiment.groups if group.noise and group not in allowed]
        counting = tuple(group for group in experiment.groups if group not in allowed and group not in noise)
        excused = _jobs(allowed) + _jobs(noise)
        return cls(
            compared=experiment.compared,
            number=max(0, experiment.outcomes.get("mismatched", 0) - excused),
            undecided=_jobs(group for group in counting if group.undecided),
            noise=_jobs(noise),
            allowed=_jobs(allowed),
            groups=counting,
        )

    @property
    def rate(self) -> float:
        """The share that counts."""
        return self.number / self.compared

    @property
    def told(self) -> str:
        """The counts as the beginning of a sentence."""
        left = " and ".join(f"{n:,} {word}" for n, word in ((self.noise, "noise"), (self.allowed, "allowed")) if n)
        of = f"{self.number:,} of {counted(self.compared, 'compared job')} mismatched ({percent(self.rate)})"
        return f"{of}, {left} left out" if left else of


def _judged(seen: Mismatches, limit: float) -> tuple[Standing, str]:
    demand = f"the limit is {percent(limit)}."
    if (seen.number - seen.undecided) / seen.compared > limit:
        return Standing.FAIL, f"{seen.told}; {demand}{_causes(seen)}{_lapsed(seen)}"
    if seen.rate > limit:
        doubt = f"whether {seen.undecided:,} of them are noise is not decided yet"
        return Standing.NOT_ENOUGH_DATA, f"{seen.told}; {doubt}; {demand}"
    bound = upper_bound(seen.number, seen.compared)
    told = f"{seen.told}: with a confidence of 95 % the rate is at most {percent(bound)}; {demand}"
    if bound > limit:
        return Standing.NOT_ENOUGH_DATA, told + _wanted(seen, limit)
    return Standing.PASS, told


def _allowed(group: Group, policy: Policy) -> bool:
    acknowledged = group.acknowledged is not None and not group.acknowledged.expired
    return acknowledged or group.fingerprint in policy.allowed


def _causes(seen: Mismatches) -> str:
    """The largest groups that count."""
    told = [f"{group.fingerprint} ({counted(group.count, 'job')})" for group in seen.groups[:3]]
    return f" In {', '.join(told)}{', …' if len(seen.groups) > 3 else ''}." if told else ""


def _lapsed(seen: Mismatches) -> str:
    lapsed = [group.fingerprint for group in seen.groups if group.acknowledged and group.acknowledged.expired]
    return f" The acknowledgement of {', '.join(lapsed)} has expired." if lapsed else ""


def _wanted(seen: Mismatches, limit: float) -> str:
    enough = needed(seen.number, seen.compared, limit)
    return f" It takes about {counted(enough, 'job')} at this rate." if enough else ""


def _jobs(groups: Iterable[Group]) -> int:
    return sum(group.count for group in groups)
