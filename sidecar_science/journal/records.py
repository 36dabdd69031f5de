"""What passes through the journal: frozen records, and the names that can be part of its keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from sidecar_science.errors import UsageError

Position = Literal["earliest", "latest"] | float

EARLIEST: Final = "earliest"
LATEST: Final = "latest"

State = Literal["claimed", "admitted", "started", "crashed"]

SAMPLE_SLOTS: Final = 5
LARGEST_COUNT: Final = 2**53 - 1

MOST_CRASHES: Final = 2
"""With so many crashes an entry is guilty of them: one among others, and one alone."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORKER = re.compile(r"[A-Za-z0-9._-]{1,128}")


def check_name(what: str, name: str) -> str:
    """``name``, if it can be part of a key in Redis; else raises `UsageError`. ``what`` is what it names."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"{what} {name!r} cannot be used; expected 1 to 64 characters out of letters, digits, '.', '_' and '-'"
        )
    return name


def check_worker(worker: str) -> str:
    """``worker``, if it can be part of a lease's token; else raises `UsageError`."""
    if not _WORKER.fullmatch(worker):
        raise UsageError(
            f"worker id {worker!r} cannot be used; expected 1 to 128 characters out of letters, digits, '.', '_'"
            " and '-'"
        )
    return worker


@attrs.frozen(kw_only=True)
class Entry:
    """One job on its way into the journal: its envelope, and the partition where it belongs."""

    partition: int
    data: bytes


@attrs.frozen(kw_only=True)
class Size:
    """How much the journal holds. ``bytes`` is an estimate: so many entries of the size that is usual here."""

    entries: int
    bytes: int


@attrs.frozen(kw_only=True)
class Lease:
    """The right to work on a partition, until it ends. A higher ``fence`` is a later lease."""

    partition: int
    token: str
    fence: int


@attrs.frozen(kw_only=True)
class Claimed:
    """An entry that its partition's owner has to settle.

    ``age`` is how many seconds ago it was appended; ``attempts`` how often a replay of it was started before;
    ``crashes`` how often a worker's process died with it in hand, as far as it may have been the reason. ``state`` is
    "claimed", "admitted", "started" or "crashed".
    """

    partition: int
    entry: str
    data: bytes
    age: float
    attempts: int = 0
    crashes: int = 0
    state: State = "claimed"

    @property
    def is_suspect(self) -> bool:
        """Whether a process died with it in hand, and it has not been tried alone yet."""
        return self.state in ("claimed", "crashed") and 0 < self.crashes < MOST_CRASHES

    @property
    def is_guilty(self) -> bool:
        """Whether it has brought down a process that ran nothing else."""
        return self.crashes >= MOST_CRASHES


@attrs.frozen(kw_only=True)
class Admission:
    """An entry as its signature tells it: its producer's ``sequence``-th in this partition, counted from 0
    or 1.

    ``gaps`` are digests of keys whose earlier jobs were lost before they reached the journal.
    """

    entry: str
    producer: str
    sequence: int = attrs.field()
    gaps: Sequence[str] = ()

    @sequence.validator
    def _check_sequence(self, _: object, sequence: int) -> None:
        if not 0 <= sequence <= LARGEST_COUNT:
            raise ValueError(f"sequence {sequence}; expected a whole number from 0 to {LARGEST_COUNT}")

    def __attrs_post_init__(self) -> None:
        if any(digest.startswith("@") for digest in self.gaps):
            raise ValueError("gaps are digests of keys, and none starts with '@'")


@attrs.frozen(kw_only=True)
class Start:
    """An attempt to be marked: see `Journal.start`."""

    entry: str
    limit: int
    after: int = 0
    key: str | None = None
    completed_at: float = 0.0


@attrs.frozen(kw_only=True)
class Started:
    """Whether a replay may be sent now (``go``), and as which attempt, counted from 1.

    ``number`` is that of this very start, where it goes: the starts that were withdrawn are counted in it.
    """

    go: bool
    attempt: int
    number: int = 0


@attrs.frozen(kw_only=True)
class Settlement:
    """What is kept of a settled entry, as fields of its partition's tally.

    ``add`` is added to counters; ``first`` is kept where the field is new; ``last`` replaces; each of
    ``samples`` goes to the first free one of its five slots ``prefix|0`` to ``prefix|4``, or nowhere. Fields
    starting with ``@`` are the journal's own.

    ``taint`` gives digests of keys whose state on B nobody knows from here on, each with its reason (``"*"``: every
    key of the partition); ``heal`` gives those that are as they should be again. What heals is done first.
    """

    entry: str
    add: Mapping[str, int] = attrs.Factory(dict)
    first: Mapping[str, str] = attrs.Factory(dict)
    last: Mapping[str, str] = attrs.Factory(dict)
    samples: Mapping[str, bytes] = attrs.Factory(dict)
    taint: Mapping[str, str] = attrs.Factory(dict)
    heal: Sequence[str] = ()

    def __attrs_post_init__(self) -> None:
        # A script has no rollback: what could fail in the middle of one is refused here.
        fields = [*self.add, *self.first, *self.last, *self.samples]
        if len(set(fields)) != len(fields) or any(field.startswith("@") for field in fields):
            raise ValueError("a settlement names each field once, and none that starts with '@'")
        if any(type(n) is not int or abs(n) > LARGEST_COUNT for n in self.add.values()):
            raise ValueError(f"a settlement adds whole numbers up to {LARGEST_COUNT}")
        if any(digest.startswith("@") for digest in (*self.taint, *self.heal)):
            raise ValueError("a settlement taints and heals digests of keys, and none starts with '@'")


@attrs.frozen(kw_only=True)
class Joined:
    """How an environment stands after joining.

    ``new`` tells whether the journal did not know it before; ``start`` is the position where it began, and
    ``epoch`` which data and deploy it has now. ``expired`` is the instant at which it had been given up, since
    nobody worked in it: what it had not read by then is counted expired.
    """

    new: bool
    created: float
    start: Position
    epoch: str | None
    expired: float | None = None


@attrs.frozen(kw_only=True)
class Environment:
    """One B-branch, as the journal knows it. ``seen`` is the instant of its last heartbeat.

    ``expired`` is the instant at which it was given up, if it was.
    """

    name: str
    created: float
    start: Position
    epoch: str | None
    routes: Mapping[str, str]
    seen: float | None
    workers: int
    expired: float | None = None


@attrs.frozen(kw_only=True)
class Producer:
    """What one recording process has told about itself, lastly at the instant ``at`` of the journal's clock.

    ``ended`` is True once it has said goodbye; ``unclean`` when it went silent without. Those that ended long ago
    stand together under the id ``@folded``.
    """

    id: str
    at: float
    host: str
    pid: int
    ended: bool
    called: int = 0
    sampled_out: int = 0
    recorded: int = 0
    dropped: Mapping[str, int] = attrs.Factory(dict)
    unclean: bool = False

    @property
    def outstanding(self) -> int:
        """The calls that were still in its buffer when it last told; those of an unclean one never arrived, or did
        so untold."""
        return self.called - self.sampled_out - self.recorded - sum(self.dropped.values())


@attrs.frozen(kw_only=True)
class Accounts:
    """Where every call went: ``called = sampled_out + recorded + dropped``, and, for this environment,
    ``recorded = before_start + settled + pending + dead + expired``. ``duplicates`` and ``foreign`` stand
    outside.

    Of ``expired``, ``lost`` left no trace in Redis but a gap in their producers' sequences: the stream was deleted,
    or the server flushed. Of ``recorded``, ``unreported`` are in the journal, and their producers, who have not said
    goodbye, had no time to tell. ``buffered`` calls of living producers are in no sum yet; ``unclean`` is how many
    producers went silent without a goodbye, and ``dropped["unclean"]`` what their buffers held when they last told.
    """

    called: int
    sampled_out: int
    recorded: int
    dropped: Mapping[str, int]
    before_start: int
    settled: int
    pending: int
    dead: int
    expired: int
    duplicates: int
    foreign: int
    lost: int = 0
    unreported: int = 0
    buffered: int = 0
    unclean: int = 0


@attrs.frozen(kw_only=True)
class Waiting:
    """An entry in the journal, for people to look at."""

    partition: int
    entry: str
    age: float
    data: bytes


@attrs.frozen(kw_only=True)
class DeadLetter:
    """An entry that could not be settled: why, when, its ``size`` in bytes, and the first 64 KB of them."""

    partition: int
    id: str
    entry: str
    reason: str
    job: str | None
    at: float
    size: int
    data: bytes

    @property
    def name(self) -> str:
        """What tells it from every other letter of its environment: partition and id."""
        return f"{self.partition:02d}:{self.id}"

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes were kept."""
        return len(self.data) == self.size
