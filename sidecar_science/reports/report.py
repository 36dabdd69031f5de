"""The report of an environment, made from what its jobs have left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.merging import Merger
from sidecar_science.reports.records import (
    Account,
    Capture,
    DifferenceCount,
    Example,
    ExperimentReport,
    Group,
    Latency,
    Quantiles,
    Report,
    RuleCount,
    Sample,
    Unclean,
)
from sidecar_science.reports.rules import with_rules

__all__ = [
    "Account",
    "Capture",
    "DifferenceCount",
    "Example",
    "ExperimentReport",
    "Group",
    "Latency",
    "Quantiles",
    "Report",
    "RuleCount",
    "Sample",
    "Unclean",
    "build",
]


def build(
    namespace: str,
    environment: str,
    generated_at: float,
    capture: Mapping[str, Any],
    tallies: Iterable[Mapping[Any, Any]],
    declared: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """The report of ``environment`` at the instant ``generated_at`` (seconds since the epoch).

    ``capture`` holds the accounts by the names of `Capture`; ``tallies`` each partition's fields, as
    `sidecar_science.reports.tally.tally` named them, with text or bytes for names and values; ``declared``
    the rules of comparison of each experiment, as text.
    """
    merger = Merger()
    for tally in tallies:
        merger.read(tally)
    known = attrs.fields_dict(Capture)
    return Report(
        namespace=namespace,
        environment=environment,
        generated_at=rfc3339(generated_at),
        capture=Capture(**{name: number for name, number in capture.items() if name in known}),
        experiments=with_rules(merger.experiments(), declared or {}, generated_at),
        unread=merger.unread,
    )
