"""What a process has in hand, where its supervisor can read it after the process's death."""

from __future__ import annotations

import mmap
import struct
from collections import defaultdict
from typing import Final

_BEATS: Final = struct.Struct("<Q")
_SLOT: Final = struct.Struct("<QQQ")
_ENTRY: Final = struct.Struct("<QQ")
_PARTITION: Final = struct.Struct("<Q")


class Slots:
    """So many slots, each for one entry, and a counter that says that the process is alive.

    The memory is shared with the processes that are forked later. Each slot has one writer.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._memory = mmap.mmap(-1, _BEATS.size + count * _SLOT.size)

    def beat(self) -> None:
        """Say that the process is alive."""
        _BEATS.pack_into(self._memory, 0, self.beats + 1)

    @property
    def beats(self) -> int:
        """How often it has said so."""
        return int(_BEATS.unpack_from(self._memory)[0])

    def slot(self, number: int) -> Slot:
        """One of the slots, to be written."""
        return Slot(self._memory, _BEATS.size + number * _SLOT.size)

    def in_hand(self) -> dict[int, list[str]]:
        """The entries in all slots, by partition."""
        held: defaultdict[int, list[str]] = defaultdict(list)
        for number in range(self._count):
            at = _BEATS.size + number * _SLOT.size
            ms, sequence, partition = _SLOT.unpack_from(self._memory, at)
            if partition:
                held[partition - 1].append(f"{ms}-{sequence}")
        return dict(held)


class Slot:
    """One entry, or none."""

    def __init__(self, memory: mmap.mmap, at: int) -> None:
        self._memory = memory
        self._at = at

    def take(self, partition: int, entry: str) -> None:
        """``entry`` is in hand."""
        ms, _, sequence = entry.partition("-")
        self.clear()
        _ENTRY.pack_into(self._memory, self._at, int(ms), int(sequence))
        # Last, so that no death in between leaves half an entry that looks whole.
        _PARTITION.pack_into(self._memory, self._at + _ENTRY.size, partition + 1)

    def clear(self) -> None:
        """Nothing is."""
        _PARTITION.pack_into(self._memory, self._at + _ENTRY.size, 0)
