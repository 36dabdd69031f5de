"""Names and numbers that both twins of the journal agree on; `docs/journal.md` explains the layout."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

import attrs

from sidecar_science.errors import UsageError
from sidecar_science.journal.records import EARLIEST, LATEST, Position, check_name

LAYOUT_VERSION: Final = 1
DEAD_BYTES: Final = 64 * 1024
DEAD_LETTERS: Final = 1000
REMEMBER_SECONDS: Final = 86_400.0
TAINTED_KEYS: Final = 100_000
DISPATCHED_KEYS: Final = 4096
DISPATCHED_SECONDS: Final = 3600.0
GAP: Final = "gap"
DICTIONARY: Final = "dictionary"
"""The setting that names the dictionary to compress with: ``number|id``."""

SILENT_SECONDS: Final = 30.0
UPKEEP_SECONDS: Final = 60.0
QUARANTINE_SECONDS: Final = 30.0
ENVIRONMENT_TTL: Final = 7 * 86_400.0

RETENTION: Final = "retention"
IDLE: Final = "environment_ttl"
ANY_KEY: Final = "*"
FOLDED: Final = "@folded"
UNCLEAN: Final = "unclean"
SETTLED: Final = "@settled"
DEAD: Final = "@dead"
DUPLICATES: Final = "@duplicates"
FOREIGN: Final = "@foreign"
EXPIRED: Final = "@expired"
BEFORE_START: Final = "@before_start"
JOINING: Final = "@joining"
SEQUENCES: Final = "@sequences"
BASE: Final = "@base"
UNSEEN: Final = "@unseen"
LOST: Final = "@lost"
QUARANTINE: Final = "@quarantine"
HANDLED: Final = (BEFORE_START, SETTLED, DEAD, DUPLICATES, FOREIGN, EXPIRED)
COUNTED: Final = (*HANDLED, SEQUENCES, BASE, UNSEEN, LOST)

_LETTER: Final = re.compile(r"\d+-\d+")


def partition_text(partition: int) -> str:
    """A partition as its keys name it, and as its only consumer is named: two digits or more."""
    return f"{partition:02d}"


@attrs.frozen
class Keys:
    """The keys of one namespace. A partition's keys share a hash tag, and so a slot of a cluster."""

    namespace: str = attrs.field(validator=lambda _, __, name: check_name("the namespace", name) and None)

    @property
    def meta(self) -> str:
        return f"sidecar:{{{self.namespace}}}:meta"

    @property
    def settings(self) -> str:
        return f"sidecar:{{{self.namespace}}}:settings"

    @property
    def dictionaries(self) -> str:
        return f"sidecar:{{{self.namespace}}}:dictionaries"

    @property
    def producers(self) -> str:
        return f"sidecar:{{{self.namespace}}}:producers"

    @property
    def environments(self) -> str:
        return f"sidecar:{{{self.namespace}}}:environments"

    @property
    def heartbeats(self) -> str:
        return f"sidecar:{{{self.namespace}}}:heartbeats"

    def notes(self, environment: str) -> str:
        return f"sidecar:{{{self.namespace}}}:notes:{environment}"

    def workers(self, environment: str) -> str:
        return f"sidecar:{{{self.namespace}}}:workers:{environment}"

    def ids(self, environment: str) -> tuple[str, str]:
        """The pairs of ids of one environment, and what is counted of them; see `sidecar_science.translation`."""
        return tuple(f"sidecar:{{{self.namespace}}}:{what}:{environment}" for what in ("ids", "idcounts"))  # type: ignore[return-value]

    def jobs(self, partition: int) -> str:
        return f"sidecar:{{{self.namespace}:{partition_text(partition)}}}:jobs"

    def of(self, partition: int, what: str, environment: str) -> str:
        """The key of ``what`` (lease, fence, inflight, dispatched, seen, tally, dead, taint) of one environment."""
        return f"sidecar:{{{self.namespace}:{partition_text(partition)}}}:{what}:{environment}"


def other_partitions(namespace: str, found: int | str, declared: int) -> str:
    """What to say when the journal has another number of partitions than was declared."""
    return (
        f"the journal of namespace {namespace!r} has {found} partitions, and {declared} were declared; the"
        f" number is fixed by the first use. Declare partitions={found}, or take another namespace"
    )


def other_layout(namespace: str, found: str) -> str:
    """What to say when the journal was laid out by a release that keeps it differently."""
    return (
        f"the journal of namespace {namespace!r} has layout {found}, and this release knows {LAYOUT_VERSION}; use the"
        " release that made it until it is drained, or take another namespace"
    )


def check_start(start: Position, now: float) -> None:
    """Raise `UsageError` unless an environment can start there. ``now`` is the journal's."""
    if start in (EARLIEST, LATEST):
        return
    if isinstance(start, str):
        raise UsageError(f"the start {start!r} is no position; give 'earliest', 'latest' or an instant")
    if start > now:
        raise UsageError(
            f"the start lies {start - now:.0f} seconds in the future by the journal's clock; give an instant that"
            " has passed, 'earliest' or 'latest'"
        )


def never_joined(environment: str) -> str:
    """What to say when a group is missing."""
    return (
        f"the journal has no group of environment {environment!r}, which join() makes; it has not joined, or"
        " somebody has deleted or flushed the journal: start the worker again"
    )


def lost(partition: int) -> str:
    """What to say when a lease is."""
    return f"another worker holds the lease of partition {partition_text(partition)} now; nothing was written"


def not_known(environment: str) -> str:
    """What to say when nobody has ever worked in an environment."""
    return (
        f"environment {environment!r} is not known in this journal, so there is nothing to reset; start a worker in it"
    )


def still_at_work(environment: str, workers: int) -> str:
    """What to say when an environment is to be reset under its workers."""
    return (
        f"{workers} workers are at work in environment {environment!r}; stop them before it is reset, or force it:"
        " what they have in hand is then theirs no more, and may be replayed a second time"
    )


def half_reset(environment: str) -> str:
    """What to say when somebody joins what is half reset."""
    return f"a reset of environment {environment!r} is under way, or was interrupted: run it again"


def letter_of(name: str, partitions: int) -> tuple[int, str]:
    """Partition and id of the dead letter called ``name``; raises `UsageError`."""
    partition, _, letter = name.partition(":")
    if not (partition.isdecimal() and int(partition) < partitions and _LETTER.fullmatch(letter)):
        raise UsageError(f"{name!r} names no dead letter; expected PARTITION:ID, such as 07:1763900000000-0")
    return int(partition), letter


def check_setting(name: str, value: str | None) -> None:
    """Raise `UsageError` for a setting of the journal's own that could not be followed."""
    if name not in (RETENTION, IDLE) or value is None:
        return
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"the setting {name} is {value!r}; expected seconds, such as 86400")


def retention(settings: Mapping[str, str]) -> float:
    """For how many seconds what is settled stays; raises `UsageError` for what is no number of seconds."""
    for name in (RETENTION, IDLE):
        check_setting(name, settings.get(name))
    return float(settings.get(RETENTION, 0.0))
