"""The A side: a call runs as it would have run, and what came of it is on its way before the caller has moved on."""

from sidecar_science.recording.experiment import SidecarExperiment
from sidecar_science.recording.recorder import Recorder
from sidecar_science.recording.science import Science

__all__ = ["Recorder", "Science", "SidecarExperiment"]
