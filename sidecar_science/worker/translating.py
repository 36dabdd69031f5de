"""What B numbers differently: a job's ids on their way to B, and two answers with both numbers in them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs

from sidecar_science.clock import Clock
from sidecar_science.comparison.compare import Compared, query_of
from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.observed import Observed
from sidecar_science.errors import JournalUnavailable
from sidecar_science.translation.arguments import Arguments
from sidecar_science.translation.declared import Ids
from sidecar_science.translation.idmap import IdMap
from sidecar_science.translation.translation import Lesson, TranslatedIds, Translation
from sidecar_science.worker.calling import Answer
from sidecar_science.worker.declared import DeclaredExperiment
from sidecar_science.worker.plan import Plan, PlannedCall
from sidecar_science.worker.preconditions import failed_precondition

T = TypeVar("T")

_TRIES: Final = 5
_PAUSE: Final = 0.2


class Translating:
    """Translates plans and judges with ids in mind. Safe to share between lanes.

    ``ids`` holds the pairs; None: nothing is learned or changed, and what differs because of an id is told.
    """

    def __init__(self, experiments: Collection[DeclaredExperiment], ids: IdMap | None, clock: Clock) -> None:
        self._translation = Translation(declared=[each.ids for each in experiments], ids=ids)
        self._clock = clock

    def concerns(self, plan: Plan) -> bool:
        """Whether anything is declared for what is called: without, nobody is asked and nothing looked at."""
        return bool(plan.experiment.ids or any(call.owner.ids for call in plan.calls))

    def into_b(self, plan: Plan) -> Plan:
        """``plan`` with B's ids in its arguments. Raises `JournalUnavailable` when nobody can be asked for them."""
        if not self.concerns(plan):
            return plan
        done = [self._call_into_b(plan, call) for call in plan.calls]
        known = {id: other for _, sent in done for id, other in sent.known.items()}
        unmapped = frozenset(id for _, sent in done for id in sent.unmapped)
        return attrs.evolve(plan, calls=[call for call, _ in done], sent=TranslatedIds(known=known, unmapped=unmapped))

    def lesson(self, plan: Plan, answer: Answer, control: Observed, candidate: Observed) -> Lesson | None:
        """What the two answers teach; None for an experiment that declares no ids."""
        ids = _ids(plan)
        if not ids:
            return None
        if answer.behavior != plan.calls[0].behavior or control.error is not None or candidate.error is not None:
            # What a second candidate has made on B is another thing; and an error teaches nothing.
            return Lesson(known=plan.sent.known)
        return self._insisting(
            lambda: self._translation.learn(ids, plan.job.key, control.value, candidate.value, plan.sent)
        )

    def confirm(self, lesson: Lesson) -> Lesson:
        """What the lesson comes to where the answers agree."""
        return self._insisting(lambda: self._translation.confirm(lesson))

    def expected(self, plan: Plan, control: Observed, lesson: Lesson) -> Observed:
        """A's answer as B would give it."""
        value = self._translation.as_b_would_say(_ids(plan), plan.job.key, control.value, lesson)
        return attrs.evolve(control, value=value)

    def without_dropped(self, plan: Plan, observed: Observed) -> Observed:
        """The exchanges without what an experiment does not send to B."""
        names = {str(steps[-1]) for call in plan.calls for steps in _ids_of(plan, call).dropped}
        if not names:
            return observed
        return attrs.evolve(observed, exchanges=tuple(_without(exchange, names) for exchange in observed.exchanges))

    def unexplained(self, plan: Plan, differences: Compared, lesson: Lesson) -> Compared:
        """Those of ``differences`` that are more than two ids of the same thing."""
        if differences.truncated:
            # Nobody knows what else there is.
            return differences
        rules = plan.experiment.rules
        # What a comparison of the user's own calls different is different.
        judged = {"value": rules.comparator, "error": rules.error_comparator}
        ours = [each for each in differences if judged.get(each.where) is None]
        left = {id(each) for each in self._insisting(lambda: self._translation.unexplained(ours, lesson))}
        kept = [each for each in differences if id(each) in left or judged.get(each.where) is not None]
        return Compared(kept, explained=differences.explained)

    def reason(
        self,
        plan: Plan,
        differences: Sequence[Difference],
        lesson: Lesson | None,
        control: Observed,
        candidate: Observed,
    ) -> str | None:
        """Why B could not be expected to agree; None where it could."""
        if lesson is not None:
            if any(id not in lesson.known for id in plan.sent.unmapped):
                return "unmapped_id"
            if lesson.unlearned and not self._translation.beyond_ids(_ids(plan), plan.job.key, differences, lesson):
                return "unmapped_id"
        named = ({**dict(zip(call.names, call.args, strict=False)), **call.kwargs} for call in plan.calls)
        mapped = {str(place.steps[-1]) for call in plan.calls for place in _ids_of(plan, call).arguments}
        return "precondition" if failed_precondition(named, control, candidate, mapped) else None

    def _call_into_b(self, plan: Plan, call: PlannedCall) -> tuple[PlannedCall, TranslatedIds]:
        given = Arguments(args=tuple(call.args), kwargs=call.kwargs, names=call.names)
        arguments, sent = self._translation.into_b(_ids_of(plan, call), plan.job.key, given, untouchable=call.secrets)
        return attrs.evolve(call, args=list(arguments.args), kwargs=dict(arguments.kwargs)), sent

    def _insisting(self, verb: Callable[[], T]) -> T:
        """B has been asked, and cannot be asked again: a pair is worth a few tries."""
        never = threading.Event()
        for _ in range(_TRIES - 1):
            try:
                return verb()
            except JournalUnavailable:
                self._clock.wait(never, _PAUSE)
        return verb()


def _ids(plan: Plan) -> Ids:
    """Of the result: the experiment's, or else those of the function that a block has called."""
    return plan.experiment.ids or plan.calls[0].owner.ids


def _ids_of(plan: Plan, call: PlannedCall) -> Ids:
    """Of a call's arguments: those of the function, or else the experiment's."""
    return call.owner.ids or plan.experiment.ids


def _without(exchange: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    query = query_of(exchange.get("query"))
    return {
        **exchange,
        "query": {key: value for key, value in query.items() if key not in names},
        "body": _cut(exchange.get("body"), names),
    }


def _cut(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {key: _cut(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_cut(item, names) for item in value]
    return value
