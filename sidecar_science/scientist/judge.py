"""What an observation and a result ask of the experiment they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sidecar_science.clock import Clock

if TYPE_CHECKING:
    from sidecar_science.scientist.observation import Observation


class Judge(Protocol):
    """What an observation and a result ask of the experiment they belong to: `Experiment` is one."""

    @property
    def name(self) -> str:
        """The experiment's name."""
        ...

    @property
    def clock(self) -> Clock:
        """By which behaviors are timed."""
        ...

    def context(self) -> Mapping[str, Any]:
        """What else is known about the run."""
        ...

    def observations_are_equivalent(self, control: Observation, candidate: Observation) -> bool:
        """Whether the candidate did what the control did."""
        ...

    def ignore_mismatched_observation(self, control: Observation, candidate: Observation) -> bool:
        """Whether a difference between the two does not matter."""
        ...

    def clean_value(self, value: Any) -> Any:
        """What may be published of a value."""
        ...
