"""Names and numbers that both twins of the journal agree on; `docs/journal.md` explains the layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from sidecar_science.errors import UsageError
from sidecar_science.journal.records import EARLIEST, LATEST, Accounts, Position, Producer, check_name

LAYOUT_VERSION: Final = 1
DEAD_BYTES: Final = 64 * 1024
DEAD_LETTERS: Final = 1000
REMEMBER_SECONDS: Final = 86_400.0

SETTLED: Final = "@settled"
DEAD: Final = "@dead"
DUPLICATES: Final = "@duplicates"
FOREIGN: Final = "@foreign"
EXPIRED: Final = "@expired"
BEFORE_START: Final = "@before_start"
JOINING: Final = "@joining"
HANDLED: Final = (BEFORE_START, SETTLED, DEAD, DUPLICATES, FOREIGN, EXPIRED)


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
    def producers(self) -> str:
        return f"sidecar:{{{self.namespace}}}:producers"

    @property
    def environments(self) -> str:
        return f"sidecar:{{{self.namespace}}}:environments"

    @property
    def heartbeats(self) -> str:
        return f"sidecar:{{{self.namespace}}}:heartbeats"

    def workers(self, environment: str) -> str:
        return f"sidecar:{{{self.namespace}}}:workers:{environment}"

    def jobs(self, partition: int) -> str:
        return f"sidecar:{{{self.namespace}:{partition_text(partition)}}}:jobs"

    def of(self, partition: int, what: str, environment: str) -> str:
        """The key of ``what`` (lease, fence, inflight, seen, tally, dead, taint) of one environment."""
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


def accounts(added: int, tallies: Iterable[Mapping[str, bytes | None]], producers: Sequence[Producer]) -> Accounts:
    """Where every call went: of ``added`` entries, what is in no counter is pending."""
    counted: Counter[str] = Counter()
    for tally in tallies:
        counted.update({field: int(tally.get(field) or 0) for field in HANDLED})
    dropped: Counter[str] = Counter()
    for producer in producers:
        dropped.update(producer.dropped)
    return Accounts(
        called=sum(producer.called for producer in producers),
        sampled_out=sum(producer.sampled_out for producer in producers),
        recorded=sum(producer.recorded for producer in producers),
        dropped=dict(dropped),
        before_start=counted[BEFORE_START],
        settled=counted[SETTLED],
        pending=added - counted.total(),
        dead=counted[DEAD],
        expired=counted[EXPIRED],
        duplicates=counted[DUPLICATES],
        foreign=counted[FOREIGN],
    )
