"""What a report keeps of one job: samples of it, and what was said of it."""

from __future__ import annotations

from typing import Any

from sidecar_science.reports.records import Report


def kept_of(report: Report, job: str) -> dict[str, Any]:
    """``experiment``, ``groups`` with the job's differences, ``told`` words, and ``control`` and ``candidate``.

    Only what is there is in it: of most jobs a report keeps nothing but numbers.
    """
    kept: dict[str, Any] = {}
    for experiment in report.experiments:
        for group in experiment.groups:
            for sample in group.samples:
                if sample.job == job:
                    differences = [dict(one) for one in sample.differences]
                    kept.setdefault("groups", []).append(
                        {"fingerprint": group.fingerprint, "count": group.count, "differences": differences}
                    )
                    kept |= {
                        "experiment": experiment.name, "control": sample.control, "candidate": sample.candidate,
                    }  # fmt: skip
        for reason, examples in experiment.examples.items():
            for example in examples:
                if example.job == job:
                    kept["experiment"] = experiment.name
                    kept.setdefault("told", []).append({"reason": reason, "detail": example.detail})
    return kept
