"""Before a worker starts: whether the Redis server is set up so that jobs can be trusted to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sidecar_science.errors import JournalMisconfigured, UsageError
from sidecar_science.journal import health

FLAG = "--force-unsafe-redis"


def check_server(url: str, log: Any, *, own: Callable[[], AbstractContextManager[Any]], forced: bool) -> None:
    """Warn of what is wrong with the server at ``url``, once each.

    Raises `UsageError` for what loses jobs in silence, unless ``forced``. ``own()`` is entered around the asking.
    """
    try:
        with own():
            problems = health.check(url)
    except JournalMisconfigured as error:
        log.warning("redis.unchecked", detail=str(error), remedy="let the worker's user run INFO and CONFIG GET")
        return
    for problem in problems:
        if problem.fatal and not forced:
            raise UsageError(
                f"the Redis server cannot be trusted with jobs: {problem.what}; {problem.remedy}"
                f" ({FLAG} starts all the same)"
            )
        log.warning("redis.unsound", what=problem.what, remedy=problem.remedy)
