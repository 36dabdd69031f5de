"""Comparing what A recorded with what B did: from two observations to an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import attrs

from sidecar_science.checks.secrecy import Parts, redact
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec, is_native
from sidecar_science.comparison.compare import Compared, compare
from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.projection import project
from sidecar_science.journal.job import Job
from sidecar_science.reports.outcome import Outcome
from sidecar_science.translation.translation import Lesson
from sidecar_science.worker.calling import Answer
from sidecar_science.worker.declared import DeclaredExperiment
from sidecar_science.worker.plan import Plan
from sidecar_science.worker.translating import Translating

Sides = tuple[Observed, Observed]
"""The control and the candidate."""


class Judgement:
    """How one answer compares with the control's.

    ``sides`` gives both as plain data without secrets, when asked; ``sent`` has at least their exchanges, and their
    errors. ``explained`` says how many differences each rule of comparison explained, by its text. ``reason``
    says why B could not be expected to agree, ``conflicts`` how many ids contradicted known ones, by kind.
    """

    def __init__(
        self,
        *,
        outcome: Outcome,
        differences: Sequence[Difference],
        answer: Answer,
        sent: Sides,
        sides: Callable[[], Sides],
        explained: Mapping[str, int] | None = None,
        reason: str | None = None,
        conflicts: Mapping[str, int] | None = None,
    ) -> None:
        self.outcome = outcome
        self.differences = differences
        self.answer = answer
        self.sent = sent
        self.explained = explained or {}
        self.reason = reason
        self.conflicts = conflicts or {}
        self._sides = cache(sides)

    @property
    def control(self) -> Observed:
        return self._sides()[0]

    @property
    def candidate(self) -> Observed:
        return self._sides()[1]


class Judging:
    """Compares answers by the rules of their experiment. Safe to share between lanes."""

    def __init__(self, *, codec: Codec, keyring: Keyring, origins: Origins, translating: Translating) -> None:
        self._codec = codec
        self._keyring = keyring
        self._origins = origins
        self._translating = translating
        self._redactors: dict[tuple[str, bytes], Redactor] = {}

    def judge(self, plan: Plan, answer: Answer, key_id: bytes) -> Judgement:
        """Compare ``answer`` with the job's control; ``key_id`` names the key that signed the job."""
        redactor = self._redactor(plan.experiment, key_id)
        same = self._same(plan, answer, redactor)
        return same if same is not None else self._compared(plan, answer, redactor)

    def _same(self, plan: Plan, answer: Answer, redactor: Redactor) -> Judgement | None:
        """The judgement of an answer whose bytes are the control's, as nearly all are: nobody has to look into them.

        None where somebody has to, or where the requests of the two differ.
        """
        experiment, job = plan.experiment, plan.job
        if self._translating.concerns(plan):
            # The same number on both sides may be that of two things; and if it is that of one, somebody has to know.
            return None
        if answer.value != job.value or answer.error is not None or job.error is not None:
            return None
        if experiment.rules.comparator is not None or job.consumed is not None or answer.consumed is not None:
            return None
        found = set(answer.secrets)
        clean = redact(Parts(), answer.exchanges, redactor, self._codec, found)
        value = job.value
        if value is not None and not (is_native(value) and not (found and redactor.holds_copy(value, found))):
            return None
        of_a, of_b = (Observed(exchanges=tuple(self._value(each) or ())) for each in (job.exchanges, clean.exchanges))
        if compare(of_a, of_b, origins=self._origins):
            return None

        def sides() -> Sides:
            whole = attrs.evolve(clean, value=value)
            return self._control(job), self._candidate(answer, whole)

        return Judgement(outcome=Outcome.MATCHED, differences=(), answer=answer, sent=(of_a, of_b), sides=sides)

    def _compared(self, plan: Plan, answer: Answer, redactor: Redactor) -> Judgement:
        clean = redact(
            Parts(value=answer.value, error=answer.error), answer.exchanges, redactor, self._codec, set(answer.secrets)
        )
        control, candidate = self._control(plan.job), self._candidate(answer, clean)
        lesson = self._translating.lesson(plan, answer, control, candidate)
        if lesson is None:
            outcome, differences = self._held_together(plan, control, candidate, None)
        else:
            outcome, differences = self._held_together(plan, *self._with_ids(plan, control, candidate, lesson), lesson)
            lesson = lesson if outcome is Outcome.MISMATCHED else self._translating.confirm(lesson)
        reason = None
        if outcome is Outcome.MISMATCHED:
            reason = self._translating.reason(plan, differences, lesson, control, candidate)
        return Judgement(
            outcome=outcome if reason is None else Outcome.INCOMPARABLE,
            reason=reason,
            differences=differences if outcome is Outcome.MISMATCHED else (),
            answer=answer,
            sent=(control, candidate),
            sides=lambda: (control, candidate),
            explained=differences.explained,
            conflicts=Counter(pair.family for pair in lesson.conflicts) if lesson is not None else {},
        )

    def _with_ids(self, plan: Plan, control: Observed, candidate: Observed, lesson: Lesson) -> Sides:
        """Both sides as they are compared where an experiment declares ids."""
        expected = self._translating.expected(plan, control, lesson)
        return self._translating.without_dropped(plan, expected), self._translating.without_dropped(plan, candidate)

    def _held_together(
        self, plan: Plan, control: Observed, candidate: Observed, lesson: Lesson | None
    ) -> tuple[Outcome, Compared]:
        experiment = plan.experiment
        differences = compare(
            control,
            candidate,
            origins=self._origins,
            compare=experiment.rules.comparator,
            compare_errors=experiment.rules.error_comparator,
            told=experiment.told,
            rules=experiment.rule_set,
        )
        if differences and lesson is not None:
            differences = self._translating.unexplained(plan, differences, lesson)
        return self._outcome(experiment, differences, control, candidate), differences

    def _outcome(
        self,
        experiment: DeclaredExperiment,
        differences: Compared,
        control: Observed,
        candidate: Observed,
    ) -> Outcome:
        if not differences:
            return Outcome.IGNORED if differences.explained else Outcome.MATCHED
        if experiment.rules.ignored(control.value, candidate.value, experiment.told):
            return Outcome.IGNORED
        return Outcome.MISMATCHED

    def _control(self, job: Job) -> Observed:
        return Observed(
            value=self._value(job.value),
            error=self._value(job.error),
            exchanges=tuple(self._value(job.exchanges) or ()),
            duration=job.duration,
            cpu_time=job.cpu_time,
            consumed=job.consumed,
            exhausted=job.exhausted,
        )

    def _candidate(self, answer: Answer, clean: Parts) -> Observed:
        return Observed(
            value=self._value(clean.value),
            error=self._value(clean.error),
            exchanges=tuple(self._value(clean.exchanges) or ()),
            duration=answer.duration,
            cpu_time=answer.cpu_time,
            consumed=answer.consumed,
            exhausted=answer.exhausted,
        )

    def _value(self, data: bytes | None) -> Any:
        return None if data is None else self._codec.decode_plain(data, project)

    def _redactor(self, experiment: DeclaredExperiment, key_id: bytes) -> Redactor:
        wanted = (experiment.name, key_id)
        if wanted not in self._redactors:
            self._redactors[wanted] = experiment.redactor_with(self._keyring.for_job(key_id))
        return self._redactors[wanted]


def outlined(observed: Observed) -> Mapping[str, Any]:
    """With what status an observation ended, and nothing else of it."""
    ends = [observed.error] if observed.error is not None else observed.exchanges[-1:]
    statuses = [{"status": end.get("status")} for end in ends if isinstance(end, Mapping)]
    return {"exchanges": statuses} if statuses else {}


def shown(observed: Observed, clean: Callable[[Any], Any]) -> Mapping[str, Any]:
    """What a person may see of an observation: its value as the experiment's ``clean`` gives it."""
    if observed.error is not None:
        seen: dict[str, Any] = {"error": dict(observed.error)}
    else:
        seen = {"value": clean(observed.value)}
    if observed.exchanges:
        seen["exchanges"] = [
            {name: exchange.get(name) for name in ("method", "path", "query", "status", "body")}
            for exchange in observed.exchanges
        ]
    return seen
