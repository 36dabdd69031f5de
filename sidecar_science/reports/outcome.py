"""How a replay ended, and what came of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from sidecar_science.comparison.difference import Difference


class Outcome(enum.StrEnum):
    """How a replay ended."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    IGNORED = "ignored"
    INCOMPARABLE = "incomparable"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


REASONS: dict[Outcome, tuple[str, ...]] = {
    Outcome.INCOMPARABLE: ("gap", "late", "unmapped_id", "precondition", "environment_changed"),
    Outcome.SKIPPED: (
        "write_not_allowed",
        "not_replayable",
        "unknown_experiment",
        "unsupported_version",
        "not_consumed",
        "control_not_sent",
        "no_route",
    ),
    Outcome.FAILED: ("unreachable", "timeout", "worker_error"),
}


@attrs.frozen(kw_only=True)
class Replayed:
    """What came of one job in one environment.

    Seconds are ``None`` where nothing was measured. ``control`` and ``candidate`` are what a person may be shown
    of the two observations: cleaned, redacted, plain, as mappings with ``value``, ``error`` and ``exchanges``.
    ``explained`` says how many differences each rule of comparison explained, by its text.
    ``baseline_differences`` are those between the control and its own version beside B, after the rules; None where
    the job did not run there.
    ``id_conflicts`` counts ids that contradicted what was known of them, by kind.
    """

    job: str
    experiment: str
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    differences: tuple[Difference, ...] = ()
    control_seconds: float | None = None
    candidate_seconds: float | None = None
    queue_delay: float | None = None
    control: Any = None
    candidate: Any = None
    settled_at: float = 0.0
    explained: Mapping[str, int] = attrs.field(factory=dict)
    baseline_differences: tuple[Difference, ...] | None = None
    id_conflicts: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def full_reason(self) -> str | None:
        """The outcome and its reason as one word, such as ``skipped.no_route``; None without a reason."""
        return f"{self.outcome.value}.{self.reason}" if self.reason else None
