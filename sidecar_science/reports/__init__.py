"""Many replays, one judgement: what each job leaves when it is settled, and what all of them come to.

`tally` turns one `Replayed` into counters; `build` turns everybody's counters into a `Report`, which the
folder `render` shows.
"""

from sidecar_science.reports.outcome import REASONS, Outcome, Replayed
from sidecar_science.reports.report import Capture, ExperimentReport, Group, Latency, Report, build
from sidecar_science.reports.store import Store, report_of
from sidecar_science.reports.tally import Tally, tally

__all__ = [
    "REASONS",
    "Capture",
    "ExperimentReport",
    "Group",
    "Latency",
    "Outcome",
    "Replayed",
    "Report",
    "Store",
    "Tally",
    "build",
    "report_of",
    "tally",
]
