"""Which rules of comparison earn their keep: a rule that explains nothing may be hiding something one day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.records import ExperimentReport, RuleCount

STALE_SECONDS = 7 * 24 * 3600.0


def with_rules(
    experiments: Iterable[ExperimentReport], declared: Mapping[str, Sequence[str]], now: float
) -> tuple[ExperimentReport, ...]:
    """``experiments`` with the rules that are ``declared`` too, and those marked that explained nothing for a week."""
    since = rfc3339(now - STALE_SECONDS)
    return tuple(attrs.evolve(one, rules=_rules(one.rules, declared.get(one.name, ()), since)) for one in experiments)


def _rules(counted: Iterable[RuleCount], declared: Sequence[str], since: str) -> tuple[RuleCount, ...]:
    known = {rule: RuleCount(rule=rule) for rule in declared} | {one.rule: one for one in counted}
    marked = [
        attrs.evolve(one, stale=rule in declared and (one.last_explained or since) < since)
        for rule, one in known.items()
    ]
    return tuple(sorted(marked, key=lambda one: (-one.count, one.rule)))
