"""What a caller took from a generator, item by item, and how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import log
from sidecar_science.recording.recorder import NESTED, OURS

if TYPE_CHECKING:
    from sidecar_science.recording.capture import Capture
    from sidecar_science.recording.experiment import SidecarExperiment


class Consumption:
    """One generator on its way to the caller. As a ``with`` block it records when the block is left.

    ``capture`` is None for a call that is not recorded; its generator still hides the calls made inside it.
    """

    def __init__(self, experiment: SidecarExperiment, capture: Capture | None) -> None:
        self._experiment = experiment
        self._capture = capture
        self._mark: Any = NESTED if capture is None else capture.exchanges
        self._items: list[bytes] = []
        self._exhausted = False
        self._seconds = 0.0

    @contextlib.contextmanager
    def observing(self) -> Iterator[None]:
        """One step of the generator. The mark must not stay on while the caller holds an item: it is the caller's
        context, and further calls of the caller are its own."""
        clock = self._experiment.recorder.clock
        token = log.set(self._mark)
        start = clock.monotonic()
        try:
            yield
        finally:
            self._seconds += clock.monotonic() - start
            log.reset(token)

    def take(self, item: Any) -> None:
        """Snapshot an item before the caller has it."""
        if self._capture is not None:
            with _ours():
                self._experiment.took(self._capture, self._items, item)

    def exhaust(self) -> None:
        self._exhausted = True

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._capture is None:
            return
        self._capture.exhausted = self._exhausted
        with _ours():
            own_error = None if isinstance(error, GeneratorExit) else error
            self._experiment.consumed(self._capture, self._items, self._seconds, own_error)


@contextlib.contextmanager
def _ours() -> Iterator[None]:
    token = log.set(OURS)
    try:
        yield
    finally:
        # A generator may be collected in another context than the one it ran in.
        with contextlib.suppress(ValueError):
            log.reset(token)
