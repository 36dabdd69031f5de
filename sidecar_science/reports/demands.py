"""The single demands of a policy, each held against what a report says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sidecar_science.reports.finding import Finding, Standing, found, percent
from sidecar_science.reports.mismatches import judge_mismatches
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.records import Account, ExperimentReport, Quantiles, Report
from sidecar_science.reports.render.words import counted, duration

FEW: Final = 20
_LATE: Final = 0.05


def of_report(report: Report, policy: Policy) -> Iterator[Finding]:
    """What is demanded of all experiments together."""
    for account in (report.capture.calls, report.capture.jobs):
        yield _balance(account)
    if report.unread:
        yield found(
            "readable", None, Standing.NOT_ENOUGH_DATA,
            f"{report.unread:,} stored fields are of another release, and this one cannot read them: upgrade it.",
        )  # fmt: skip
    if not report.experiments:
        yield found("jobs", None, Standing.NOT_ENOUGH_DATA, "No job has been settled yet.")
    for status, least in sorted(policy.min_status_jobs.items()):
        yield _status(report, status, least)


def coverage(report: Report, policy: Policy, declared: Iterable[str]) -> Iterator[Finding]:
    """Whether each declared experiment has run at all."""
    seen = {experiment.name for experiment in report.experiments if experiment.total}
    for name in sorted(set(declared) - policy.optional):
        if name in seen:
            yield found("coverage", name, Standing.PASS, "It has run.")
        else:
            words = "It is declared, and no job of it was settled: call it in the app, or name it as optional."
            yield found("coverage", name, Standing.NOT_ENOUGH_DATA, words)


def of_experiment(experiment: ExperimentReport, policy: Policy) -> Iterator[Finding]:
    """What is demanded of each experiment."""
    yield _refusals(experiment)
    yield judge_mismatches(experiment, policy)
    yield from _failures(experiment, policy)
    if policy.max_slowdown is not None:
        yield _speed(experiment, policy.max_slowdown)
    yield _compared(experiment, policy)


def excused(finding: Finding, policy: Policy) -> bool:
    """An optional experiment may have too few jobs; what they show counts all the same."""
    return finding.standing is Standing.NOT_ENOUGH_DATA and finding.experiment in policy.optional


def _balance(account: Account) -> Finding:
    told = " + ".join(f"{n:,} {name}" for name, n in account.parts.items())
    if account.balanced:
        return found("balance", None, Standing.PASS, f"{account.total:,} {account.name} = {told}.")
    words = f"The accounts do not add up: {account.total:,} {account.name}, but {told} = {account.accounted:,}."
    return found("balance", None, Standing.FAIL, words)


def _status(report: Report, status: str, least: int) -> Finding:
    n = sum(sum(one.statuses.get(status, {}).values()) for one in report.experiments)
    words = f"{counted(n, 'job')} were compared in which A answered {status}; {least:,} are demanded."
    return found("status", None, Standing.PASS if n >= least else Standing.NOT_ENOUGH_DATA, words)


def _refusals(experiment: ExperimentReport) -> Finding:
    n = experiment.outcomes.get("refused", 0)
    if n:
        words = f"The guard stopped {counted(n, 'job')} on the way to what no route names; not one may be."
        return found("refusals", experiment.name, Standing.FAIL, words)
    return found("refusals", experiment.name, Standing.PASS, "The guard had nothing to stop.")


def _failures(experiment: ExperimentReport, policy: Policy) -> Iterator[Finding]:
    failed, unknown = (experiment.outcomes.get(outcome, 0) for outcome in ("failed", "unknown"))
    ran = experiment.total - experiment.outcomes.get("skipped", 0)
    if ran:
        rate = (failed + unknown) / ran
        words = (
            f"Of {counted(ran, 'job')} that ran on B {failed:,} failed and {unknown:,} ended unknown ({percent(rate)});"
            f" the limit is {percent(policy.max_failed_rate)}."
        )
        standing = Standing.FAIL if rate > policy.max_failed_rate else Standing.PASS
        yield found("failures", experiment.name, standing, words)


def _speed(experiment: ExperimentReport, limit: float) -> Finding:
    latency, name = experiment.latency, experiment.name
    measured = latency.candidate.count if latency.candidate else 0
    if latency.timed_out > _LATE * (measured + latency.timed_out):
        words = (
            f"{latency.timed_out:,} of {counted(measured + latency.timed_out, 'job')} timed out on B: that is more than"
            " one in twenty, so B's p95 is longer than the timeout."
        )
        return found("speed", name, Standing.FAIL, words)
    ratio = latency.ratio("p95")
    if measured < FEW or ratio is None:
        words = f"B's speed was measured in {counted(measured, 'job')}; p95 takes {FEW} or more."
        return found("speed", name, Standing.NOT_ENOUGH_DATA, words)
    told = f"B's p95 is {ratio:.3g} times A's{_seconds(latency.control, latency.candidate)}; the limit is {limit:g}."
    if latency.failed:
        told += (
            f" {counted(latency.failed, 'job')} failed, {latency.timed_out:,} of them by timeout, and are not in it."
        )
    return found("speed", name, Standing.FAIL if ratio > limit else Standing.PASS, told)


def _compared(experiment: ExperimentReport, policy: Policy) -> Finding:
    words = f"{counted(experiment.compared, 'job')} compared; {policy.min_jobs:,} demanded."
    enough = experiment.compared >= policy.min_jobs
    return found("jobs", experiment.name, Standing.PASS if enough else Standing.NOT_ENOUGH_DATA, words)


def _seconds(control: Quantiles | None, candidate: Quantiles | None) -> str:
    if control is None or candidate is None:
        return ""
    return f" ({duration(control.p95)} and {duration(candidate.p95)}, {counted(candidate.count, 'job')})"
