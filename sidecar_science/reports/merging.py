"""The tallies of all partitions, added up."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sidecar_science.comparison.difference import side_of
from sidecar_science.reports import fields
from sidecar_science.reports.groups import Shape, Trait
from sidecar_science.reports.histogram import Histogram
from sidecar_science.reports.instants import instant
from sidecar_science.reports.noise import Baseline, Noise
from sidecar_science.reports.outcome import Outcome
from sidecar_science.reports.ratio import paired
from sidecar_science.reports.records import (
    DifferenceCount,
    Example,
    ExperimentReport,
    Group,
    Latency,
    NoisePath,
    Quantiles,
    RuleCount,
    Sample,
)

MAX_SAMPLES = 5


class Merger:
    """Reads the fields of one partition after the other, in any order; then tells what they come to.

    ``unread`` counts fields that this release cannot read.
    """

    def __init__(self) -> None:
        self.unread = 0
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._id_conflicts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._ratios: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._statuses: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._baselined: Counter[str] = Counter()
        self._differed: defaultdict[str, Counter[tuple[str, Trait]]] = defaultdict(Counter)
        self._examples: defaultdict[tuple[str, str], list[tuple[int, str, str]]] = defaultdict(list)
        self._shapes: dict[str, Shape] = {}
        self._groups: Counter[str] = Counter()
        self._places: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._first: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._ruled: dict[tuple[str, str], str] = {}
        self._samples: defaultdict[str, list[tuple[int, Sample]]] = defaultdict(list)

    def read(self, tally: Mapping[Any, Any]) -> None:
        """Add one partition's fields; names and values may be text or bytes."""
        for field, value in tally.items():
            try:
                self._read(_text(field), _text(value))
            except (AttributeError, LookupError, TypeError, ValueError):
                self.unread += 1

    def experiments(self) -> tuple[ExperimentReport, ...]:
        """What it comes to, by experiment."""
        counted = {name for name, outcomes in self._outcomes.items() if outcomes}
        names = {shape.experiment for shape in self._shapes.values()} | counted
        return tuple(self._experiment(name) for name in sorted(names))

    def _read(self, field: str, value: str) -> None:
        if field.startswith("@"):
            return
        kind, *parts = fields.parts(field)
        reader = self._READERS.get(kind)
        if reader is None:
            raise ValueError(f"no reader for {kind}")
        reader(self, *parts, value)

    def _outcome(self, outcome: str, experiment: str, n: str) -> None:
        self._outcomes[experiment][outcome] += int(n)

    def _reason(self, reason: str, experiment: str, n: str) -> None:
        self._reasons[experiment][reason] += int(n)

    def _id_conflict(self, kind: str, experiment: str, n: str) -> None:
        self._id_conflicts[experiment][kind] += int(n)

    def _second(self, what: str, bucket: str, experiment: str, n: str) -> None:
        self._seconds[experiment, what][int(bucket)] += int(n)

    def _ratio(self, bucket: str, experiment: str, n: str) -> None:
        self._ratios[experiment][int(bucket)] += int(n)

    def _status(self, control: str, candidate: str, experiment: str, n: str) -> None:
        self._statuses[experiment][control][candidate] += int(n)

    def _ran_on_both(self, experiment: str, n: str) -> None:
        self._baselined[experiment] += int(n)

    def _differs(self, side: str, where: str, pattern: str, kind: str, experiment: str, n: str) -> None:
        self._differed[experiment][side, (where, pattern, kind)] += int(n)

    def _example(self, reason: str, experiment: str, slot: str, text: str) -> None:
        told = json.loads(text)
        self._examples[experiment, reason].append((int(slot), str(told["job"]), str(told["detail"])))

    def _group(self, fingerprint: str, n: str) -> None:
        self._groups[fingerprint] += int(n)

    def _place(self, fingerprint: str, number: str, n: str) -> None:
        self._places[fingerprint][int(number)] += int(n)

    def _shape(self, fingerprint: str, text: str) -> None:
        self._shapes[fingerprint] = Shape.from_text(text)

    def _first_seen(self, fingerprint: str, at: str) -> None:
        at = instant(at)
        self._first[fingerprint] = min(at, self._first.get(fingerprint, at))

    def _last_seen(self, fingerprint: str, at: str) -> None:
        at = instant(at)
        self._last[fingerprint] = max(at, self._last.get(fingerprint, at))

    def _rule(self, rule: str, experiment: str, n: str) -> None:
        self._rules[experiment][rule] += int(n)

    def _rule_used(self, rule: str, experiment: str, at: str) -> None:
        at = instant(at)
        self._ruled[experiment, rule] = max(at, self._ruled.get((experiment, rule), at))

    def _sample(self, fingerprint: str, slot: str, text: str) -> None:
        self._samples[fingerprint].append((int(slot), _read_sample(json.loads(text))))

    _READERS: Mapping[str, Callable[..., None]] = {
        "outcome": _outcome,
        "reason": _reason,
        "id_conflict": _id_conflict,
        "seconds": _second,
        "ratio": _ratio,
        "status": _status,
        "baselined": _ran_on_both,
        "differed": _differs,
        "example": _example,
        "group": _group,
        "places": _place,
        "shape": _shape,
        "first": _first_seen,
        "last": _last_seen,
        "sample": _sample,
        "rule": _rule,
        "ruled": _rule_used,
    }

    def _experiment(self, name: str) -> ExperimentReport:
        baseline = Baseline(self._baselined[name], self._differed[name])
        pools: defaultdict[Shape, list[str]] = defaultdict(list)
        for fingerprint, shape in self._shapes.items():
            if shape.experiment == name:
                pools[baseline.without_noise(shape)].append(fingerprint)
        groups = [self._told(shape, members, baseline.of_shape(shape)) for shape, members in pools.items()]
        return ExperimentReport(
            name=name,
            outcomes={outcome.value: 0 for outcome in Outcome} | self._outcomes[name],
            reasons=dict(sorted(self._reasons[name].items())),
            id_conflicts=dict(sorted(self._id_conflicts[name].items())),
            latency=Latency(
                control=self._quantiles(name, "control"),
                candidate=self._quantiles(name, "candidate"),
                queue_delay=self._quantiles(name, "queue_delay"),
                paired=paired(self._ratios.get(name, {})),
                failed=self._outcomes[name][Outcome.FAILED],
                timed_out=self._reasons[name]["failed.timeout"],
            ),
            noise=tuple(
                NoisePath(where=where, path=path, kind=kind, **attrs.asdict(counts))
                for (where, path, kind), counts in baseline.noise()
            ),
            statuses={control: dict(sorted(of.items())) for control, of in sorted(self._statuses[name].items())},
            groups=tuple(sorted(groups, key=lambda group: (-group.count, group.first_seen, group.fingerprint))),
            rules=tuple(
                RuleCount(rule=rule, count=n, last_explained=self._ruled.get((name, rule)))
                for rule, n in sorted(self._rules[name].items())
            ),
            examples={reason: _examples(told) for (of, reason), told in sorted(self._examples.items()) if of == name},
        )

    def _quantiles(self, experiment: str, what: str) -> Quantiles | None:
        histogram = Histogram(self._seconds.get((experiment, what), {}))
        p50, p95, p99 = (histogram.quantile(p) for p in (0.50, 0.95, 0.99))
        if p50 is None or p95 is None or p99 is None:
            return None
        return Quantiles(count=histogram.count, p50=_rounded(p50), p95=_rounded(p95), p99=_rounded(p99))

    def _told(self, shape: Shape, members: list[str], noise: Noise) -> Group:
        """One group, of all those whose ``shape`` is the same but for noise."""
        count = sum(self._groups[member] for member in members)
        samples = [slot_sample for member in members for slot_sample in self._samples[member]]
        samples.sort(key=lambda slot_sample: (slot_sample[0], slot_sample[1].job))
        return Group(
            fingerprint=members[0] if len(members) == 1 and self._shapes[members[0]] == shape else shape.fingerprint,
            count=count,
            first_seen=min((self._first[member] for member in members if member in self._first), default=""),
            last_seen=max((self._last[member] for member in members if member in self._last), default=""),
            differences=tuple(self._difference(trait, count, members) for trait in shape.traits),
            truncated=shape.truncated,
            samples=tuple(sample for _, sample in samples[:MAX_SAMPLES]),
            statuses=tuple({"control": control, "candidate": candidate} for control, candidate in shape.statuses),
            noise=noise is Noise.NOISE,
            undecided=noise is Noise.UNDECIDED,
        )

    def _difference(self, trait: Trait, count: int, members: list[str]) -> DifferenceCount:
        places = sum(self._places[member][self._shapes[member].traits.index(trait)] for member in members)
        where, path, kind = trait
        return DifferenceCount(where=where, path=path, kind=kind, count=count, places=places, side=side_of(where, path))


def _examples(told: list[tuple[int, str, str]]) -> tuple[Example, ...]:
    """A few, of different words."""
    by_words = {detail: job for _, job, detail in sorted(told, reverse=True)}
    return tuple(Example(job=job, detail=detail) for detail, job in list(by_words.items())[-MAX_SAMPLES:][::-1])


def _read_sample(told: Mapping[str, Any]) -> Sample:
    """A sample as its worker told it; a newer one may tell more. Raises what reading JSON of another shape raises."""
    places = [one for one in told["differences"] if {"where", "path", "kind"} <= one.keys()]
    return Sample(job=str(told["job"]), control=told["control"], candidate=told["candidate"], differences=tuple(places))


def _rounded(seconds: float) -> float:
    """Six digits are plenty of what is true to one per cent."""
    return float(f"{seconds:.6g}")


def _text(stored: Any) -> str:
    return stored.decode("utf-8", "surrogatepass") if isinstance(stored, bytes) else str(stored)
