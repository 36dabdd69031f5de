"""What keeps our own trouble away from the caller: it is counted, logged once of each kind, and that is all."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import structlog


class Shield:
    """Counts our own errors by kind, and logs the first of each kind; values never appear, only types.

    ``log`` is a structlog logger. Without one, events go to structlog where the application has configured it, and
    else to the standard library's logger ``sidecar_science``: structlog's own default prints to standard output,
    which belongs to the application.
    """

    def __init__(self, log: Any = None) -> None:
        self.errors: Counter[str] = Counter()
        self._log = log
        self._silent = False

    def tell(self, kind: str, error: BaseException, **fields: Any) -> None:
        """Count ``error`` under ``kind``, and log the first of that kind. Never raises."""
        self.errors[kind] += 1
        if self.errors[kind] == 1:
            self.warn("sidecar.trouble", kind=kind, error=type(error).__name__, **fields)

    def warn(self, event: str, **fields: Any) -> None:
        """Log a warning. Never raises, whatever the logging set-up of the host does."""
        self._write("warning", event, fields)

    def inform(self, event: str, **fields: Any) -> None:
        """Log something that is no trouble. Never raises either."""
        self._write("info", event, fields)

    def silence(self) -> None:
        """Log nothing from here on: the interpreter is ending, and a thread of ours that then writes to standard error
        could bring it down."""
        self._silent = True

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if self._silent:
            return
        try:
            if self._log is not None or structlog.is_configured():
                log = self._log if self._log is not None else structlog.get_logger("sidecar_science")
                getattr(log, level)(event, **fields)
            else:
                told = " ".join(f"{name}={value!r}" for name, value in fields.items())
                getattr(logging.getLogger("sidecar_science"), level)("%s %s", event, told)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - a broken logging set-up must not reach the caller either
            self.errors["logging"] += 1
