"""This package as an application uses it, in all the states that a call can meet; and the same call without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar_science import Sidecar

Call = Callable[[Any], Any]

ARGUMENT = "sidecar_science"
RESULT = "sidecar_science, payload as result"
UNSAMPLED = "sampled out (sample=0)"
UNLUCKY = "sampled out (by its key)"
DISABLED = "disabled"
FULL_BUFFER = "sidecar_science, buffer full"

RARELY = 1e-9


class Quiet:
    """Swallows log events: an outage is part of the plan here."""

    def warning(self, event: str, **fields: Any) -> None:
        pass

    info = warning


class Adapter:
    """An adapter whose methods do nothing, so that everything measured is somebody else's."""

    def __init__(self) -> None:
        self.answer: Any = None

    def put(self, content_id: str, payload: Any) -> dict[str, Any]:
        return {"status": 200, "version": 3}

    def get(self, content_id: str) -> Any:
        return self.answer


class Subjects:
    """Recorded adapters against the Redis at ``url``; ``calls`` are given a payload each.

    The buffer is larger than by default, so that what is measured is always a call that is kept.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.sidecar = self._sidecar(buffer_bytes=256 * 1024 * 1024)
        disabled = self._sidecar(enabled=False)
        self.calls: dict[str, Call] = {
            ARGUMENT: _putting(_recorded(self.sidecar, "put")),
            RESULT: _getting(_recorded(self.sidecar, "get")),
            UNSAMPLED: _putting(_recorded(self.sidecar, "put", sample=0)),
            UNLUCKY: _putting(_recorded(self.sidecar, "put", sample=RARELY)),
            DISABLED: _putting(_recorded(disabled, "put")),
        }

    def with_full_buffer(self) -> Call:
        """A recorded call of a process whose buffer is full already; only during an outage does it stay so."""
        sidecar = self._sidecar()
        call = _putting(_recorded(sidecar, "put"))
        while not sidecar.stats()["dropped"]:
            call({"content_id": "x", "text": "x" * 20_000})
        return call

    def _sidecar(self, **options: Any) -> Sidecar:
        return Sidecar("benchmark", redis_url=self._url, flush_timeout=0.0, logger=Quiet(), **options)


def _recorded(sidecar: Sidecar, method: str, *, sample: float | None = None) -> Adapter:

    class Recorded(Adapter):
        pass

    name = f"{method}-{sample}"
    sidecar.instrument(Recorded, method, name=name, service=name, key="content_id", sample=sample)
    return Recorded()


def _putting(adapter: Adapter) -> Call:
    return lambda payload: adapter.put(payload["content_id"], payload)


def _getting(adapter: Adapter) -> Call:
    def call(payload: Any) -> Any:
        adapter.answer = payload
        return adapter.get(payload["content_id"])

    return call


def bare() -> Call:
    """The call that nobody records."""
    return _putting(Adapter())
