"""A replay's result in Scientist's form, for ``publish`` and ``after_run`` hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.comparison.observed import Observed
from sidecar_science.reports.outcome import Outcome
from sidecar_science.scientist import Observation, Result
from sidecar_science.worker.declared import DeclaredExperiment
from sidecar_science.worker.judging import Judgement


class RemoteError(Exception):
    """An error as it was recorded: ``type``, ``status`` and ``body`` beside its message."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.type = error.get("type")
        self.status = error.get("status")
        self.body = error.get("body")


class _Judged:
    """The experiment as a result sees it: the judging has been done."""

    clock: Clock = SYSTEM_CLOCK

    def __init__(self, experiment: DeclaredExperiment, context: Mapping[str, Any]) -> None:
        self.name = experiment.name
        self._experiment = experiment
        self._context = context
        self._outcomes: dict[int, Outcome] = {}

    def context(self) -> Mapping[str, Any]:
        return self._context

    def judged(self, observation: Observation, outcome: Outcome) -> Observation:
        self._outcomes[id(observation)] = outcome
        return observation

    def observations_are_equivalent(self, control: Observation, candidate: Observation) -> bool:
        return self._outcomes.get(id(candidate)) is Outcome.MATCHED

    def ignore_mismatched_observation(self, control: Observation, candidate: Observation) -> bool:
        return self._outcomes.get(id(candidate)) is Outcome.IGNORED

    def clean_value(self, value: Any) -> Any:
        return self._experiment.rules.cleaned(value, self._experiment.told)


def result_of(experiment: DeclaredExperiment, judgements: Sequence[Judgement], context: Mapping[str, Any]) -> Result:
    """The result of one replay: the recorded control, and each candidate that ran on B."""
    judge = _Judged(experiment, context)
    control = _observation("control", judge, judgements[0].control)
    candidates = [
        judge.judged(_observation(judgement.answer.behavior, judge, judgement.candidate), judgement.outcome)
        for judgement in judgements
    ]
    return Result(judge, (control, *candidates), control)


def _observation(name: str, judge: _Judged, observed: Observed) -> Observation:
    return Observation(
        name=name,
        experiment=judge,
        value=None if observed.error is not None else observed.value,
        exception=RemoteError(observed.error) if observed.error is not None else None,
        duration=observed.duration,
        cpu_time=observed.cpu_time,
    )
