"""What a caller took from a generator, item by item, and how it ended."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import Watch, watching
from sidecar_science.recording.recorder import OURS
from sidecar_science.recording.snapshots import Items

if TYPE_CHECKING:
    from sidecar_science.recording.capture import Capture
    from sidecar_science.recording.experiment import SidecarExperiment


class Consumption:
    """One generator on its way to the caller. As a ``with`` block it is one step of the generator.

    ``capture`` is None for a call that is not recorded; its generator still hides the calls made inside it. The mark
    must not stay on while the caller holds an item: it is the caller's context, and further calls are its own.
    """

    def __init__(self, experiment: SidecarExperiment, capture: Capture | None) -> None:
        clock = experiment.recorder.clock
        self._experiment = experiment
        self._clock = clock
        self._capture = capture
        self._watch = Watch() if capture is None else capture
        self._watch.over = False
        self._items = Items(experiment.recorder.codec)
        self._exhausted = False
        self._error: BaseException | None = None
        # What the function did before it gave us the generator counts as well.
        self._seconds = 0.0 if capture is None else clock.monotonic() - capture.started
        self._cpu_seconds = 0.0 if capture is None else clock.cpu() - capture.started_cpu
        self._token: Token[Watch | None] | None = None
        self._start = self._start_cpu = 0.0

    def __enter__(self) -> None:
        self._token = watching.set(self._watch)
        self._start_cpu = self._clock.cpu()
        self._start = self._clock.monotonic()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._seconds += self._clock.monotonic() - self._start
        self._cpu_seconds += self._clock.cpu() - self._start_cpu
        token, self._token = self._token, None
        if token is not None:
            leave(token)

    def take(self, item: Any) -> None:
        """Snapshot an item before the caller has it."""
        if self._capture is None:
            return
        token = watching.set(OURS)
        try:
            self._experiment.took(self._capture, self._items, item)
        except Exception:  # noqa: BLE001 - the A-branch is sacred, also where the stack has no room left for us
            self._capture.dropped = "hook_failed"
        finally:
            leave(token)

    def exhaust(self) -> None:
        """The generator came to its end."""
        self._exhausted = True

    def fail(self, error: BaseException) -> None:
        """The generator raised ``error``; that it was closed is no error."""
        if not isinstance(error, GeneratorExit):
            self._error = error

    def end(self) -> None:
        """Nothing more will be taken: record it."""
        error, self._error = self._error, None
        self._watch.over = True
        capture = self._capture
        if capture is None:
            return
        capture.exhausted = self._exhausted
        token = watching.set(OURS)
        try:
            self._experiment.consumed(capture, self._items, self._seconds, self._cpu_seconds, error)
        except Exception:  # noqa: BLE001 - as above
            self._experiment.recorder.buffer.strays.append("hook_failed")
        finally:
            leave(token)


class Passing:
    """A generator that is part of another call, or not recorded at all: nothing of it is noted."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass

    def take(self, item: Any) -> None:
        pass

    def exhaust(self) -> None:
        pass

    def fail(self, error: BaseException) -> None:
        pass

    def end(self) -> None:
        pass


def leave(token: Token[Watch | None]) -> None:
    """Give the context back what it held. Generators and coroutines may be ended in another context than their own."""
    try:  # noqa: SIM105 - on the caller's path, and twice as fast
        watching.reset(token)
    except ValueError:
        pass
