"""What the A side and the B side may ask of the journal: two Protocols, and the records that pass through
them.

`Log` is all that an application sees of it, `Journal` what one environment's workers see. Each has a memory
twin (`sidecar_science.journal.memory`) and a Redis twin (`sidecar_science.journal.redis`), held to one
contract suite. Seconds are floats; instants are seconds since the epoch, UTC, by the server's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sidecar_science.journal.records import (
    EARLIEST,
    LATEST,
    MOST_CRASHES,
    Accounts,
    Admission,
    Claimed,
    DeadLetter,
    Entry,
    Environment,
    Joined,
    Lease,
    Position,
    Producer,
    Settlement,
    Size,
    Start,
    Started,
    Waiting,
    check_name,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "MOST_CRASHES",
    "Accounts",
    "Admission",
    "Claimed",
    "DeadLetter",
    "Entry",
    "Environment",
    "Joined",
    "Journal",
    "Lease",
    "Log",
    "Position",
    "Producer",
    "Settlement",
    "Size",
    "Start",
    "Started",
    "Waiting",
    "check_name",
]


class Log(Protocol):
    """The journal as an application sees it: it may append, and look at nothing but sizes and settings."""

    def ensure(self) -> None:
        """Write or check the namespace's layout; raises `JournalMisconfigured` when another one is in use."""
        ...

    def append(self, entries: Sequence[Entry]) -> None:
        """Append ``entries``, in this order within each partition.

        Raises `JournalUnavailable` when they may or may not have been appended (append the same bytes again:
        what arrives twice is recognized), `JournalFull` when nothing was, and `JournalMisconfigured`.
        """
        ...

    def size(self) -> Size:
        """How much the journal holds."""
        ...

    def settings(self) -> Mapping[str, str]:
        """What was set at run time: ``enabled``, ``sample``, ``sample|EXPERIMENT``, ``dictionary``."""
        ...

    def dictionary(self, number: int) -> bytes | None:
        """The sealed dictionary of that number (see `sidecar_science.codec.compression`), if there is one."""
        ...

    def report(self, producer: str, accounts: Mapping[str, Any], *, ended: bool = False) -> None:
        """Tell where the calls went: ``called``, ``sampled_out``, ``recorded``, ``dropped`` (by reason)."""
        ...

    def close(self) -> None:
        """Drop the connections. The log can be used again; it connects when it has to."""
        ...


class Journal(Protocol):
    """The journal as the workers of one environment see it.

    Every method that takes a lease raises `LeaseLost`, and has changed nothing, when somebody else holds the
    partition; every method raises `JournalUnavailable` and `JournalMisconfigured`. After `JournalUnavailable`
    each may be called again with the same arguments: what had happened all the same happens once.
    """

    @property
    def environment(self) -> str:
        """Whose journal this is."""
        ...

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        ...

    def join(
        self, start: Position = EARLIEST, *, epoch: str | None = None, routes: Mapping[str, str] | None = None
    ) -> Joined:
        """Take this environment up. ``start`` counts when it is new; a known one goes on where it stood.

        Raises `UsageError` for an instant in the future.
        """
        ...

    def reset(self, start: Position = EARLIEST, epoch: str | None = None, *, force: bool = False) -> Joined:
        """Move a known environment to ``start``, with new accounts, nothing in hand, no dead letters, no taint.

        Every lease is void. ``epoch`` says which data and deploy it has from here on (None: as before). What had been
        settled and freed lies before the start, wherever that is. Raises `UsageError` when the environment is not
        known, while workers live in it (unless ``force``), and for an instant in the future.
        """
        ...

    def beat(self, worker: str, *, partitions: int, ttl: float) -> int:
        """Say that ``worker`` lives for ``ttl`` seconds more; how many workers live, itself included."""
        ...

    def leave(self, worker: str) -> None:
        """Say that ``worker`` is no more."""
        ...

    def crew(self) -> int:
        """How many workers have said that they live, as far as nobody has noticed otherwise: cheap to ask."""
        ...

    def acquire(self, partition: int, worker: str, ttl: float, *, quarantine: bool = False) -> Lease | None:
        """The lease of ``partition`` for ``ttl`` seconds, or None while another worker holds it.

        A worker that acquires what it holds already gets a new lease, and the old one is void. With ``quarantine`` it
        is to be had only where `crashed` has put the partition into quarantine; without, never there.
        """
        ...

    def crashed(self, worker: str, in_hand: Mapping[int, Sequence[str]], *, alone: bool = False) -> set[int]:
        """Say that ``worker``'s process has died with the entries ``in_hand`` (by partition): its leases end now.

        Each of these entries may have been the reason, and has a crash counted; one that it had in hand ``alone`` was.
        A partition with a suspect goes into quarantine, for `layout.QUARANTINE_SECONDS` at most; which did. What the
        worker holds no more is left as it is.
        """
        ...

    def renew(self, leases: Iterable[Lease], ttl: float) -> set[int]:
        """Let ``leases`` end in ``ttl`` seconds from now; the partitions whose lease is lost."""
        ...

    def release(self, lease: Lease) -> None:
        """Give ``lease`` back, if it is still held."""
        ...

    def recover(self, lease: Lease) -> list[Claimed]:
        """Everything claimed and unsettled in the partition, by this owner or an earlier one, in order."""
        ...

    def claim(self, leases: Sequence[Lease], count: int, block: float = 0.0) -> list[Claimed]:
        """Up to ``count`` further entries of each partition, in order; waits ``block`` seconds for the first.

        The first claims of a lease give what an earlier owner left. Entries whose bytes are gone are counted
        expired, and not given. Partitions whose lease is lost give nothing.
        """
        ...

    def admit(self, lease: Lease, admissions: Sequence[Admission]) -> set[str]:
        """Let claimed entries in, in the order of the partition; the duplicates among them, now settled.

        What they carry of gaps taints, with the reason ``gap``.
        """
        ...

    def start(
        self, lease: Lease, entry: str, *, limit: int, after: int = 0, key: str | None = None, completed_at: float = 0.0
    ) -> Started:
        """Mark an admitted entry as dispatched, before anything is sent.

        Of its ``key`` it is noted that a job was dispatched whose control ``completed_at``.

        ``go`` is False when ``limit`` attempts were made, or when nobody knows how many. To try once more
        under the same lease, pass the attempt that ended as ``after``; without it a repeated call is taken
        for a lost reply.
        """
        ...

    def start_all(self, lease: Lease, starts: Sequence[Start]) -> list[Started]:
        """`start` for several entries of a partition, each by itself; raises `LeaseLost` when the first finds it so.

        One that finds the lease lost later does not go.
        """
        ...

    def withdraw(self, lease: Lease, entry: str, number: int) -> None:
        """Take the start of that ``number`` back, since nothing of it was sent; it counts as no attempt.

        A later start of the entry stands, and so does what was noted of its key.
        """
        ...

    def dispatched(self, lease: Lease) -> Mapping[str, float]:
        """The keys of the partition of which jobs were dispatched lately, by whomever: when the control of the latest
        one completed.

        That is known of the 4096 keys with the latest ones, until nothing was dispatched for an hour; a reset or a new
        epoch ends it.
        """
        ...

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> list[bool]:
        """Settle entries of a partition in one step: acknowledge, count, keep, heal, taint. False: settled before."""
        ...

    def bury(
        self,
        lease: Lease,
        entry: str,
        reason: str,
        data: bytes,
        job: str | None = None,
        *,
        taint: Mapping[str, str] | None = None,
    ) -> bool:
        """Settle an entry as a dead letter, and ``taint`` keys (digest to reason). False: it had been settled
        already."""
        ...

    def tainted(self, lease: Lease, keys: Iterable[str] | None = None) -> Mapping[str, str]:
        """The tainted keys of the partition in this environment, with the reason why: digest to reason.

        ``"*"`` stands for every key of the partition: more than 100,000 were tainted, or entries were lost of which
        nobody knows the key; `claim` and `admit` find that out. With ``keys`` only these are looked up, and ``"*"``.
        A taint ends with a reset, a new epoch, or a settlement that heals it; ``"*"`` ends by the first two alone.
        """
        ...

    def foreign(self, lease: Lease, entry: str, reason: str, data: bytes) -> bool:
        """Bury an entry that no recorder wrote; it is counted apart."""
        ...

    def trim(self) -> int:
        """Free what every environment has settled and is older than the retention; how many entries.

        What somebody has not read is never freed. Environments in which nobody has worked for long expire: what they
        have not read is counted so, and holds back nothing any more.
        """
        ...

    def requeue(self, names: Iterable[str] | None = None) -> int:
        """Let dead letters (by `DeadLetter.name`; None: all) be claimed again by this environment; how many.

        They come after all that is in their partition, and count as pending again. One whose bytes were not all
        kept stays where it is. A letter that was found foreign is requeued like any other. Raises `UsageError` for
        what is no name.
        """
        ...

    def drop(self, names: Iterable[str] | None = None) -> int:
        """Delete dead letters (by `DeadLetter.name`; None: all); how many. The accounts still count them dead."""
        ...

    def settings(self) -> Mapping[str, str]:
        """What was set at run time."""
        ...

    def configure(self, name: str, value: str | None) -> None:
        """Set, or with None unset, one of the run-time settings: those that the A side reads, and our own.

        ``retention``: for how many seconds what is settled stays (default 0). ``environment_ttl``: after how many
        seconds without a heartbeat an environment expires (default 7 days). Raises `UsageError` unless these are
        seconds.
        """
        ...

    def notes(self) -> Mapping[str, str]:
        """What people have noted of this environment, by the name of what it is about."""
        ...

    def note(self, name: str, text: str | None) -> None:
        """Note ``text``, or with None nothing any more, of what is called ``name``. It outlives resets and epochs."""
        ...

    def dictionaries(self) -> Mapping[int, bytes]:
        """The sealed dictionaries, by number: the highest is the newest."""
        ...

    def keep_dictionary(self, number: int, data: bytes) -> bool:
        """Keep a sealed dictionary under a new ``number``; False where somebody else's has it already."""
        ...

    def tallies(self) -> list[Mapping[str, bytes]]:
        """Each partition's tally."""
        ...

    def accounts(self) -> Accounts:
        """Where every call went."""
        ...

    def producers(self) -> list[Producer]:
        """The recording processes that have reported."""
        ...

    def environments(self) -> list[Environment]:
        """The environments that have joined, this one and others."""
        ...

    def peek(self, count: int) -> list[Waiting]:
        """Up to ``count`` entries of the journal, oldest first."""
        ...

    def export(self, since: float | None = None, until: float | None = None) -> Iterator[bytes]:
        """The entries that were appended from the instant ``since`` until just before ``until``, as lines of text.

        See `sidecar_science.journal.export` for the form. It holds what jobs hold: keep it like them.
        """
        ...

    def import_(self, lines: Iterable[bytes | str]) -> int:
        """Append what was exported, from wherever, as it is; how many entries. Raises `UsageError` for other lines.

        They are accounted for as recorded by one more producer. What is imported a second time is recognized when it
        is claimed, and counted as duplicate.
        """
        ...

    def dead(self, count: int) -> list[DeadLetter]:
        """Up to ``count`` dead letters of this environment, newest first."""
        ...

    def close(self) -> None:
        """Drop the connections."""
        ...
