"""The experiment for those who have not chosen one: it only ever runs the control."""

from __future__ import annotations

from sidecar_science.scientist.experiment import Experiment
from sidecar_science.scientist.result import Result


class Default(Experiment):
    """Never enabled and publishes nothing. It is also what an experiment is after it was pickled."""

    def enabled(self) -> bool:
        """Never."""
        return False

    def publish(self, result: Result) -> None:
        """Nowhere."""
