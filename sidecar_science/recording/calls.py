"""Running a control exactly as it would have run, and noting what came of it.

Four shapes of callable, one rule: the caller gets the control's own value or exception, the same object, at once;
nothing of ours is raised, awaited or waited for. Inside a recorded call, further recorded calls are part of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import Watch, watching
from sidecar_science.recording.consumption import Consumption, Passing, leave
from sidecar_science.recording.recorder import OURS

if TYPE_CHECKING:
    from sidecar_science.recording.capture import Capture
    from sidecar_science.recording.experiment import SidecarExperiment

Control = Callable[..., Any]


def call(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """Call ``control`` and record it; a generator or a coroutine that it returns is recorded as it is consumed."""
    if not is_outermost(experiment):
        return control(*args, **kwargs)
    token = watching.set(OURS)
    try:
        capture = _begun(experiment, args, kwargs)
        watch = Watch() if capture is None else capture
        watching.set(watch)
        try:
            value = control(*args, **kwargs)
        except BaseException as error:
            watching.set(OURS)
            watch.over = True
            _failed(experiment, capture, error)
            raise
        watching.set(OURS)
        watch.over = True
        kind = type(value)
        if kind is GeneratorType or kind is CoroutineType or kind is AsyncGeneratorType:
            return _later(experiment, capture, value, kind)
        _returned(experiment, capture, value)
        return value
    finally:
        # Not in a function: near the limit of recursion there may be room for this step, and for none further down.
        watching.reset(token)


def call_async(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for ``async def``: cancellation passes through, and is recorded as an error."""
    return _named(_call_async(experiment, control, args, kwargs), control)


def call_generator(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for a generator function. It runs when its first item is asked for, so it is a call only then."""
    generator = control(*args, **kwargs)
    return _named(_generate(lambda: _consumption(experiment, args, kwargs), generator), generator)


def call_async_generator(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    """The same for an async generator function."""
    generator = control(*args, **kwargs)
    return _named(_generate_async(lambda: _consumption(experiment, args, kwargs), generator), generator)


def is_outermost(experiment: SidecarExperiment) -> bool:
    """Whether a call made here is a call of its own: not off, not inside another one, not made by our own code."""
    recorder = experiment.recorder
    if not recorder.recording:
        return False
    here = watching.get()
    if here is None:
        return True
    if here is OURS:
        recorder.buffer.count_dropped("reentrant")
        return False
    # Of a call that is over only its context is left, in a task or a thread that it started.
    return here.over


async def _call_async(experiment: SidecarExperiment, control: Control, args: Any, kwargs: Any) -> Any:
    if not is_outermost(experiment):
        return await control(*args, **kwargs)
    token = watching.set(OURS)
    try:
        capture = _begun(experiment, args, kwargs)
    finally:
        leave(token)
    return await _finish(experiment, capture, control(*args, **kwargs))


async def _finish(experiment: SidecarExperiment, capture: Capture | None, awaitable: Awaitable[Any]) -> Any:
    watch = Watch() if capture is None else capture
    watch.over = False
    token = watching.set(watch)
    try:
        try:
            value = await awaitable
        except BaseException as error:
            watching.set(OURS)
            watch.over = True
            _failed(experiment, capture, error)
            raise
        watching.set(OURS)
        watch.over = True
        _returned(experiment, capture, value)
        return value
    finally:
        leave(token)


def _consumption(experiment: SidecarExperiment, args: Any, kwargs: Any) -> Consumption | Passing:
    if not is_outermost(experiment):
        return Passing()
    token = watching.set(OURS)
    try:
        return Consumption(experiment, _begun(experiment, args, kwargs))
    finally:
        leave(token)


# What follows keeps from the caller what even the experiment's own guards let through: near the limit of recursion
# there is room on the stack for these steps, and perhaps for none further down.


def _begun(experiment: SidecarExperiment, args: Any, kwargs: Any) -> Capture | None:
    try:
        return experiment.begin(args, kwargs)
    except Exception:  # noqa: BLE001 - the A-branch is sacred
        experiment.recorder.buffer.strays.append("hook_failed")
        return None


def _returned(experiment: SidecarExperiment, capture: Capture | None, value: Any) -> None:
    if capture is not None:
        try:
            experiment.returned(capture, value)
        except Exception:  # noqa: BLE001 - as above
            experiment.recorder.buffer.strays.append("hook_failed")


def _failed(experiment: SidecarExperiment, capture: Capture | None, error: BaseException) -> None:
    if capture is not None:
        try:
            experiment.failed(capture, error)
        except Exception:  # noqa: BLE001 - as above
            experiment.recorder.buffer.strays.append("hook_failed")


def _generate(
    begin: Callable[[], Consumption | Passing], control: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """Pass a generator through. It is recorded when it ends, is closed or is collected."""
    consumption = begin()
    sent = thrown = None
    try:
        while True:
            try:
                with consumption:
                    item = control.send(sent) if thrown is None else control.throw(thrown)
            except StopIteration as stop:
                consumption.exhaust()
                return stop.value
            finally:
                # An error that holds this frame, and is held by it, would be garbage that nobody frees at once.
                sent = thrown = None
            consumption.take(item)
            try:
                sent = yield item
            except GeneratorExit:
                with consumption:
                    control.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what the caller throws in is the control's to deal with
                thrown = error
    except BaseException as error:
        consumption.fail(error)
        raise
    finally:
        consumption.end()


async def _generate_async(
    begin: Callable[[], Consumption | Passing], control: AsyncGenerator[Any, Any]
) -> AsyncGenerator[Any, Any]:
    consumption = begin()
    sent = thrown = None
    try:
        while True:
            try:
                with consumption:
                    item = await (control.asend(sent) if thrown is None else control.athrow(thrown))
            except StopAsyncIteration:
                consumption.exhaust()
                return
            finally:
                sent = thrown = None
            consumption.take(item)
            try:
                sent = yield item
            except GeneratorExit:
                with consumption:
                    await control.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                thrown = error
    except BaseException as error:
        consumption.fail(error)
        raise
    finally:
        consumption.end()


def _named(own: Any, control: Any) -> Any:
    """``own``, a coroutine or a generator, under the control's name: it shows in tasks, warnings and tracebacks."""
    try:  # noqa: SIM105 - twice as fast
        own.__name__, own.__qualname__ = control.__name__, control.__qualname__
    except (AttributeError, TypeError):
        pass
    return own


def _later(experiment: SidecarExperiment, capture: Capture | None, value: Any, kind: type) -> Any:
    """What records ``value``, which the control gave to be run later, when it is run."""
    if kind is CoroutineType:
        return _named(_finish(experiment, capture, value), value)
    consumption = Consumption(experiment, capture)
    generate = _generate if kind is GeneratorType else _generate_async
    return _named(generate(lambda: consumption, value), value)
