"""Threads that belong to the replay that started them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any

from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.patching import Patches


class Carrying:
    """Takes the current replay along into threads, and into what is submitted to a pool of threads."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._patches = Patches()

    def install(self) -> None:
        """Patch ``Thread.start`` and ``ThreadPoolExecutor.submit``."""
        self.undo()
        self._patches.wrap(Thread, "start", self._starting)
        self._patches.wrap(ThreadPoolExecutor, "submit", self._submitting)

    def undo(self) -> None:
        """Leave both as they were; threads that run keep the replay that they have."""
        self._patches.undo()

    def _starting(self, original: Any) -> Any:
        def start(thread: Thread) -> None:
            replay = self._current.get()
            if replay is not None:
                # On the instance: subclasses have a `run` of their own.
                thread.run = functools.partial(self._run, replay, thread, thread.run)  # type: ignore[method-assign]
            original(thread)

        return start

    def _run(self, replay: CurrentReplay, thread: Thread, run: Callable[[], None]) -> None:
        try:
            with self._current.carrying(replay):
                run()
        finally:
            vars(thread).pop("run", None)

    def _submitting(self, original: Any) -> Any:
        def submit(pool: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            # Always, also without a replay: the pool's thread may have been started by another one.
            call = functools.partial(self._call, self._current.get(), fn)
            return original(pool, call, *args, **kwargs)  # type: ignore[no-any-return]

        return submit

    def _call(self, replay: CurrentReplay | None, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._current.carrying(replay):
            return fn(*args, **kwargs)
