"""The report as it is read: every number once, nothing to compute but what the words need.

`Report.to_json` is the schema that other programs read: fields may be added, none is renamed, removed or
given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sidecar_science.reports.outcome import Outcome
from sidecar_science.reports.ratio import Paired

SCHEMA = 1
COMPARED = (Outcome.MATCHED, Outcome.MISMATCHED, Outcome.IGNORED)


@attrs.frozen(kw_only=True)
class Account:
    """One sum that must come out: ``total`` of ``name`` and the parts it is made of, by name."""

    name: str
    total: int
    parts: Mapping[str, int]

    @property
    def accounted(self) -> int:
        """The sum of the parts."""
        return sum(self.parts.values())

    @property
    def balanced(self) -> bool:
        """Whether the parts add up to the total."""
        return self.accounted == self.total


@attrs.frozen(kw_only=True)
class Unclean:
    """A recording process that went silent without a goodbye, killed perhaps.

    ``at`` is when it last told its counts (RFC 3339, UTC), ``buffered`` how many calls its buffer held then: no more
    than these are known to be lost, and fewer where some of them are in the journal.
    """

    producer: str
    host: str
    pid: int
    at: str
    buffered: int


@attrs.frozen(kw_only=True)
class Capture:
    """Where every call went: what the A side counted, and what became of it in this environment.

    No sum holds ``foreign`` entries, which no recorder wrote, ``duplicates``, which had been counted before, and
    ``buffered`` calls of living processes. ``lost`` is a part of ``expired``, ``unreported`` one of ``recorded``;
    ``unclean`` is how many processes went silent without a goodbye, and ``dropped["unclean"]`` what that has cost.
    """

    called: int = 0
    sampled_out: int = 0
    recorded: int = 0
    dropped: Mapping[str, int] = attrs.field(factory=dict)
    before_start: int = 0
    settled: int = 0
    pending: int = 0
    dead: int = 0
    expired: int = 0
    foreign: int = 0
    duplicates: int = 0
    lost: int = 0
    unreported: int = 0
    buffered: int = 0
    unclean: int = 0
    unclean_producers: tuple[Unclean, ...] = ()

    @property
    def calls(self) -> Account:
        """The sum on the A side."""
        parts = {
            "sampled out": self.sampled_out,
            "recorded": self.recorded,
            "dropped": sum(self.dropped.values()),
        }
        return Account(name="called", total=self.called, parts=parts)

    @property
    def jobs(self) -> Account:
        """The sum of this environment."""
        parts = {
            "before start": self.before_start,
            "settled": self.settled,
            "pending": self.pending,
            "dead": self.dead,
            "expired": self.expired,
        }
        return Account(name="recorded", total=self.recorded, parts=parts)

    @property
    def balanced(self) -> bool:
        """Whether both sums come out."""
        return self.calls.balanced and self.jobs.balanced

    def to_json(self) -> dict[str, Any]:
        """The ``capture`` of the schema."""
        told: dict[str, Any] = _plain(self)
        return {**told, "balanced": self.balanced}


@attrs.frozen(kw_only=True)
class Quantiles:
    """How long something took: ``count`` measurements, and seconds within one per cent."""

    count: int
    p50: float
    p95: float
    p99: float


@attrs.frozen(kw_only=True)
class Latency:
    """Seconds of A, of B, and from completion on A to dispatch on B; None where nothing was measured.

    ``control`` is of the jobs that were measured on B as well, so that the two can be held against each
    other; ``paired`` does so job by job. ``failed`` jobs gave no measurement and are in none of these; ``timed_out`` of
    them were too slow to give one.
    """

    control: Quantiles | None = None
    candidate: Quantiles | None = None
    queue_delay: Quantiles | None = None
    paired: Paired | None = None
    failed: int = 0
    timed_out: int = 0

    def ratio(self, p: str) -> float | None:
        """B's ``p`` ("p50", "p95" or "p99") as a multiple of A's; None where there is none."""
        if self.control is None or self.candidate is None:
            return None
        control, candidate = getattr(self.control, p), getattr(self.candidate, p)
        return candidate / control if control else None


@attrs.frozen(kw_only=True)
class DifferenceCount:
    """One kind of difference at one path pattern: in ``count`` jobs, at ``places`` concrete paths in all.

    ``side`` is "request" where B was asked something else, "response" where it answered something else.
    """

    where: str
    path: str
    kind: str
    count: int
    places: int
    side: str = "response"


@attrs.frozen(kw_only=True)
class NoisePath:
    """A path pattern at which the control's own version differs from A as well as B does.

    Of ``jobs`` that ran on both, ``candidate`` differed there on B, ``baseline`` on the control's own version.
    """

    where: str
    path: str
    kind: str
    candidate: int
    baseline: int
    jobs: int


@attrs.frozen(kw_only=True)
class Sample:
    """One job of a group: what A and B answered, as far as it may be shown and fits, and where they differ.

    ``control`` and ``candidate`` are JSON data. ``differences``, a few of them, are mappings of ``where``,
    ``path`` (concrete) and ``kind``, and of ``control`` and ``candidate`` where that side has something there
    to be shown.
    """

    job: str
    control: Any
    candidate: Any
    differences: tuple[Mapping[str, Any], ...] = ()


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """What somebody said of a known group; ``at`` and ``until`` are RFC 3339, UTC. ``expired``: it holds no more."""

    note: str
    at: str
    until: str
    expired: bool = False


@attrs.frozen(kw_only=True)
class Group:
    """Mismatched jobs that differ in the same way; times are RFC 3339, UTC.

    ``truncated``: the jobs differ at more path patterns than are told here. ``statuses`` are the pairs of HTTP statuses
    that differ. ``noise``: the control's own version differs in the same way; ``undecided``: too few jobs tell whether
    it does so as often. ``acknowledged``: what somebody said of the group, and until when it holds.
    """

    fingerprint: str
    count: int
    first_seen: str
    last_seen: str
    differences: tuple[DifferenceCount, ...]
    truncated: bool = False
    samples: tuple[Sample, ...] = ()
    statuses: tuple[Mapping[str, int | None], ...] = ()
    noise: bool = False
    undecided: bool = False
    acknowledged: Acknowledgement | None = None


@attrs.frozen(kw_only=True)
class Example:
    """One job that was not compared, or not as usual, and what was said of it."""

    job: str
    detail: str


@attrs.frozen(kw_only=True)
class RuleCount:
    """In how many jobs a rule of comparison explained a difference, and when it last did (RFC 3339, UTC).

    ``stale``: it is declared, and has explained nothing for a week.
    """

    rule: str
    count: int = 0
    last_explained: str | None = None
    stale: bool = False


@attrs.frozen(kw_only=True)
class ExperimentReport:
    """What came of the jobs of one experiment.

    ``outcomes`` has every outcome, zeros included; ``reasons`` those that occurred, as ``skipped.no_route``;
    ``examples`` a few told details, by reason or, where there is none, by outcome; ``statuses`` how many compared jobs
    A answered with which class of status ("2xx", "none"), and B with which of these. ``noise`` is what the control's
    own version shows as well; groups are told by what else there is in their jobs. ``id_conflicts`` is how often an id
    contradicted what was known of it, by kind.
    """

    name: str
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    latency: Latency
    groups: tuple[Group, ...] = ()
    examples: Mapping[str, tuple[Example, ...]] = attrs.field(factory=dict)
    rules: tuple[RuleCount, ...] = ()
    statuses: Mapping[str, Mapping[str, int]] = attrs.field(factory=dict)
    noise: tuple[NoisePath, ...] = ()
    id_conflicts: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def total(self) -> int:
        """All settled jobs."""
        return sum(self.outcomes.values())

    @property
    def compared(self) -> int:
        """The jobs in which A and B were held against each other."""
        return sum(self.outcomes.get(outcome, 0) for outcome in COMPARED)


@attrs.frozen(kw_only=True)
class Report:
    """What an environment has shown so far; ``generated_at`` is RFC 3339, UTC.

    ``unread`` counts stored fields that this release does not know: a newer worker wrote them.
    """

    namespace: str
    environment: str
    generated_at: str
    capture: Capture
    experiments: tuple[ExperimentReport, ...] = ()
    unread: int = 0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data, schema 1."""
        return {
            "schema": SCHEMA,
            "namespace": self.namespace,
            "environment": self.environment,
            "generated_at": self.generated_at,
            "capture": self.capture.to_json(),
            "experiments": [_plain(experiment) for experiment in self.experiments],
            "unread": self.unread,
        }


def _plain(node: Any) -> Any:
    """Records as dicts and tuples as lists, all the way down."""
    if attrs.has(type(node)):
        return {field.name: _plain(getattr(node, field.name)) for field in attrs.fields(type(node))}
    if isinstance(node, Mapping):
        return {str(key): _plain(item) for key, item in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(item) for item in node]
    return node
