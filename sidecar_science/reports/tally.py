"""What is kept of one replay when its job is settled: counters, a few first and last words, a few samples.

All of it can be added up in any order, over lanes, partitions and workers; `sidecar_science.reports.report`
does so when somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import attrs

from sidecar_science.comparison.difference import Difference
from sidecar_science.reports.excerpt import excerpt
from sidecar_science.reports.fields import name
from sidecar_science.reports.groups import Shape, Trait, statuses, trait
from sidecar_science.reports.histogram import bucket
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.noise import BASELINED, DIFFERED
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.plain import cut, encoded
from sidecar_science.reports.ratio import ratio_bucket
from sidecar_science.reports.records import COMPARED
from sidecar_science.reports.statuses import answered

MAX_DETAIL = 500
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Tally:
    """What settling one job adds to its partition's counts, by field.

    ``add`` is added to counters; ``first`` is kept where the field is new; ``last`` replaces; each of
    ``samples`` goes to the first free of a few slots of its field, or nowhere.
    """

    add: Mapping[str, int]
    first: Mapping[str, str] = attrs.field(factory=dict)
    last: Mapping[str, str] = attrs.field(factory=dict)
    samples: Mapping[str, bytes] = attrs.field(factory=dict)


def tally(replayed: Replayed) -> Tally:
    """What ``replayed`` adds to the counts. Only a mismatch is in a group."""
    counts = {
        **_ending(replayed), **_statuses(replayed), **_seconds(replayed), **_noise(replayed),
        **_rules(replayed, "rule", 1),
    }  # fmt: skip
    ruled = _rules(replayed, "ruled", rfc3339(replayed.settled_at)) if replayed.explained else {}
    if replayed.outcome is not Outcome.MISMATCHED:
        return Tally(add=counts, last=ruled, samples=_example(replayed))
    traits = [trait(difference) for difference in replayed.differences]
    shape = Shape.of(replayed.experiment, traits, statuses(replayed.differences))
    fingerprint, at = shape.fingerprint, rfc3339(replayed.settled_at)
    telling = _telling(traits, replayed.differences)
    sample = excerpt(replayed.job, replayed.control, replayed.candidate, telling)
    return Tally(
        add={**counts, name("group", fingerprint): 1, **_places(traits, shape, fingerprint)},
        first={name("shape", fingerprint): shape.to_text(), name("first", fingerprint): at},
        last={name("last", fingerprint): at, **ruled},
        samples={name("sample", fingerprint): encoded(sample), **_example(replayed)},
    )


def _ending(replayed: Replayed) -> dict[str, int]:
    counts = {name("outcome", replayed.outcome.value, replayed.experiment): 1}
    if replayed.full_reason:
        counts[name("reason", replayed.full_reason, replayed.experiment)] = 1
    for kind, n in replayed.id_conflicts.items():
        counts[name("id_conflict", kind, replayed.experiment)] = n
    return counts


def _rules(replayed: Replayed, kind: str, value: T) -> dict[str, T]:
    """One field for each rule that explained a difference of this job."""
    return {name(kind, rule, replayed.experiment): value for rule in replayed.explained}


def _seconds(replayed: Replayed) -> dict[str, int]:
    """A is counted where B is, so that the two distributions are of the same jobs."""
    measured = {"candidate": replayed.candidate_seconds, "queue_delay": replayed.queue_delay}
    if replayed.candidate_seconds is not None:
        measured["control"] = replayed.control_seconds
    buckets = {what: bucket(seconds) for what, seconds in measured.items() if seconds is not None}
    counts = {name("seconds", what, at, replayed.experiment): 1 for what, at in buckets.items() if at is not None}
    ratio = ratio_bucket(replayed.control_seconds, replayed.candidate_seconds)
    return counts if ratio is None else {**counts, name("ratio", ratio, replayed.experiment): 1}


def _statuses(replayed: Replayed) -> dict[str, int]:
    """With which class of status each side answered, of the jobs that were compared."""
    if replayed.outcome not in COMPARED:
        return {}
    return {name("status", answered(replayed.control), answered(replayed.candidate), replayed.experiment): 1}


def _noise(replayed: Replayed) -> dict[str, int]:
    """What `sidecar_science.reports.noise` judges by, of the jobs that ran beside B as well."""
    if replayed.baseline_differences is None or replayed.outcome not in COMPARED:
        return {}
    sides = {"candidate": replayed.differences, "baseline": replayed.baseline_differences}
    told = {
        name(DIFFERED, side, *one, replayed.experiment): 1
        for side, differences in sides.items()
        for one in Shape.of(replayed.experiment, map(trait, differences)).traits
    }
    return {name(BASELINED, replayed.experiment): 1, **told}


def _places(traits: Sequence[Trait], shape: Shape, fingerprint: str) -> dict[str, int]:
    """At how many concrete paths each trait of the shape was seen, by its number in the shape."""
    seen = Counter(traits)
    return {name("places", fingerprint, number): seen[one] for number, one in enumerate(shape.traits)}


def _telling(traits: Sequence[Trait], differences: Sequence[Difference]) -> list[Difference]:
    """The first difference of each trait."""
    first: dict[Trait, Difference] = {}
    for one, difference in zip(traits, differences, strict=True):
        first.setdefault(one, difference)
    return list(first.values())


def _example(replayed: Replayed) -> dict[str, bytes]:
    if not replayed.detail or replayed.outcome is Outcome.MATCHED:
        return {}
    reason = replayed.full_reason or replayed.outcome.value
    told = {"job": replayed.job, "detail": cut(replayed.detail, MAX_DETAIL)}
    return {name("example", reason, replayed.experiment): encoded(told)}
