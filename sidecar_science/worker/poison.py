"""What has brought down a process that ran nothing else is not run again: it is settled, or buried."""

from __future__ import annotations

from typing import Final

from sidecar_science.journal.protocol import Claimed
from sidecar_science.reports.outcome import Outcome

REASON: Final = "poison: the worker's process died with it, among others and alone"
TOLD: Final = "the worker's process died with it in hand twice, the second time with nothing else"


def ending(writes: bool) -> tuple[Outcome, str | None]:
    """How a guilty job ends that was started: a write may have happened."""
    return (Outcome.UNKNOWN, None) if writes else (Outcome.FAILED, "worker_error")


def is_unread(claimed: Claimed) -> bool:
    """Whether it did so while it was being read."""
    return claimed.is_guilty and claimed.state == "claimed"
