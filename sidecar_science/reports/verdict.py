"""May B take A's place? A report held against a policy: pass, fail or not enough data, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import attrs

from sidecar_science.reports import demands
from sidecar_science.reports.finding import Finding, Standing
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.records import Report

__all__ = ["Finding", "Standing", "Verdict", "judge"]

SCHEMA: Final = 1


@attrs.frozen(kw_only=True)
class Verdict:
    """What ``policy`` says of an environment; ``generated_at`` is the instant of the report (RFC 3339, UTC)."""

    namespace: str
    environment: str
    generated_at: str
    policy: Policy
    findings: tuple[Finding, ...]

    @property
    def standing(self) -> Standing:
        """Fail if any finding does, else not enough data if any has not, else pass."""
        standings = {finding.standing for finding in self.findings}
        for standing in (Standing.FAIL, Standing.NOT_ENOUGH_DATA):
            if standing in standings:
                return standing
        return Standing.PASS

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """What the verdict stands on: for a failure what failed, for want of data what is wanting, else all."""
        return tuple(finding for finding in self.findings if finding.standing is self.standing)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON data, schema 1."""
        return {
            "schema": SCHEMA,
            "namespace": self.namespace,
            "environment": self.environment,
            "generated_at": self.generated_at,
            "verdict": self.standing.value,
            "reasons": [finding.full for finding in self.reasons],
            "policy": self.policy.to_json(),
            "findings": [attrs.asdict(finding) for finding in self.findings],
        }


def judge(report: Report, policy: Policy, declared: Iterable[str] = ()) -> Verdict:
    """The verdict on ``report``; ``declared`` names the experiments that should have run."""
    findings = [*demands.of_report(report, policy), *demands.coverage(report, policy, declared)]
    for experiment in report.experiments:
        told = demands.of_experiment(experiment, policy)
        findings += (one for one in told if not demands.excused(one, policy))
    return Verdict(
        namespace=report.namespace,
        environment=report.environment,
        generated_at=report.generated_at,
        policy=policy,
        findings=tuple(findings),
    )
