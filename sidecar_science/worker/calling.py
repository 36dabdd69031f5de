"""Calling a candidate on B: its adapter, its arguments, its time, and what it answered and sent."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sidecar_science.checks.exchanges import Exchange, observing
from sidecar_science.clock import Clock
from sidecar_science.comparison.projection import project_error
from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.declared import DeclaredService
from sidecar_science.worker.plan import Ended, Plan, PlannedCall


@attrs.frozen(kw_only=True)
class Answer:
    """What one call on B gave, still as it came: the value in the codec's form, the error as plain data."""

    behavior: str
    value: bytes | None
    error: bytes | None
    exchanges: list[Exchange]
    duration: float
    cpu_time: float
    consumed: int | None = None
    exhausted: bool = True
    secrets: frozenset[str] = frozenset()


class Adapters:
    """The adapters of one lane, made by each service's ``build`` when first needed: no cookie or token is shared."""

    def __init__(self, services: Mapping[str, DeclaredService], targets: Mapping[str, str]) -> None:
        self._services = services
        self._targets = targets
        self._made: dict[str, Any] = {}

    def get(self, service: str | None) -> Any:
        """The adapter for ``service`` on B. Raises `Ended` when it cannot be made."""
        if service is None:
            return None
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def _make(self, service: str) -> Any:
        declared = self._services.get(service)
        build = declared.build if declared is not None else None
        if build is None:
            raise Ended(
                Outcome.SKIPPED,
                "not_replayable",
                f"service {service!r} has no build= to make an adapter for B",
            )
        try:
            return build(self._targets[service])
        except Exception as error:
            raise Ended(
                Outcome.FAILED, "worker_error", f"build of {service!r} raised {type(error).__name__}"
            ) from error


class Caller:
    """Calls what was planned. One per lane: it owns the lane's adapters and, for ``async def``, its event loop."""

    def __init__(self, adapters: Adapters, clock: Clock) -> None:
        self._adapters = adapters
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, plan: Plan, call: PlannedCall) -> Answer:
        """Make one call on B. The candidate's errors are part of the answer.

        Raises `EgressRefused` and `DeadlineExceeded`, and `Ended` when no adapter can be made.
        """
        function = self._bound(plan, call)
        with observing() as exchanges:
            start, start_cpu = self._clock.monotonic(), self._clock.cpu()
            outcome = self._run(plan, call, function)
            duration, cpu_time = self._clock.monotonic() - start, self._clock.cpu() - start_cpu
        return Answer(
            behavior=call.behavior,
            exchanges=exchanges,
            duration=duration,
            cpu_time=cpu_time,
            secrets=call.secrets,
            **outcome,
        )

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()

    def _bound(self, plan: Plan, call: PlannedCall) -> Callable[..., Any]:
        if call.candidate is not None:
            candidate, adapter = call.candidate, None
            if plan.service is not None and (call.function is None or call.function.needs_adapter):
                adapter = self._adapters.get(plan.service)
            return lambda *args, **kwargs: candidate(adapter, *args, **kwargs)
        if call.function is None:
            raise Ended(Outcome.FAILED, "worker_error", "the call names no function")
        adapter = self._adapters.get(plan.service) if call.function.needs_adapter else None
        return call.function.on(adapter)

    def _run(self, plan: Plan, call: PlannedCall, function: Callable[..., Any]) -> dict[str, Any]:
        experiment = plan.experiment
        items: list[Any] = []
        try:
            value = function(*call.place.args, **call.place.kwargs)
            if asyncio.iscoroutine(value):
                value = self._await(value)
            if plan.job.consumed is not None:
                taken = self._take(value, plan, items)
                return {
                    "value": experiment.encode_value(items),
                    "error": None,
                    "consumed": len(items),
                    **taken,
                }
        except (EgressRefused, DeadlineExceeded, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the candidate raises is its answer
            answer: dict[str, Any] = {"value": None, "error": experiment.encode_value(_described(error))}
            if plan.job.consumed is not None:
                answer |= {
                    "value": experiment.encode_value(items),
                    "consumed": len(items),
                    "exhausted": False,
                }
            return answer
        return {"value": experiment.encode_value(value), "error": None}

    def _take(self, value: Any, plan: Plan, items: list[Any]) -> dict[str, Any]:
        """As many items as A's caller took; one more where A came to its end or failed, to see that B does too."""
        wanted = plan.job.consumed or 0
        further = plan.job.exhausted or plan.job.error is not None
        if hasattr(value, "__aiter__"):
            return self._await(_take_async(value, wanted + further, items))  # type: ignore[no-any-return]
        iterator = iter(value)
        items.extend(itertools.islice(iterator, wanted))
        exhausted = len(items) < wanted
        if further and not exhausted:
            surplus = list(itertools.islice(iterator, 1))
            items.extend(surplus)
            exhausted = not surplus
        return {"exhausted": exhausted}

    def _await(self, awaitable: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(awaitable)


async def _take_async(value: Any, limit: int, items: list[Any]) -> dict[str, Any]:
    async for item in value:
        items.append(item)
        if len(items) >= limit:
            return {"exhausted": False}
    return {"exhausted": True}


def _described(error: BaseException) -> Any:
    try:
        return project_error(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be described still has a type
        return {"type": type(error).__qualname__, "message": "", "status": None, "body": None}
