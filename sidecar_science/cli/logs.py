"""Where the worker's events go: standard error, for eyes on a terminal and as JSON lines everywhere else."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str) -> Any:
    """Set structlog up for a command, and give its logger."""
    for_eyes = sys.stderr.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if for_eyes else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if not for_eyes else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    return structlog.get_logger("sidecar_science")


def _as_it_is(_: Any, __: str, event: Any) -> Any:
    return event
