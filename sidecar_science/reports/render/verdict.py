"""A verdict for a terminal: the word, and the sentences that it stands on."""

from __future__ import annotations

import json

from sidecar_science.reports.finding import Finding, Standing
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.render.words import counted
from sidecar_science.reports.verdict import Verdict

_WORDS = {Standing.FAIL: "FAIL", Standing.NOT_ENOUGH_DATA: "NOT ENOUGH DATA", Standing.PASS: "PASS"}
_ORDER = (Standing.FAIL, Standing.NOT_ENOUGH_DATA, Standing.PASS)


def render(verdict: Verdict) -> str:
    """``verdict`` as lines of text: what weighs most comes first. Only a pass tells each demand that is met."""
    lines = [f"{_WORDS[verdict.standing]}: {visible(verdict.namespace)} on {visible(verdict.environment)}"]
    for standing in _ORDER:
        findings = [finding for finding in verdict.findings if finding.standing is standing]
        if findings and standing is Standing.PASS is not verdict.standing:
            lines += ["", f"{counted(len(findings), 'further demand is', 'further demands are')} met."]
        elif findings:
            lines += ["", _WORDS[standing].capitalize(), *map(_line, findings)]
    return "\n".join(lines) + "\n"


def as_json(verdict: Verdict) -> str:
    """``verdict`` as JSON text, in ASCII."""
    return json.dumps(verdict.to_json(), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _line(finding: Finding) -> str:
    return f"  {finding.rule}: {visible(finding.full)}"
