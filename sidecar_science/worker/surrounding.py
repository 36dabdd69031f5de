"""Putting back around a call on B what surrounded it on A."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.codec.rebuilding import parts
from sidecar_science.codec.values import Codec
from sidecar_science.errors import BodyTooLarge, DeadlineExceeded, EgressRefused
from sidecar_science.journal.job import AMBIENT, Job
from sidecar_science.reports.outcome import Outcome
from sidecar_science.worker.declared import DeclaredAmbient
from sidecar_science.worker.endings import Ended, skipped

_PASSING = (EgressRefused, DeadlineExceeded, BodyTooLarge, KeyboardInterrupt)


class Surrounding:
    """Knows the providers that both sides declare. Safe to share between lanes."""

    def __init__(self, declared: Mapping[str, DeclaredAmbient], codec: Codec) -> None:
        self._declared = declared
        self._codec = codec

    @contextlib.contextmanager
    def restored(self, job: Job) -> Iterator[None]:
        """Within the block, what surrounded the job on A surrounds it again.

        Raises `Ended` where a provider fails, or where what it gave was not kept.
        """
        recorded = self._recorded(job)
        if not recorded:
            yield
            return
        with contextlib.ExitStack() as stack:
            for name, ambient in self._declared.items():
                if name in recorded:
                    stack.enter_context(_guarded(ambient, recorded[name]))
            yield

    def _recorded(self, job: Job) -> Mapping[str, Any]:
        if not self._declared or job.context is None:
            return {}
        found = dict(self._codec.decode(job.context)).get(AMBIENT)
        return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _guarded(ambient: DeclaredAmbient, value: Any) -> Iterator[None]:
    if _is_lost(value):
        raise skipped("not_replayable", f"the ambient {ambient.name!r} holds a secret, or what could not be recorded")
    inside: BaseException | None = None
    try:
        with ambient.restore(value):
            try:
                yield
            except BaseException as error:
                inside = error
                raise
    except BaseException as error:
        if error is inside or isinstance(error, _PASSING):
            raise
        told = f"the ambient {ambient.name!r} could not be put around the call: {type(error).__name__}"
        raise Ended(Outcome.FAILED, "worker_error", told) from error


def _is_lost(value: Any) -> bool:
    return isinstance(value, Secret | Oversize | Opaque) or any(map(_is_lost, parts(value)))
