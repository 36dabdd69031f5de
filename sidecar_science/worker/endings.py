"""How a replay ends before there is anything to compare: for good, or for now."""

from __future__ import annotations

from sidecar_science.reports.outcome import Outcome


class Ended(Exception):
    """A replay has ended before its comparison, as ``outcome`` with its ``reason``."""

    def __init__(self, outcome: Outcome, reason: str | None = None, detail: str | None = None) -> None:
        super().__init__(outcome.value, reason, detail)
        self.outcome = outcome
        self.reason = reason
        self.detail = detail


class NotSent(Exception):
    """B could not be reached, and nothing of this replay was sent: it may be tried again."""


class Resting(Exception):
    """B is left alone until the instant ``until`` (monotonic), and nothing of this attempt was sent."""

    def __init__(self, why: str, until: float) -> None:
        super().__init__(why)
        self.until = until


class Broken(Exception):
    """The connection to B broke after something was sent: nobody knows what B did."""


def skipped(reason: str, detail: str | None = None) -> Ended:
    return Ended(Outcome.SKIPPED, reason, detail)
