"""From a job's names to code: what would be called on B, or why nothing is.

A job decides nothing about itself: whether it writes, which service it belongs to and what is called come from the
worker's own registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.codec.values import Codec
from sidecar_science.errors import CodecError
from sidecar_science.journal.job import Call, Job
from sidecar_science.translation.translation import TranslatedIds
from sidecar_science.worker.declared import DeclaredExperiment, DeclaredFunction
from sidecar_science.worker.endings import skipped
from sidecar_science.worker.supplying import supplied


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One call on B: ``function`` is a declared control, or ``candidate`` a registered function of the adapter.

    The arguments are this call's own: adapters change what they are given. ``secrets`` are texts that were put in,
    ``names`` the parameters that its positional arguments fill.
    """

    behavior: str
    owner: DeclaredExperiment
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    function: DeclaredFunction | None = None
    candidate: Callable[..., Any] | None = None
    secrets: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        return self.owner.service

    @property
    def needs_adapter(self) -> bool:
        return self.function is None or self.function.needs_adapter


@attrs.frozen(kw_only=True)
class Plan:
    """What is called on B for one job, and by whose rules it is judged; ``sent`` are the ids in its arguments."""

    job: Job
    experiment: DeclaredExperiment
    calls: Sequence[PlannedCall]
    sent: TranslatedIds = attrs.field(factory=TranslatedIds)

    @property
    def service(self) -> str | None:
        return self.calls[0].service

    @property
    def writes(self) -> bool:
        return any(_writes(call.owner) for call in self.calls) or _writes(self.experiment)

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows how it ended: a read, or a write that B recognizes."""
        return not self.writes or all(call.owner.idempotent for call in self.calls)


@attrs.frozen
class _Behavior:
    name: str
    function: DeclaredFunction | None = None
    candidate: Callable[..., Any] | None = None


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
            raise skipped("control_not_sent")
        if job.consumed == 0 and not job.exhausted and job.error is None:
            raise skipped("not_consumed")
        calls = [planned for call in job.calls for planned in self._calls(experiment, call)]
        if not calls:
            raise skipped("not_replayable", "the job names no call")
        return Plan(job=job, experiment=experiment, calls=calls)

    def reads(self, job: Job) -> bool:
        """Whether everything that ``job`` names is declared as a read: told without making a plan."""
        named = {job.experiment, *(call.function.partition("#")[0] for call in job.calls)}
        found = [self._experiments.get(name) for name in named]
        return all(experiment is not None and not _writes(experiment) for experiment in found)

    def _experiment(self, job: Job) -> DeclaredExperiment:
        experiment = self._experiments.get(job.experiment)
        if experiment is None and job.calls:
            # A `science` block under a name that was never declared: the function that it used has its own rules.
            experiment = self._experiments.get(job.calls[0].function)
        if experiment is None:
            raise skipped("unknown_experiment", f"{job.experiment!r} is not declared in what this worker imported")
        return experiment

    def _calls(self, experiment: DeclaredExperiment, call: Call) -> Iterator[PlannedCall]:
        owner, behaviors = self._found(experiment, call)
        # What a `science` block calls may belong to another experiment than the block: the stricter word counts.
        for each in (experiment, owner):
            self._check_route(each)
        self._check_writes(experiment, owner)
        if call.arguments is None:
            raise skipped("not_replayable", call.obstacle)
        for behavior in behaviors:
            args, kwargs = self._arguments(call.arguments)
            args, kwargs, secrets = supplied(experiment, owner, call.function, args, kwargs)
            yield PlannedCall(
                behavior=behavior.name, owner=owner, args=args, kwargs=kwargs, secrets=secrets,
                function=behavior.function, candidate=behavior.candidate, names=owner.parameters(call.function),
            )  # fmt: skip

    def _found(self, experiment: DeclaredExperiment, call: Call) -> tuple[DeclaredExperiment, list[_Behavior]]:
        """Whose function a call names, and what it stands for: candidates registered with an experiment stand for its
        own function."""
        declared = self._experiments.get(call.function)
        if declared is experiment and experiment.candidates:
            behaviors = [_Behavior(name, experiment.function, tried) for name, tried in experiment.candidates.items()]
            return experiment, behaviors
        if declared is not None and declared.function is not None:
            return declared, [_Behavior(call.behavior, declared.function)]
        name, _, candidate = call.function.rpartition("#")
        owner = self._experiments.get(name)
        if owner is not None and candidate in owner.candidates:
            return owner, [_Behavior(call.behavior, owner.function, owner.candidates[candidate])]
        raise skipped(
            "not_replayable",
            call.obstacle if call.obstacle and not call.function else f"no function is registered as {call.function!r}",
        )

    def _check_route(self, experiment: DeclaredExperiment) -> None:
        if experiment.service is not None and experiment.service not in self._targets:
            raise skipped("no_route", f"service {experiment.service!r} has no --route")
        if not self._targets:
            raise skipped("no_route", "there is no --route")

    def _check_writes(self, experiment: DeclaredExperiment, owner: DeclaredExperiment) -> None:
        if not (_writes(experiment) or _writes(owner)):
            return
        services = {each.service for each in (experiment, owner) if each.service is not None}
        if not services:
            raise skipped(
                "write_not_allowed",
                f"{experiment.name!r} writes and belongs to no service, so --allow-writes cannot name it: "
                "give it service=..., or effect='read' if it only reads",
            )
        for service in sorted(services - self._allow_writes):
            raise skipped("write_not_allowed", f"service {service!r} is not named by --allow-writes")

    def _arguments(self, data: bytes) -> tuple[list[Any], dict[str, Any]]:
        try:
            args, kwargs = self._codec.decode(data)
            return list(args), dict(kwargs)
        except (CodecError, TypeError, ValueError) as error:
            raise skipped("not_replayable", f"its arguments cannot be read: {error}") from error


def _writes(experiment: DeclaredExperiment) -> bool:
    return bool(experiment.effect == "write")
