"""What keeps our own trouble away from the caller: it is counted, logged once of each kind, and that is all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import structlog


class Shield:
    """Counts our own errors by kind, and logs the first of each kind; values never appear, only types."""

    def __init__(self, log: Any = None) -> None:
        self.log = log if log is not None else structlog.get_logger("sidecar_science")
        self.errors: Counter[str] = Counter()

    def tell(self, kind: str, error: BaseException, **fields: Any) -> None:
        """Count ``error`` under ``kind``. Never raises, whatever the logging set-up of the host does."""
        self.errors[kind] += 1
        if self.errors[kind] > 1:
            return
        try:
            self.log.warning("sidecar.trouble", kind=kind, error=type(error).__name__, **fields)
        except Exception:  # noqa: BLE001 - a broken logging set-up must not reach the caller either
            self.errors["logging"] += 1
