"""Calling a candidate on B: its adapter, its arguments, its time, and what it answered and sent."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from http.client import HTTPException
from typing import Any, Final, Literal

import attrs

from sidecar_science.checks.exchanges import Exchange, observing
from sidecar_science.clock import Clock
from sidecar_science.errors import BodyTooLarge, DeadlineExceeded, EgressRefused
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.declared import DeclaredExperiment, DeclaredService
from sidecar_science.worker.endings import Ended, NotSent, skipped
from sidecar_science.worker.plan import Plan, PlannedCall

Fault = Literal["refused", "broken", "cut", None]
"""What the connection did of which a call's error tells: it never came about, it broke, or the answer broke off."""

_PASSING: Final = (EgressRefused, DeadlineExceeded, BodyTooLarge, MemoryError, KeyboardInterrupt)
_NOTHING: Final = object()
_DEEPEST: Final = 20
_UNOBSERVED: Final = frozenset({"httpx", "httpcore", "aiohttp"})
_REFUSED: Final = frozenset({"ConnectError", "ConnectTimeout", "ClientConnectorError"})
_BROKEN: Final = frozenset(
    {"ReadError", "WriteError", "CloseError", "ReadTimeout", "WriteTimeout", "RemoteProtocolError"}
    | {"ClientOSError", "ServerDisconnectedError", "ServerTimeoutError", "ClientPayloadError"}
)
_CUT: Final = frozenset({"ProtocolError", "IncompleteRead", "InvalidChunkLength", "ReadTimeoutError"})
_TICK: Final = 0.05
_TIDYING: Final = 0.2


@attrs.frozen(kw_only=True)
class Answer:
    """What one call on B gave, unredacted: value and error in the codec's form, as they were when it ended."""

    behavior: str
    value: bytes | None
    error: bytes | None
    exchanges: list[Exchange]
    duration: float
    cpu_time: float
    consumed: int | None = None
    exhausted: bool = True
    secrets: frozenset[str] = frozenset()
    fault: Fault = None


class Adapters:
    """The adapters of one lane, made by each service's ``build`` when first needed: no cookie or token is shared."""

    def __init__(self, services: Mapping[str, DeclaredService], targets: Mapping[str, str]) -> None:
        self._services = services
        self._targets = targets
        self._made: dict[str, Any] = {}

    def get(self, service: str | None) -> Any:
        """The adapter for ``service`` on B. Raises `Ended` when it cannot be made, `NotSent` when B does not answer
        while it is."""
        if service is None:
            return None
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def forget(self) -> None:
        """Make new ones when next needed: a call was ended in the middle, and nobody knows what state that left."""
        self._made.clear()

    def _make(self, service: str) -> Any:
        declared = self._services.get(service)
        build = declared.build if declared is not None else None
        if build is None:
            raise skipped("not_replayable", f"service {service!r} has no build= to make an adapter for B")
        with observing() as exchanges:
            try:
                return build(self._targets[service])
            except Exception as error:
                told = f"build of {service!r} raised {type(error).__name__}"
                if (exchanges and exchanges[-1].status is None) or _fault(error) is not None:
                    raise NotSent(told) from error
                raise Ended(Outcome.FAILED, "worker_error", told) from error


class Caller:
    """Calls what was planned. One per lane: it owns the lane's adapters and, for ``async def``, its event loop."""

    def __init__(self, adapters: Adapters, clock: Clock) -> None:
        self._adapters = adapters
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, plan: Plan, call: PlannedCall) -> Answer:
        """Make one call on B. The candidate's errors are part of the answer.

        Raises `EgressRefused` and `DeadlineExceeded`, and `Ended` or `NotSent` when no adapter can be made.
        """
        function = self._bound(call)
        watch = _Watch(self._clock)
        items = _Items(plan.experiment) if plan.job.consumed is not None else None
        value, error = None, None
        try:
            with watch.watching():
                value = function(*call.args, **call.kwargs)
                if inspect.iscoroutine(value):
                    value = self._await(value)
            if items is not None:
                self._consume(value, plan, items, watch)
        except _PASSING:
            raise
        except BaseException as raised:  # noqa: BLE001 - whatever the candidate raises is its answer
            if any(isinstance(each, MemoryError) for each in _causes(raised)):
                raise MemoryError("the candidate ran out of memory, and said something else") from None
            error = raised
        return _answer(plan.experiment, call, watch, items, value, error)

    def ask(self, question: Callable[..., Any], call: PlannedCall) -> Any:
        """What ``question`` gives, asked of the adapter of ``call`` with its arguments."""
        adapter = self._adapters.get(call.service) if call.needs_adapter else None
        answer = question(adapter, *call.args, **call.kwargs)
        return self._await(answer) if inspect.iscoroutine(answer) else answer

    def reset(self) -> None:
        """After a call that was ended from outside: its adapter and its tasks must not go on in the next one."""
        self._adapters.forget()
        self.close()

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.close()

    def _bound(self, call: PlannedCall) -> Callable[..., Any]:
        adapter = self._adapters.get(call.service) if call.needs_adapter else None
        candidate = call.candidate
        if candidate is not None:
            return lambda *args, **kwargs: candidate(adapter, *args, **kwargs)
        if call.function is None:
            raise Ended(Outcome.FAILED, "worker_error", "the call names no function")
        return call.function.on(adapter)

    def _consume(self, value: Any, plan: Plan, items: _Items, watch: _Watch) -> None:
        """As many items as A's caller took; one more where A came to its end or failed, to see that B does too."""
        limit = (plan.job.consumed or 0) + (plan.job.exhausted or plan.job.error is not None)
        if hasattr(value, "__aiter__"):
            self._await(_consume_async(value, limit, items, watch))
        else:
            _consume(value, limit, items, watch)

    def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # What asyncio would log of forgotten tasks may quote anything.
            self._loop.set_exception_handler(lambda *_: None)
        try:
            return self._loop.run_until_complete(_alone(coroutine))
        except _PASSING:
            _cancel(self._loop)
            raise


class _Watch:
    """Observes and times what is the adapter's own of a call, and leaves out what is ours."""

    def __init__(self, clock: Clock) -> None:
        self.exchanges: list[Exchange] = []
        self.duration = 0.0
        self.cpu_time = 0.0
        self._clock = clock

    def watching(self) -> _Watch:
        """The block in which the adapter is at work; a class of its own, since there is one for each job."""
        return self

    def __enter__(self) -> None:
        self._observing = observing()
        self._start, self._start_cpu = self._clock.monotonic(), self._clock.cpu()
        self._seen = self._observing.__enter__()

    def __exit__(self, *_: object) -> None:
        self._observing.__exit__()
        self.duration += self._clock.monotonic() - self._start
        self.cpu_time += self._clock.cpu() - self._start_cpu
        self.exchanges += self._seen


class _Items:
    """What was taken from a generator, each item as it was when it was taken: A keeps them in the same form."""

    def __init__(self, experiment: DeclaredExperiment) -> None:
        self.exhausted = True
        self._experiment = experiment
        self._taken: list[bytes] = []

    @property
    def count(self) -> int:
        return len(self._taken)

    def take(self, item: Any) -> None:
        if item is _NOTHING:
            self.exhausted = True
        else:
            self._taken.append(self._experiment.encode_value(item))

    @property
    def value(self) -> bytes:
        return self._experiment.join_values(self._taken)


def _answer(
    experiment: DeclaredExperiment,
    call: PlannedCall,
    watch: _Watch,
    items: _Items | None,
    value: Any,
    error: BaseException | None,
) -> Answer:
    if items is not None:
        encoded: bytes | None = items.value
    else:
        encoded = experiment.encode_value(value) if error is None else None
    return Answer(
        behavior=call.behavior,
        value=encoded,
        error=experiment.encode_error(error) if error is not None else None,
        exchanges=watch.exchanges,
        duration=watch.duration,
        cpu_time=watch.cpu_time,
        consumed=items.count if items is not None else None,
        exhausted=items is None or (items.exhausted and error is None),
        secrets=call.secrets,
        fault=_fault(error),
    )


def _fault(error: BaseException | None) -> Fault:
    """What stands at the bottom of ``error``: clients that nobody observes tell of their connections so alone."""
    for each in _causes(error):
        package = type(each).__module__.partition(".")[0]
        name = type(each).__name__ if package in _UNOBSERVED else ""
        if package == "urllib3" and type(each).__name__ in _CUT:
            return "cut"
        if isinstance(each, ConnectionRefusedError | socket.gaierror) or name in _REFUSED:
            return "refused"
        if isinstance(each, ConnectionError | TimeoutError | HTTPException) or name in _BROKEN:
            return "broken"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, and what lies under it."""
    for _ in range(_DEEPEST):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _consume(value: Any, limit: int, items: _Items, watch: _Watch) -> None:
    items.exhausted = False
    iterator = iter(value)
    while items.count < limit and not items.exhausted:
        with watch.watching():
            item = next(iterator, _NOTHING)
        items.take(item)
    # A generator that is left to be collected ends, and maybe sends something, in somebody else's replay.
    if hasattr(value, "close"):
        value.close()


async def _consume_async(value: Any, limit: int, items: _Items, watch: _Watch) -> None:
    items.exhausted = False
    iterator = aiter(value)
    while items.count < limit and not items.exhausted:
        with watch.watching():
            item = await anext(iterator, _NOTHING)
        items.take(item)
    if hasattr(value, "aclose"):
        await value.aclose()


async def _alone(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """``coroutine`` without what it leaves running: tasks of one job must not go on in the next one's time."""
    ticking = asyncio.ensure_future(_tick())
    try:
        return await coroutine
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.wait({*left, ticking})


def _cancel(loop: asyncio.AbstractEventLoop) -> None:
    """Let what was interrupted clean up after itself; it has a moment for that."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_TIDYING))


async def _tick() -> None:
    """Keep the loop from waiting long in the kernel, where no deadline reaches it."""
    while True:
        await asyncio.sleep(_TICK)
