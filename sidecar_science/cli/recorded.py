"""One recorded job as a person may see it: redacted as it was recorded, cleaned as its experiment says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from sidecar_science.codec.values import Codec
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.projection import project
from sidecar_science.errors import CodecError, Undecodable
from sidecar_science.journal import export
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.journal.job import Job, Stamp, unseal
from sidecar_science.journal.protocol import Journal
from sidecar_science.recording.experiment import SidecarExperiment
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.plain import fitted
from sidecar_science.sidecar import Sidecar
from sidecar_science.worker.judging import shown

MAX_SIDE: Final = 64 * 1024
MAX_FACTS: Final = 4 * 1024
WITHHELD: Final = "(withheld: the experiment is not declared here, so nobody can say what may be shown)"


def find(sidecar: Sidecar, journal: Journal, wanted: str) -> tuple[Job, Stamp] | None:
    """The job called ``wanted`` and its stamp, if its bytes are still in the journal; this reads through all of it."""
    dictionaries = Dictionaries(journal, sidecar.keyring)
    for entry in export.entries(journal.export(), journal.partitions, lambda _: None):
        try:
            job, stamp = unseal(entry.data, sidecar.keyring, entry.partition, dictionaries.get)
        except Undecodable:
            continue
        if job.id == wanted:
            return job, stamp
    return None


def facts(job: Job) -> dict[str, Any]:
    """What is known of a job beside what it holds."""
    told = {
        "experiment": job.experiment,
        "service": job.service,
        "effect": job.effect,
        "key": job.key,
        "completed_at": _instant(job.completed_at),
        "control_seconds": job.duration if math.isfinite(job.duration) else 0.0,
    }
    return dict(fitted(told, MAX_FACTS))


def _instant(seconds: float) -> str:
    """Where nothing is signed, anybody can write any number."""
    try:
        return rfc3339(seconds)
    except (OverflowError, OSError, ValueError):
        return f"{seconds:g} s since 1970"


def calls(job: Job, codec: Codec) -> list[dict[str, Any]]:
    """What B is asked to call, with what; secrets are fingerprints since they were recorded."""
    return [
        {"behavior": call.behavior, "function": call.function, "arguments": _arguments(call.arguments, codec),
         "obstacle": call.obstacle}
        for call in job.calls
    ]  # fmt: skip


def control(job: Job, codec: Codec, experiment: SidecarExperiment | None) -> Any:
    """What A answered and sent, as the experiment's ``clean`` gives it."""
    if experiment is None:
        return WITHHELD
    try:
        observed = Observed(
            value=_decoded(job.value, codec),
            error=_decoded(job.error, codec),
            exchanges=tuple(_decoded(job.exchanges, codec) or ()),
        )
    except CodecError as error:
        return f"(cannot be read: {error})"
    side: Mapping[str, Any] = shown(observed, lambda value: experiment.rules.cleaned(value, experiment.told))
    return fitted(side, MAX_SIDE)


def _arguments(data: bytes | None, codec: Codec) -> Any:
    if data is None:
        return None
    try:
        args, kwargs = codec.decode(data)
        return fitted({"args": project(args), "kwargs": project(kwargs)}, MAX_SIDE)
    except (CodecError, TypeError, ValueError) as error:
        return f"(cannot be read: {error})"


def _decoded(data: bytes | None, codec: Codec) -> Any:
    return None if data is None else project(codec.decode(data))
