"""Which keys have lost a write: the next job of their partition carries the news."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

ANY: Final = "*"
_MAX_GAPS: Final = 1000


class Gaps:
    """Digests of keys by partition, until a job takes them along; beyond a thousand, any key of the partition."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        # A dict keeps the order, and knows its members.
        self._digests: defaultdict[int, dict[str, None]] = defaultdict(dict)

    def note(self, partition: int, digest: str) -> None:
        """A write of the key with ``digest`` was lost."""
        digests = self._digests[partition]
        if ANY in digests or digest in digests:
            return
        if len(digests) >= _MAX_GAPS:
            self._digests[partition] = {ANY: None}
        else:
            digests[digest] = None

    def note_any(self) -> None:
        """Writes of nobody knows which keys were lost."""
        for partition in range(self._partitions):
            self._digests[partition] = {ANY: None}

    def of(self, partition: int) -> tuple[str, ...]:
        """What a job of ``partition`` has to carry."""
        return tuple(self._digests.get(partition, ()))

    def carried(self, partition: int) -> None:
        """A job has taken along what there was."""
        self._digests.pop(partition, None)
