"""A report for programs."""

from __future__ import annotations

import json

from sidecar_science.reports.render import render_json

from .bench import mismatched, report_of


def test_the_text_is_the_schema():
    """What is printed is what `Report.to_json` tells, schema first."""
    report = report_of([mismatched()])

    text = render_json(report)

    assert json.loads(text) == report.to_json()
    assert text.startswith('{\n  "schema": 1,\n')
    assert text.endswith("}\n")
