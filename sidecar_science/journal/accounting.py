"""How the accounts are added up: from each partition's counters, and from what the recording processes told.

In a partition, ``entries ever added = handled + pending``. `BASE` corrects the number that Redis keeps of what was
added: for streams that were deleted, and for dead letters that were appended again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.journal import layout
from sidecar_science.journal.records import Accounts, Producer

Tally = Mapping[str, bytes | None]


def accounts(partitions: Iterable[tuple[int, Tally]], producers: Sequence[Producer]) -> Accounts:
    """Where every call went. ``partitions`` gives of each how many entries its stream counts, and its tally."""
    counted: Counter[str] = Counter()
    pending = lost = 0
    harmed = False
    for added, tally in partitions:
        numbers = {field: int(tally.get(field) or 0) for field in layout.COUNTED}
        counted.update(numbers)
        pending += max(0, waiting(added, numbers))
        lost += vanished(added, numbers)
        harmed = harmed or lost > 0 or tally.get(layout.UNSEEN) is not None
    told = sum(producer.recorded for producer in producers)
    arrived = (
        pending
        + lost
        + sum(counted[field] for field in (layout.BEFORE_START, layout.SETTLED, layout.DEAD, layout.EXPIRED))
    )
    if harmed:
        # A stream is known to have gone: what is in no counter went with it.
        lost += max(0, told - arrived)
    return _with_calls(
        Accounts(
            called=sum(producer.called for producer in producers),
            sampled_out=sum(producer.sampled_out for producer in producers),
            recorded=told,
            dropped=sum((Counter(producer.dropped) for producer in producers), Counter()),
            before_start=counted[layout.BEFORE_START],
            settled=counted[layout.SETTLED],
            pending=pending,
            dead=counted[layout.DEAD],
            expired=counted[layout.EXPIRED] + lost,
            duplicates=counted[layout.DUPLICATES],
            foreign=counted[layout.FOREIGN],
            lost=lost,
            unreported=max(0, arrived - told) if any(not producer.ended for producer in producers) else 0,
        ),
        producers,
    )


def waiting(added: int, numbers: Mapping[str, int]) -> int:
    """How many entries a partition has that this environment has not handled."""
    return numbers[layout.BASE] + added - sum(numbers[field] for field in layout.HANDLED)


def vanished(added: int, numbers: Mapping[str, int]) -> int:
    """How many entries went with a stream: their producers have counted further than all streams together.

    `UNSEEN` is what the environment knew of at the last such loss without any producer's sequence telling so.
    """
    genuine = numbers[layout.BASE] + added - numbers[layout.DUPLICATES] - numbers[layout.FOREIGN]
    return numbers[layout.LOST] + max(0, numbers[layout.SEQUENCES] + numbers[layout.UNSEEN] - genuine)


def _with_calls(told: Accounts, producers: Sequence[Producer]) -> Accounts:
    """The A side's sum. A process tells what it has counted now and then: what it had in its buffer is in the
    journal by now, or still in the buffer, or gone with the process."""
    buffered = sum(producer.outstanding for producer in producers if not producer.ended and not producer.unclean)
    abandoned = sum(producer.outstanding for producer in producers if producer.unclean)
    gone = max(0, abandoned - told.unreported)
    return attrs.evolve(
        told,
        called=told.called - buffered - abandoned + told.unreported + gone,
        recorded=told.recorded + told.unreported,
        dropped=dict(told.dropped) | ({layout.UNCLEAN: gone} if gone else {}),
        buffered=buffered,
        unclean=sum(producer.unclean for producer in producers),
    )


def folded(producers: Iterable[Producer]) -> dict[str, Any]:
    """What several producers have told, as if one had."""
    each = list(producers)
    dropped: Counter[str] = sum((Counter(producer.dropped) for producer in each), Counter())
    return {
        "at": max(producer.at for producer in each), "host": "", "pid": 0, "ended": True,
        "called": sum(producer.called for producer in each),
        "sampled_out": sum(producer.sampled_out for producer in each),
        "recorded": sum(producer.recorded for producer in each),
        "dropped": dict(dropped),
    }  # fmt: skip
