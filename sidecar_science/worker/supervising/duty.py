"""What a process that is watched knows of its supervisor: where to note what it has in hand, and what to tell."""

from __future__ import annotations

import enum
import json
import os
from typing import Any

import attrs

from sidecar_science.worker.supervising.slots import Slots


class ChildExit(enum.IntEnum):
    """Exit codes of watched processes that no caller of the command ever sees."""

    OUT_OF_MEMORY = 5
    WORN_OUT = 6


@attrs.frozen(kw_only=True)
class Standing:
    """Who a process is in the journal: all that is needed to say there that it has died. ``lease`` is in seconds."""

    name: str
    redis_url: str = attrs.field(repr=False)
    namespace: str
    environment: str
    partitions: int
    lease: float


@attrs.frozen(kw_only=True)
class Duty:
    """One process's task. In ``quarantine`` it tries the suspects, one at a time, and nothing else. The ``first`` says
    what need be said once."""

    slots: Slots
    supervisor: int
    quarantine: bool = False
    first: bool = True
    pipe: int = -1

    def ready(self, standing: Standing) -> None:
        """Say who this process is, before it takes anything."""
        self._tell(ready=attrs.asdict(standing))

    def ended(self, code: int) -> None:
        """Say that this process ends in good order; one that dies without has crashed, whatever its exit code."""
        self._tell(ended=code)

    def failed(self, message: str, *, passing: bool) -> None:
        """Say why this process cannot do its work; ``passing``: later it may."""
        self._tell(failed=message, passing=passing)

    @property
    def is_orphaned(self) -> bool:
        """Whether the supervisor is gone."""
        return self.supervisor != os.getppid()

    def _tell(self, **facts: Any) -> None:
        os.write(self.pipe, json.dumps(facts).encode() + b"\n")
