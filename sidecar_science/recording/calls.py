"""Running a control exactly as it would have run, and noting what came of it.

Four shapes of callable, one rule: the caller gets the control's own value or exception, the same object, at once;
nothing of ours is raised, awaited or waited for. Inside a recorded call, further recorded calls are part of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import log
from sidecar_science.recording.consumption import Consumption
from sidecar_science.recording.recorder import NESTED, OURS

if TYPE_CHECKING:
    from sidecar_science.recording.experiment import SidecarExperiment

Control = Callable[..., Any]


def call(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """Call ``control`` and record it; a generator that it returns is recorded as it is consumed."""
    if not is_outermost(experiment):
        return control(*args, **kwargs)
    token = log.set(OURS)
    try:
        capture = experiment.begin(args, kwargs)
        log.set(NESTED if capture is None else capture.exchanges)
        try:
            value = control(*args, **kwargs)
        except BaseException as error:
            log.set(OURS)
            experiment.failed(capture, error)
            raise
        log.set(OURS)
        if type(value) is GeneratorType:
            return _generate(value, Consumption(experiment, capture))
        experiment.returned(capture, value)
        return value
    finally:
        log.reset(token)


async def call_async(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for ``async def``: cancellation passes through, and is recorded as an error."""
    if not is_outermost(experiment):
        return await control(*args, **kwargs)
    token = log.set(OURS)
    try:
        capture = experiment.begin(args, kwargs)
        log.set(NESTED if capture is None else capture.exchanges)
        try:
            value = await control(*args, **kwargs)
        except BaseException as error:
            log.set(OURS)
            experiment.failed(capture, error)
            raise
        log.set(OURS)
        experiment.returned(capture, value)
        return value
    finally:
        log.reset(token)


def call_generator(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for a generator function: its arguments are snapshotted now, its items as they are taken."""
    consumption = _begin(experiment, args, kwargs)
    generator = control(*args, **kwargs)
    return generator if consumption is None else _generate(generator, consumption)


def call_async_generator(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for an async generator function."""
    consumption = _begin(experiment, args, kwargs)
    generator = control(*args, **kwargs)
    return generator if consumption is None else _generate_async(generator, consumption)


def is_outermost(experiment: SidecarExperiment) -> bool:
    """Whether a call made here is a call of its own: not off, not inside another one, not made by our own code."""
    recorder = experiment.recorder
    if not recorder.recording:
        return False
    here = log.get()
    if here is None:
        return True
    if here is OURS:
        recorder.buffer.count_dropped("reentrant")
    return False


def _begin(experiment: SidecarExperiment, args: Any, kwargs: Any) -> Consumption | None:
    if not is_outermost(experiment):
        return None
    token = log.set(OURS)
    try:
        return Consumption(experiment, experiment.begin(args, kwargs))
    finally:
        log.reset(token)


def _generate(control: Generator[Any, Any, Any], consumption: Consumption) -> Generator[Any, Any, Any]:
    """Pass a generator through. It is recorded when it ends, is closed or is collected; unbegun, it made no call."""
    step: Callable[[], Any] = control.__next__
    with consumption:
        while True:
            try:
                with consumption.observing():
                    item = step()
            except StopIteration as stop:
                consumption.exhaust()
                return stop.value
            consumption.take(item)
            try:
                sent = yield item
            except GeneratorExit:
                control.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what the caller throws in is the control's to deal with
                step = _thrower(control, error)
            else:
                step = control.__next__ if sent is None else _sender(control, sent)


async def _generate_async(control: AsyncGenerator[Any, Any], consumption: Consumption) -> AsyncGenerator[Any, Any]:
    step: Callable[[], Any] = control.__anext__
    with consumption:
        while True:
            try:
                with consumption.observing():
                    item = await step()
            except StopAsyncIteration:
                consumption.exhaust()
                return
            consumption.take(item)
            try:
                sent = yield item
            except GeneratorExit:
                await control.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                step = _athrower(control, error)
            else:
                step = control.__anext__ if sent is None else _asender(control, sent)


def _thrower(control: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: control.throw(error)


def _sender(control: Generator[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: control.send(value)


def _athrower(control: AsyncGenerator[Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: control.athrow(error)


def _asender(control: AsyncGenerator[Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: control.asend(value)
