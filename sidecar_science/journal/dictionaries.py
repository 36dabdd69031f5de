"""The dictionaries that a namespace's jobs are compressed with: where the B side finds them, and how one is named."""

from __future__ import annotations

from typing import Final

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.codec.compression import Dictionary
from sidecar_science.codec.envelope import open_dictionary, seal_dictionary
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable
from sidecar_science.journal.layout import DICTIONARY
from sidecar_science.journal.protocol import Journal

MOST: Final = 8
"""How many dictionaries a namespace is given in its life: jobs may need any of them, so none is ever removed."""

OFF: Final = "off"
_AGAIN: Final = 1.0


class Dictionaries:
    """Finds dictionaries by their id. One that is not known is looked for in the journal, at most once a second."""

    def __init__(self, journal: Journal, keyring: Keyring, clock: Clock = SYSTEM_CLOCK) -> None:
        self.newest: Dictionary | None = None
        self.count = 0
        self._next = 1
        self._journal = journal
        self._keyring = keyring
        self._clock = clock
        self._known: dict[bytes, Dictionary] = {}
        self._missing: dict[bytes, float] = {}

    def get(self, id_: bytes) -> Dictionary | None:
        """The dictionary with that id, or None where the journal has none. Raises `JournalError`."""
        if id_ not in self._known and self._clock.monotonic() >= self._missing.get(id_, 0.0):
            self.look()
            if id_ not in self._known:
                self._missing = {id_: self._clock.monotonic() + _AGAIN}
        return self._known.get(id_)

    def look(self) -> None:
        """Read what the journal holds. One that nobody with our keys has made is none. Raises `JournalError`."""
        held = self._journal.dictionaries()
        self.count = len(held)
        self._next = max(held, default=0) + 1
        for _, data in sorted(held.items()):
            try:
                dictionary = open_dictionary(data, self._keyring)
            except Undecodable:
                continue
            self.newest = self._known.setdefault(dictionary.id, dictionary)

    @property
    def is_off(self) -> bool:
        """Whether somebody has said that jobs are compressed without. Raises `JournalError`."""
        return self._journal.settings().get(DICTIONARY) == OFF

    def keep(self, dictionary: Dictionary) -> bool:
        """Put a new one into the journal, and have apps take it; False where somebody else's came first.

        It has the number that was free at the last `look`, so of several that were made meanwhile one is kept. Raises
        `JournalError`.
        """
        number = self._next
        if not self._journal.keep_dictionary(number, seal_dictionary(dictionary, self._keyring)):
            return False
        self.newest = self._known[dictionary.id] = dictionary
        self._next = number + 1
        self._journal.configure(DICTIONARY, name_of(number, dictionary))
        return True


def name_of(number: int, dictionary: Dictionary) -> str:
    """What the setting says, from which apps learn of it."""
    return f"{number}|{dictionary.id.hex()}"
