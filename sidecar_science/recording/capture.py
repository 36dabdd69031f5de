"""One control call as the A side holds it in memory, between the call and the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sidecar_science.checks.exchanges import Exchange, Watch

if TYPE_CHECKING:
    from sidecar_science.recording.experiment import SidecarExperiment

Planned = tuple[str, str, bytes | None, str | None]
"""What B calls: the behavior, the function's name, its arguments, and the obstacle where there is one."""

_OVERHEAD = 512


class Capture(Watch):
    """One control call: its arguments before, and what came of it after.

    Arguments, value and error are in the codec's form already, so nothing that the caller goes on to change is
    shared. They are still unredacted here, and never leave the process like this. Where there is an ``obstacle``,
    the arguments are what could be read of them: they are only searched for secrets.
    """

    __slots__ = (
        "ambient",
        "answered",
        "arguments",
        "calls",
        "completed_at",
        "consumed",
        "context",
        "cpu_time",
        "dropped",
        "duration",
        "ended",
        "error",
        "exhausted",
        "experiment",
        "id",
        "key",
        "obstacle",
        "started",
        "started_cpu",
        "value",
    )

    exchanges: list[Exchange]

    def __init__(self, experiment: SidecarExperiment, id: str, key: str | None) -> None:
        self.exchanges = []
        self.over = False
        self.experiment = experiment
        self.id = id
        self.key = key
        self.arguments: bytes | None = None
        self.obstacle: str | None = None
        self.dropped: str | None = None
        self.calls: list[Planned] | None = None
        self.context: bytes | None = None
        self.ambient: Mapping[str, Any] = {}
        self.value: bytes | None = None
        self.error: bytes | None = None
        self.answered = False
        self.consumed: int | None = None
        self.exhausted = True
        self.completed_at = 0.0
        self.duration = 0.0
        self.cpu_time = 0.0
        self.started = 0.0
        self.started_cpu = 0.0
        self.ended = 0.0

    @property
    def sent(self) -> bool:
        """Whether a request got as far as being sent; an error that came with an HTTP status is an answer to one."""
        return self.answered or any(exchange.sent for exchange in self.exchanges)

    @property
    def size(self) -> int:
        """Roughly the bytes that it holds."""
        held = _OVERHEAD + len(self.arguments or b"") + len(self.value or b"")
        if self.error or self.context:
            held += len(self.error or b"") + len(self.context or b"")
        if self.exchanges:
            held += sum(256 + len(exchange.target) + len(exchange.body or b"") for exchange in self.exchanges)
        if self.calls:
            held += sum(len(arguments or b"") for _, _, arguments, _ in self.calls)
        return held

    def forget(self) -> None:
        """Keep no more than tells what was lost."""
        self.arguments = self.value = self.error = self.context = self.calls = None
        self.exchanges = []
        self.ambient = {}
