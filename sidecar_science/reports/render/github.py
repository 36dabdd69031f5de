"""A verdict as annotations, in GitHub's words for what a step prints: `::error title=...::...`."""

from __future__ import annotations

from sidecar_science.reports.finding import Finding, Standing
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.verdict import Verdict

_LEVELS = {Standing.FAIL: "error", Standing.NOT_ENOUGH_DATA: "warning", Standing.PASS: "notice"}
_WORDS = {Standing.FAIL: "fail", Standing.NOT_ENOUGH_DATA: "not enough data", Standing.PASS: "pass"}


def render(verdict: Verdict) -> str:
    """One line for the verdict, and one for each finding that is no pass."""
    title = f"B {verdict.environment} of {verdict.namespace}"
    lines = [_line(verdict.standing, title, f"Verdict: {_WORDS[verdict.standing]}.")]
    lines += (
        _line(one.standing, _title(one), one.full) for one in verdict.findings if one.standing is not Standing.PASS
    )
    return "\n".join(lines) + "\n"


def _title(finding: Finding) -> str:
    return finding.rule if finding.experiment is None else f"{finding.rule} of {finding.experiment}"


def _line(standing: Standing, title: str, message: str) -> str:
    return f"::{_LEVELS[standing]} title={_property(title)}::{_message(message)}"


def _message(text: str) -> str:
    # `visible` has spelled out line ends; a percent sign begins an escape all the same.
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
