"""Where the worker's events go: standard error, for eyes on a terminal and as JSON lines everywhere else."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str) -> Any:
    """A logger for a command, and the same for whoever asks structlog for one.

    The application that is imported later may set structlog up for itself, and even for standard output: ours stays.
    """
    how: dict[str, Any] = {
        "processors": [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # No tracebacks, here or there: what they quote of the code under observation may be anybody's secret.
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        "wrapper_class": structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
    }
    # A line and its end in one write: several processes share this output, and a deadline may come between two.
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr), **how)
    return structlog.wrap_logger(structlog.WriteLogger(sys.stderr), **how)
