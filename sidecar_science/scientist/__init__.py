"""Our port of GitHub Scientist: candidates run inline, beside the control, and the control answers.

Usable alone: it does no I/O and knows nothing of sidecars, journals or workers.
"""

from sidecar_science.errors import BadBehavior, BehaviorMissing, BehaviorNotUnique, MismatchError
from sidecar_science.scientist.carrying import LeftBehind
from sidecar_science.scientist.default import Default
from sidecar_science.scientist.experiment import Chance, Experiment
from sidecar_science.scientist.judge import Judge
from sidecar_science.scientist.observation import Fabricated, Observation
from sidecar_science.scientist.result import Result
from sidecar_science.scientist.rules import WITHHELD, Ruled, Rules, guarded
from sidecar_science.scientist.science import science, set_default

__all__ = [
    "WITHHELD",
    "BadBehavior",
    "BehaviorMissing",
    "BehaviorNotUnique",
    "Chance",
    "Default",
    "Experiment",
    "Fabricated",
    "Judge",
    "LeftBehind",
    "MismatchError",
    "Observation",
    "Result",
    "Ruled",
    "Rules",
    "guarded",
    "science",
    "set_default",
]
