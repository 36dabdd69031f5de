"""Worker processes under a supervisor: whatever brings one of them down, the others go on, and the guilty job is found.

Read `supervisor` first. A `Child` is one process as the supervisor sees it, a `Duty` what that process knows of it.
"""

from sidecar_science.worker.supervising.duty import Duty, Standing
from sidecar_science.worker.supervising.slots import Slots
from sidecar_science.worker.supervising.supervisor import Supervisor

__all__ = ["Duty", "Slots", "Standing", "Supervisor"]
