"""One recorded control call, ready to be replayed: what the A side writes and the B side reads.

A job carries names, never code. On the wire it is an envelope (see `sidecar_science.codec.envelope`) with a
header in the clear and a body that may be encrypted; ``seal`` and ``unseal`` are the only two functions that
know its layout.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import attrs

from sidecar_science.codec import envelope, values
from sidecar_science.codec.compression import Dictionary, Lookup
from sidecar_science.codec.envelope import Opened
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable, UnknownDictionary
from sidecar_science.journal.records import LARGEST_COUNT

Effect = Literal["read", "write"]
AMBIENT: Final = "sidecar.ambient"
"""Where in a job's context stands what surrounded its call."""


@attrs.frozen(kw_only=True)
class Call:
    """What B is asked to do: the function declared under the experiment ``function``, with its ``arguments``.

    ``arguments`` is the codec's form of ``[args, kwargs]``, or None when they have no exact form:
    ``obstacle`` then says which and where.
    """

    behavior: str = "candidate"
    function: str
    arguments: bytes | None = None
    obstacle: str | None = None


@attrs.frozen(kw_only=True)
class Job:
    """One recorded control call.

    ``key`` is the digest of what must stay in order, or None. Times are seconds (``completed_at`` since the
    epoch, UTC). ``value``, ``error``, ``exchanges`` and ``context`` are in the codec's form. ``sent`` tells
    whether any request of the control got as far as being sent. ``gaps`` are digests of keys whose earlier
    jobs were lost on the A side (``"*"``: any key of the partition).
    """

    id: str
    experiment: str
    service: str | None
    effect: Effect
    key: str | None
    completed_at: float
    duration: float
    cpu_time: float
    sent: bool
    calls: tuple[Call, ...] = ()
    value: bytes | None = None
    error: bytes | None = None
    exchanges: bytes | None = None
    context: bytes | None = None
    consumed: int | None = None
    exhausted: bool = True
    gaps: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Stamp:
    """Where an entry stands: its producer's ``sequence``-th in this partition. All three are signed.

    ``key_id`` names the signing key that vouches for it, where one does; b"" before it is sealed.
    """

    producer: str
    partition: int
    sequence: int
    key_id: bytes = b""


def seal(job: Job, stamp: Stamp, keyring: Keyring, dictionary: Dictionary | None = None) -> bytes:
    """The bytes of ``job`` as they go into the journal, signed and encrypted as ``keyring`` is able to."""
    header: list[Any] = [
        stamp.producer, stamp.partition, stamp.sequence,
        job.id, job.experiment, job.service, job.effect, job.key,
        job.completed_at, job.duration, job.cpu_time, job.sent,
        job.consumed, job.exhausted, list(job.gaps),
    ]  # fmt: skip
    return envelope.seal(values.pack(header), body_of(job), keyring, dictionary=dictionary)


def body_of(job: Job) -> bytes:
    """The part of ``job`` that is compressed."""
    calls = [[call.behavior, call.function, call.arguments, call.obstacle] for call in job.calls]
    return values.pack([calls, job.value, job.error, job.exchanges, job.context])


def unseal(data: bytes, keyring: Keyring, partition: int, dictionaries: Lookup = lambda _: None) -> tuple[Job, Stamp]:
    """The job and the stamp in ``data``; ``dictionaries`` finds the one that it was compressed with.

    Raises `Undecodable` or one of its special cases when ``data`` is not an envelope of ours, is of an unknown version,
    is not signed as ``keyring`` demands, was made for another partition, or needs a dictionary that is not there.
    """
    return _read(envelope.open(data, keyring, dictionaries), partition)


def header_of(error: UnknownDictionary, partition: int) -> tuple[Job, Stamp]:
    """What is known all the same of a job that lacks its dictionary: no call, and nothing that was observed."""
    return _read(Opened(error.header, _EMPTY, error.key_id), partition)


def _read(opened: Opened, partition: int) -> tuple[Job, Stamp]:
    try:
        producer, at, sequence, id_, experiment, service, effect, key, *times, gaps = values.unpack(opened.header)
        completed_at, duration, cpu_time, sent, consumed, exhausted = times
        calls, value, error, exchanges, context = values.unpack(opened.body)
        job = Job(
            id=id_, experiment=experiment, service=service, effect=effect, key=key,
            completed_at=completed_at, duration=duration, cpu_time=cpu_time, sent=sent,
            consumed=consumed, exhausted=exhausted, gaps=tuple(gaps),
            calls=tuple(Call(behavior=b, function=f, arguments=a, obstacle=o) for b, f, a, o in calls),
            value=value, error=error, exchanges=exchanges, context=context,
        )  # fmt: skip
        stamp = Stamp(producer=producer, partition=at, sequence=sequence, key_id=opened.key_id)
    except (TypeError, ValueError) as error:
        raise Undecodable(f"the envelope holds no job: {error}") from error
    _check(job, stamp)
    if stamp.partition != partition:
        raise Undecodable(f"the envelope was made for partition {stamp.partition} and stands in {partition}")
    return job, stamp


_EMPTY = values.pack([[], None, None, None, None])
_OPTIONAL_BYTES = (bytes, type(None))
_OPTIONAL_TEXT = (str, type(None))
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,), "experiment": (str,), "service": _OPTIONAL_TEXT, "effect": (str,), "key": _OPTIONAL_TEXT,
    "completed_at": (float, int), "duration": (float, int), "cpu_time": (float, int), "sent": (bool,),
    "value": _OPTIONAL_BYTES, "error": _OPTIONAL_BYTES, "exchanges": _OPTIONAL_BYTES, "context": _OPTIONAL_BYTES,
    "consumed": (int, type(None)), "exhausted": (bool,),
}  # fmt: skip


def _check(job: Job, stamp: Stamp) -> None:
    """Where nothing is signed anybody can write an envelope: one with other types in it must not get further."""
    wrong = [name for name, kinds in _TYPES.items() if type(getattr(job, name)) not in kinds]
    calls_fit = all(
        type(call.behavior) is type(call.function) is str
        and type(call.arguments) in _OPTIONAL_BYTES
        and type(call.obstacle) in _OPTIONAL_TEXT
        for call in job.calls
    )
    stamp_fits = (
        type(stamp.producer) is str
        and type(stamp.partition) is type(stamp.sequence) is int
        and 0 <= stamp.sequence <= LARGEST_COUNT
    )
    if wrong or not calls_fit or not stamp_fits or not all(type(gap) is str for gap in job.gaps):
        raise Undecodable(f"the envelope holds no job: {', '.join(wrong) or 'a call or its stamp'} has another type")
    if any(digest.startswith("@") for digest in (job.key or "", *job.gaps)):
        raise Undecodable("the envelope holds no job: a key that begins with '@' is none")
    if not math.isfinite(job.completed_at):
        raise Undecodable("the envelope holds no job: its time is no number")
