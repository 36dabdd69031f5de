"""One job, made again on B: the product in ten lines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import attrs

from sidecar_science.clock import Clock
from sidecar_science.codec.values import Codec
from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.journal.job import Job
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.worker.calling import Answer, Caller
from sidecar_science.worker.judging import Judgement, Judging, shown
from sidecar_science.worker.plan import Ended, Plan, Planner
from sidecar_science.worker.result import result_of


class NotSent(Exception):
    """B could not be reached, and nothing of this replay was sent: it may be tried again."""


class Broken(Exception):
    """The connection to B broke after something was sent: nobody knows what B did."""


Deadline = Callable[[CurrentReplay], AbstractContextManager[None]]


@attrs.frozen(kw_only=True)
class Ticket:
    """A job as its lane hands it over: ``key_id`` names the key that signed it, ``late`` that it came out of order."""

    job: Job
    key_id: bytes = b""
    late: bool = False


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
        current: Current,
        codec: Codec,
        clock: Clock,
        deadline: Deadline | None = None,
    ) -> None:
        self._environment = environment
        self._planner = planner
        self._caller = caller
        self._judging = judging
        self._current = current
        self._codec = codec
        self._clock = clock
        self._deadline = deadline or (lambda _: contextlib.nullcontext())

    def replay(self, ticket: Ticket, dispatch: Dispatch) -> Replayed:
        """Make one job again on B, and say what came of it.

        Raises `NotSent` when B was not reached, and `Broken` when a connection broke: both are the lane's to decide.
        """
        try:
            plan = self._planner.plan(ticket.job)
            dispatch(plan)
            plan.experiment.before()
            dispatched, answers = self._clock.wall(), self._call(plan)
            judgements = [self._judging.judge(plan, answer, ticket.key_id) for answer in answers]
            plan.experiment.after(result_of(plan.experiment, judgements, self._context(ticket.job)))
            return self._compared(ticket, plan, judgements, dispatched)
        except Ended as ended:
            return self._ended(ticket.job, ended)

    def close(self) -> None:
        self._caller.close()

    def _call(self, plan: Plan) -> list[Answer]:
        """Every planned call, inside routes, guard and deadline."""
        running = CurrentReplay(
            job=plan.job.id,
            environment=self._environment,
            service=plan.service,
            deadline=self._clock.monotonic() + plan.experiment.timeout,
        )
        try:
            with self._current.replaying(running), self._deadline(running):
                answers = [self._caller.call(plan, call) for call in plan.calls]
        except EgressRefused as error:
            raise Ended(Outcome.REFUSED, None, str(error)) from error
        except DeadlineExceeded:
            raise self._refused(running) or _timed_out(plan) from None
        ended = self._refused(running)
        if ended is not None:
            raise ended
        self._check_answers(plan, running, answers)
        return answers

    @staticmethod
    def _refused(running: CurrentReplay) -> Ended | None:
        """A refusal counts even when the adapter swallowed it."""
        return Ended(Outcome.REFUSED, None, "; ".join(running.refusals)) if running.refused else None

    def _check_answers(self, plan: Plan, running: CurrentReplay, answers: Sequence[Answer]) -> None:
        """An attempt that brought no answer is no observation of B, whatever the adapter made of it."""
        exchanges = [exchange for answer in answers for exchange in answer.exchanges]
        if not exchanges or exchanges[-1].status is not None:
            return
        if running.remaining(self._clock) <= 0:
            raise _timed_out(plan)
        if any(exchange.sent for exchange in exchanges):
            raise Broken(exchanges[-1].failure)
        raise NotSent(exchanges[-1].failure)

    def _context(self, job: Job) -> dict[str, Any]:
        return dict(self._codec.decode(job.context)) if job.context is not None else {}

    def _compared(self, ticket: Ticket, plan: Plan, judgements: Sequence[Judgement], dispatched: float) -> Replayed:
        worst = max(judgements, key=lambda judgement: _SEVERITY.index(judgement.outcome))
        outcome, reason = (Outcome.INCOMPARABLE, "late") if ticket.late else (worst.outcome, None)
        experiment = plan.experiment

        def clean(value: Any) -> Any:
            return experiment.rules.cleaned(value, experiment.told)

        return self._replayed(
            ticket.job,
            outcome=outcome,
            reason=reason,
            experiment=experiment.name,
            differences=tuple(worst.differences) if outcome is Outcome.MISMATCHED else (),
            control=shown(worst.control, clean),
            candidate=shown(worst.candidate, clean),
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


_SEVERITY = (Outcome.MATCHED, Outcome.IGNORED, Outcome.MISMATCHED)


def _timed_out(plan: Plan) -> Ended:
    return Ended(Outcome.FAILED, "timeout", f"B did not answer within {plan.experiment.timeout:g} s")
