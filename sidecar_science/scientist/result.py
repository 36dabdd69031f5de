"""What did one run of an experiment show? Immutable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from sidecar_science.scientist.judge import Judge
from sidecar_science.scientist.observation import Observation
from sidecar_science.scientist.wording import describe


def _as_tuple(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    return tuple(observations)


@attrs.frozen(eq=False, repr=False)
class Result:
    """The observations of one run, sorted into matched, mismatched and ignored when it is made.

    ``observations`` come in execution order; ``control`` is one of them and the others are ``candidates``. A
    candidate that differs is in ``ignored`` if an ``ignore`` rule explains it, otherwise in ``mismatched``.
    Each list is a copy.
    """

    experiment: Judge
    _observations: tuple[Observation, ...] = attrs.field(converter=_as_tuple)
    control: Observation
    _differing: tuple[Observation, ...] = attrs.field(init=False)
    _ignored: tuple[Observation, ...] = attrs.field(init=False)

    @_differing.default
    def _compare(self) -> tuple[Observation, ...]:
        agree = self.experiment.observations_are_equivalent
        return tuple(each for each in self.candidates if not agree(self.control, each))

    @_ignored.default
    def _ignore(self) -> tuple[Observation, ...]:
        ignored = self.experiment.ignore_mismatched_observation
        return tuple(each for each in self._differing if ignored(self.control, each))

    @property
    def experiment_name(self) -> str:
        """The experiment's name."""
        return self.experiment.name

    @property
    def context(self) -> dict[str, Any]:
        """A copy of the experiment's context."""
        return dict(self.experiment.context())

    @property
    def observations(self) -> list[Observation]:
        """All observations, in execution order."""
        return list(self._observations)

    @property
    def candidates(self) -> list[Observation]:
        """All observations but the control, in execution order."""
        return [each for each in self._observations if each is not self.control]

    @property
    def mismatched(self) -> list[Observation]:
        """The candidates that differ from the control and that no rule ignores."""
        return [each for each in self._differing if each not in self._ignored]

    @property
    def ignored(self) -> list[Observation]:
        """The candidates that differ from the control in a way that a rule ignores."""
        return list(self._ignored)

    @property
    def is_matched(self) -> bool:
        """Whether no candidate differs, not even in a way that is ignored."""
        return not self._differing

    @property
    def is_mismatched(self) -> bool:
        """Whether a candidate differs in a way that is not ignored."""
        return bool(self.mismatched)

    @property
    def is_ignored(self) -> bool:
        """Whether a candidate differs in a way that is ignored. Another may be mismatched all the same."""
        return bool(self._ignored)

    def describe(self) -> str:
        """All observations as text for a person: cleaned values, or errors with their tracebacks."""
        return describe([self.control, *self.candidates])

    def __repr__(self) -> str:
        mismatched, ignored = ([each.name for each in some] for some in (self.mismatched, self._ignored))
        return f"<Result of {self.experiment_name!r}: mismatched={mismatched} ignored={ignored}>"
