"""One job, made again on B: the product in ten lines."""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import attrs

from sidecar_science.clock import Clock
from sidecar_science.codec.values import Codec
from sidecar_science.errors import BodyTooLarge, DeadlineExceeded, EgressRefused
from sidecar_science.journal.job import AMBIENT, Job
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.worker.calling import Answer, Caller
from sidecar_science.worker.endings import Broken, Ended, NotSent
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.judging import Judgement, Judging, outlined, shown
from sidecar_science.worker.plan import Plan, Planner
from sidecar_science.worker.reaching import check_answered, is_failing
from sidecar_science.worker.result import result_of
from sidecar_science.worker.surrounding import Surrounding
from sidecar_science.worker.translating import Translating

__all__ = ["Broken", "Dispatch", "NotSent", "Replay", "Ticket"]

RULES_SECONDS: Final = 10.0
"""How long an experiment's rules may take to judge one job."""

Deadline = Callable[[str, float], AbstractContextManager[None]]


@attrs.frozen(kw_only=True)
class Ticket:
    """A job as its lane hands it over: ``key_id`` names the key that signed it, ``late`` that it came out of order.

    ``answered`` is told when B has answered, and whether with an error of the server where A had none.
    """

    job: Job
    key_id: bytes = b""
    late: bool = False
    answered: Callable[[bool], None] = lambda _: None


class Dispatch(Protocol):
    """Asked once per replay, just before something is sent; raises `Ended` when it must not be."""

    def __call__(self, plan: Plan) -> None: ...


class Replay:
    """Makes jobs again on B. One per lane, for its adapters are its own."""

    def __init__(
        self,
        *,
        environment: str,
        planner: Planner,
        caller: Caller,
        judging: Judging,
        translating: Translating,
        surrounding: Surrounding,
        current: Current,
        codec: Codec,
        clock: Clock,
        deadline: Deadline | None = None,
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._environment = environment
        self._planner = planner
        self._caller = caller
        self._judging = judging
        self._translating = translating
        self._surrounding = surrounding
        self._current = current
        self._codec = codec
        self._clock = clock
        self._failpoint = failpoint
        self._deadline = deadline or (lambda *_: contextlib.nullcontext())

    def replay(self, ticket: Ticket, dispatch: Dispatch) -> Replayed:
        """Make one job again on B, and say what came of it.

        Raises `NotSent` when B was not reached, and `Broken` when a connection broke: both are the lane's to decide.
        """
        try:
            plan = self._planned(ticket.job)
            dispatch(plan)
            if plan.experiment.rules.before_run is not None:
                with self._rules(ticket.job):
                    plan.experiment.before()
            self._failpoint("before_send")
            dispatched, answers = self._clock.wall(), self._call(plan)
            self._failpoint("after_answer")
            ticket.answered(is_failing(ticket.job, answers, self._codec))
            with self._rules(ticket.job):
                judgements = [self._judging.judge(plan, answer, ticket.key_id) for answer in answers]
                self._publish(plan, judgements)
                return self._compared(ticket, plan, judgements, dispatched)
        except Ended as ended:
            return self._ended(ticket.job, ended)

    def has_happened(self, job: Job) -> bool:
        """Whether B says that a write happened of which nobody knows; False also when it cannot be asked."""
        try:
            plan = self._planned(job)
            question = plan.experiment.reconcile
            return question is not None and self._asked(plan, question) is True
        except BaseException:  # noqa: BLE001 - whatever comes of asking, what was asked about is settled
            return False

    def reads(self, job: Job) -> bool:
        """Whether ``job`` certainly only reads, by what is declared."""
        return self._planner.reads(job)

    def close(self) -> None:
        self._caller.close()

    def _asked(self, plan: Plan, question: Callable[..., bool]) -> Any:
        running = self._running(plan)
        try:
            with self._current.replaying(running), self._deadline(running.job, running.deadline):
                return self._caller.ask(question, plan.calls[0])
        except BaseException as error:
            plan.experiment.told("reconcile", error)
            self._caller.reset()
            raise

    def _planned(self, job: Job) -> Plan:
        """What is called on B, with B's ids. Planned anew each time: what was called may have changed its arguments."""
        with self._rules(job):
            plan = self._planner.plan(job)
        return self._translating.into_b(plan)

    @contextlib.contextmanager
    def _rules(self, job: Job) -> Iterator[None]:
        """Around what the experiment's own hooks and rules do: they have their time, and nothing to send.

        What they try to send is refused like everything else, and must not be put down with other lanes' replays; so
        they belong to a replay of their own, whose time is over.
        """
        aside = CurrentReplay(job=job.id, environment=self._environment, deadline=-math.inf)
        try:
            with self._current.replaying(aside), self._deadline(job.id, self._clock.monotonic() + RULES_SECONDS):
                yield
        except EgressRefused as error:
            raise Ended(Outcome.REFUSED, None, f"in a rule or hook of the experiment: {error}") from error
        except (DeadlineExceeded, BodyTooLarge):
            detail = f"a rule or hook of the experiment did not end within {RULES_SECONDS:g} s, or tried to send"
            raise Ended(Outcome.FAILED, "worker_error", detail) from None

    def _call(self, plan: Plan) -> list[Answer]:
        """Every planned call, inside routes, guard and deadline."""
        running = self._running(plan)
        try:
            with self._current.replaying(running), self._deadline(running.job, running.deadline):
                answers = self._answers(plan)
        except EgressRefused as error:
            raise Ended(Outcome.REFUSED, None, str(error)) from error
        except (DeadlineExceeded, BodyTooLarge):
            answers = []
        # Whatever the adapter made of it: a refusal that it swallowed is one, and so is a deadline that has passed.
        if running.refused:
            raise Ended(Outcome.REFUSED, None, "; ".join(running.refusals))
        if running.overflow is not None:
            self._caller.reset()
            raise Ended(Outcome.FAILED, "worker_error", running.overflow)
        if not answers or running.remaining(self._clock) <= 0:
            self._caller.reset()
            raise Ended(Outcome.FAILED, "timeout", f"B did not answer within {plan.experiment.timeout:g} s")
        check_answered(plan.job, running, answers, self._codec)
        return answers

    def _answers(self, plan: Plan) -> list[Answer]:
        answers: list[Answer] = []
        for number in range(len(plan.calls)):
            try:
                answers.append(self._alone(plan, number))
            except NotSent as error:
                if not answers:
                    raise
                # The calls before this one were made: what is begun anew would send them twice.
                raise Broken(str(error)) from error
        return answers

    def _running(self, plan: Plan) -> CurrentReplay:
        return CurrentReplay(
            job=plan.job.id,
            environment=self._environment,
            service=plan.service,
            deadline=self._clock.monotonic() + plan.experiment.timeout,
        )

    def _alone(self, plan: Plan, number: int) -> Answer:
        """One call in a context of its own: what it leaves in context variables is gone with it."""
        return contextvars.copy_context().run(self._surrounded, plan, number)

    def _surrounded(self, plan: Plan, number: int) -> Answer:
        with self._surrounding.restored(plan.job):
            return self._caller.call(plan, plan.calls[number])

    def _publish(self, plan: Plan, judgements: Sequence[Judgement]) -> None:
        if plan.experiment.rules.after_run is None and plan.experiment.publisher is None:
            return
        job = plan.job
        context = dict(self._codec.decode(job.context)) if job.context is not None else {}
        context.pop(AMBIENT, None)
        try:
            plan.experiment.after(result_of(plan.experiment, judgements, context))
        except (EgressRefused, DeadlineExceeded, BodyTooLarge) as error:
            # The comparison stands, whatever comes of telling others about it.
            plan.experiment.told("publish", error)

    def _compared(self, ticket: Ticket, plan: Plan, judgements: Sequence[Judgement], dispatched: float) -> Replayed:
        worst = max(judgements, key=lambda judgement: _SEVERITY.index(judgement.outcome))
        outcome, reason = (Outcome.INCOMPARABLE, "late") if ticket.late else (worst.outcome, worst.reason)
        experiment = plan.experiment

        def clean(value: Any) -> Any:
            return experiment.rules.cleaned(value, experiment.told)

        # Only of what differs anything is shown to people; of the rest it is counted with what statuses they ended.
        differs = worst.outcome is Outcome.MISMATCHED
        return self._replayed(
            ticket.job,
            outcome=outcome,
            reason=reason,
            detail=_DETAILS.get(reason or ""),
            experiment=experiment.name,
            id_conflicts=worst.conflicts,
            explained=worst.explained,
            differences=tuple(worst.differences) if outcome is Outcome.MISMATCHED else (),
            control=shown(worst.control, clean) if differs else outlined(worst.sent[0]),
            candidate=shown(worst.candidate, clean) if differs else outlined(worst.sent[1]),
            candidate_seconds=worst.answer.duration,
            queue_delay=max(0.0, dispatched - ticket.job.completed_at),
        )

    def _ended(self, job: Job, ended: Ended) -> Replayed:
        return self._replayed(job, outcome=ended.outcome, reason=ended.reason, detail=ended.detail)

    def _replayed(self, job: Job, *, experiment: str | None = None, **fields: Any) -> Replayed:
        now = self._clock.wall()
        return Replayed(
            job=job.id,
            experiment=experiment or job.experiment,
            control_seconds=job.duration,
            settled_at=now,
            **fields,
        )


_SEVERITY: Final = (Outcome.MATCHED, Outcome.IGNORED, Outcome.INCOMPARABLE, Outcome.MISMATCHED)
_DETAILS: Final = {
    "unmapped_id": "it names an id, or tells of one, of which nobody knows B's",
    "precondition": "B refused the version that it names, which B's data may never have had",
}
