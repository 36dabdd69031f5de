"""From a job's names to code: what would be called on B, or why nothing is.

A job decides nothing about itself: whether it writes, which service it belongs to and what is called come from the
worker's own registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.codec.markers import Secret
from sidecar_science.codec.values import Codec
from sidecar_science.errors import CodecError
from sidecar_science.journal.job import Call, Job
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.declared import DeclaredExperiment, DeclaredFunction


class Ended(Exception):
    """A replay has ended before its comparison, as ``outcome`` with its ``reason``."""

    def __init__(self, outcome: Outcome, reason: str | None = None, detail: str | None = None) -> None:
        super().__init__(outcome.value, reason, detail)
        self.outcome = outcome
        self.reason = reason
        self.detail = detail


@attrs.define
class Arguments:
    """What a call is given; secrets are filled in before it is made."""

    args: list[Any]
    kwargs: dict[str, Any]


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One call on B: ``function`` is a declared control, or ``candidate`` a registered function of the adapter."""

    behavior: str
    place: Arguments
    function: DeclaredFunction | None = None
    candidate: Callable[..., Any] | None = None
    secrets: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Plan:
    """What is called on B for one job."""

    job: Job
    experiment: DeclaredExperiment
    service: str | None
    calls: Sequence[PlannedCall]

    @property
    def writes(self) -> bool:
        return bool(self.experiment.effect == "write")


class Planner:
    """Finds the code for a job, or says why it is skipped."""

    def __init__(
        self,
        *,
        experiments: Mapping[str, DeclaredExperiment],
        targets: Mapping[str, str],
        allow_writes: frozenset[str],
        codec: Codec,
    ) -> None:
        self._experiments = experiments
        self._targets = targets
        self._allow_writes = allow_writes
        self._codec = codec

    def plan(self, job: Job) -> Plan:
        """What to call on B. Raises `Ended` with ``skipped`` and a reason where nothing is called."""
        experiment = self._experiment(job)
        if job.error is not None and not job.sent:
            raise _skipped("control_not_sent")
        if job.consumed == 0 and not job.exhausted and job.error is None:
            raise _skipped("not_consumed")
        self._check_route(experiment)
        self._check_writes(experiment)
        calls = [planned for call in job.calls for planned in self._calls(job, experiment, call)]
        if not calls:
            raise _skipped("not_replayable", "the job names no call")
        return Plan(job=job, experiment=experiment, service=experiment.service, calls=calls)

    def _experiment(self, job: Job) -> DeclaredExperiment:
        experiment = self._experiments.get(job.experiment)
        if experiment is None and job.calls:
            # A `science` block under a name that was never declared: the function that it used has its own rules.
            experiment = self._experiments.get(job.calls[0].function)
        if experiment is None:
            raise _skipped("unknown_experiment", f"{job.experiment!r} is not declared in what this worker imported")
        return experiment

    def _check_route(self, experiment: DeclaredExperiment) -> None:
        if experiment.service is not None and experiment.service not in self._targets:
            raise _skipped("no_route", f"service {experiment.service!r} has no --route")
        if experiment.service is None and not self._targets:
            raise _skipped("no_route", "there is no --route")

    def _check_writes(self, experiment: DeclaredExperiment) -> None:
        if experiment.effect == "write" and (experiment.service or "") not in self._allow_writes:
            raise _skipped("write_not_allowed", f"service {experiment.service!r} is not named by --allow-writes")

    def _calls(self, job: Job, experiment: DeclaredExperiment, call: Call) -> list[PlannedCall]:
        if call.arguments is None:
            raise _skipped("not_replayable", call.obstacle)
        place = self._arguments(call)
        secrets = self._supply(experiment, call.function, place)
        owner, _, name = call.function.rpartition("#")
        declared = self._experiments.get(call.function)
        if declared is not None and call.function == job.experiment and declared.candidates:
            return [
                PlannedCall(
                    behavior=tried, candidate=to_try, secrets=secrets, function=declared.function, place=place
                )
                for tried, to_try in declared.candidates.items()
            ]
        if declared is not None and declared.function is not None:
            return [PlannedCall(behavior=call.behavior, function=declared.function, secrets=secrets, place=place)]
        candidate = self._experiments[owner].candidates.get(name) if owner in self._experiments else None
        if candidate is None:
            raise _skipped("not_replayable", f"no function is registered under {call.function!r}")
        return [PlannedCall(behavior=call.behavior, candidate=candidate, secrets=secrets, place=place)]

    def _arguments(self, call: Call) -> Arguments:
        try:
            args, kwargs = self._codec.decode(call.arguments or b"")
            return Arguments(list(args), dict(kwargs))
        except (CodecError, TypeError, ValueError) as error:
            raise _skipped("not_replayable", f"its arguments cannot be read: {error}") from error

    def _supply(self, experiment: DeclaredExperiment, function: str, place: Arguments) -> frozenset[str]:
        """Put B's secrets where A's were taken out; the texts of what was put in."""
        if not _holds_secret([place.args, place.kwargs]):
            return frozenset()
        supplied = _supplied(experiment)
        texts: set[str] = set()
        for index, name in experiment.secret_places(function):
            if index < len(place.args) and isinstance(place.args[index], Secret):
                place.args[index] = _take(supplied, name, texts)
        place.args = _filled(place.args, None, supplied, texts)
        place.kwargs = _filled(place.kwargs, None, supplied, texts)
        return frozenset(texts)


def _skipped(reason: str, detail: str | None = None) -> Ended:
    return Ended(Outcome.SKIPPED, reason, detail)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    return isinstance(value, list | tuple | set | frozenset) and any(map(_holds_secret, value))


def _supplied(experiment: DeclaredExperiment) -> Mapping[str, Any]:
    if experiment.supplier is None:
        raise _skipped("not_replayable", "its arguments hold secrets, and the experiment has no supply hook for B's")
    try:
        return dict(experiment.supplier())
    except Exception as error:
        experiment.told("supply", error)
        raise _skipped("not_replayable", f"the supply hook raised {type(error).__name__}") from error


def _take(supplied: Mapping[str, Any], name: str | None, texts: set[str]) -> Any:
    if name is None or name not in supplied:
        raise _skipped("not_replayable", f"the supply hook gives no value for the secret {name!r}")
    value = supplied[name]
    if isinstance(value, str) and len(value) >= 4:
        texts.add(value)
    return value


def _filled(value: Any, name: str | None, supplied: Mapping[str, Any], texts: set[str]) -> Any:
    """``value`` with every secret replaced by what is supplied under the name that it stands under."""
    if isinstance(value, Secret):
        return _take(supplied, name, texts)
    if isinstance(value, dict):
        return {key: _filled(below, str(key), supplied, texts) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled(below, name, supplied, texts) for below in value]
    if type(value) is tuple:
        return tuple(_filled(below, name, supplied, texts) for below in value)
    return value
