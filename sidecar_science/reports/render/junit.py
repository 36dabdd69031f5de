"""A verdict as JUnit XML: a test case for each experiment and demand."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

from sidecar_science.reports.finding import Finding, Standing
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.verdict import Verdict


def render(verdict: Verdict) -> str:
    """``verdict`` as XML. Too little data is an error, not a skip: pipelines take what is skipped for passed."""
    name = visible(f"{verdict.namespace} on {verdict.environment}")
    counts = Counter(finding.standing for finding in verdict.findings)
    totals = {
        "tests": str(len(verdict.findings)),
        "failures": str(counts[Standing.FAIL]),
        "errors": str(counts[Standing.NOT_ENOUGH_DATA]),
    }
    suites = ElementTree.Element("testsuites", totals)
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": name, "timestamp": verdict.generated_at, "skipped": "0", **totals}
    )
    for finding in verdict.findings:
        _case(suite, finding)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, finding: Finding) -> None:
    of = visible(finding.experiment) if finding.experiment is not None else "(all experiments)"
    case = ElementTree.SubElement(suite, "testcase", {"classname": of, "name": finding.rule})
    sentence = visible(finding.sentence)
    if finding.standing is Standing.PASS:
        ElementTree.SubElement(case, "system-out").text = sentence
        return
    tag = "failure" if finding.standing is Standing.FAIL else "error"
    ElementTree.SubElement(case, tag, {"message": sentence, "type": finding.standing.value}).text = sentence
