"""How two answers are told apart: any result becomes plain data, and one walk names every place that differs."""

from sidecar_science.comparison.applying import apply
from sidecar_science.comparison.compare import Compared, compare
from sidecar_science.comparison.diff import Differences, diff
from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.paths import Pattern, to_pattern
from sidecar_science.comparison.projection import project, project_error
from sidecar_science.comparison.projections import Projections
from sidecar_science.comparison.rules import Rule, rule_from
from sidecar_science.comparison.sieve import RuleSet
from sidecar_science.comparison.verbs import RuleVerbs

__all__ = [
    "Compared",
    "Difference",
    "Differences",
    "Observed",
    "Origins",
    "Pattern",
    "Projections",
    "Rule",
    "RuleSet",
    "RuleVerbs",
    "apply",
    "compare",
    "diff",
    "project",
    "project_error",
    "rule_from",
    "to_pattern",
]
