"""A report for programs: the schema of `Report.to_json`, in ASCII, so that no value can steer a terminal."""

from __future__ import annotations

import json

from sidecar_science.reports.records import Report


def render(report: Report) -> str:
    """``report`` as JSON text."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=True, allow_nan=False) + "\n"
