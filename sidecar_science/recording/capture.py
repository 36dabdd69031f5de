"""One control call as the A side holds it in memory, between the call and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import Exchange

if TYPE_CHECKING:
    from sidecar_science.recording.experiment import SidecarExperiment

_OVERHEAD = 512


class Capture:
    """One control call: its arguments before, and what came of it after.

    Arguments, value and error are in the codec's form already, so nothing that the caller goes on to change is
    shared. They are still unredacted here, and never leave the process like this.
    """

    __slots__ = (
        "arguments",
        "calls",
        "completed_at",
        "consumed",
        "context",
        "cpu_time",
        "dropped",
        "duration",
        "error",
        "exchanges",
        "exhausted",
        "experiment",
        "id",
        "key",
        "obstacle",
        "started",
        "started_cpu",
        "value",
    )

    def __init__(self, experiment: SidecarExperiment, id: str) -> None:
        self.experiment = experiment
        self.id = id
        self.key: str | None = None
        self.arguments: bytes | None = None
        self.obstacle: str | None = None
        self.dropped: str | None = None
        self.calls: list[tuple[str, str, bytes | None, str | None]] | None = None
        self.context: bytes | None = None
        self.exchanges: list[Exchange] = []
        self.value: bytes | None = None
        self.error: Any = None
        self.consumed: int | None = None
        self.exhausted = True
        self.completed_at = 0.0
        self.duration = 0.0
        self.cpu_time = 0.0
        self.started = 0.0
        self.started_cpu = 0.0

    @property
    def size(self) -> int:
        """Roughly the bytes that it holds."""
        held = _OVERHEAD + len(self.arguments or b"") + len(self.value or b"") + len(self.error or b"")
        for exchange in self.exchanges:
            held += 256 + len(exchange.body or b"")
        for _, _, arguments, _ in self.calls or ():
            held += len(arguments or b"")
        return held + len(self.context or b"")
