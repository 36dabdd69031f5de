"""The dictionary that this process compresses jobs with: the one that the run-time settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sidecar_science.codec.compression import Dictionary
from sidecar_science.codec.envelope import open_dictionary
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable
from sidecar_science.journal.layout import DICTIONARY
from sidecar_science.recording.shield import Shield


class Vocabulary:
    """Follows the settings. Runs on the drain thread; without a dictionary jobs are compressed all the same."""

    def __init__(self, keyring: Keyring, shield: Shield) -> None:
        self.dictionary: Dictionary | None = None
        self._keyring = keyring
        self._shield = shield
        self._named = ""

    def heed(self, settings: Mapping[str, str], fetch: Callable[[int], bytes | None]) -> None:
        """Take what ``settings`` name; ``fetch`` reads a dictionary, or gives None where it cannot be had now."""
        named = settings.get(DICTIONARY, "")
        if named == self._named:
            return
        # From here on not the old one: it may be gone, with the journal that held it.
        self.dictionary, self._named = None, ""
        number, _, id_ = named.partition("|")
        data = fetch(int(number)) if number.isdecimal() else None
        if data is None:
            return
        self._named = named
        try:
            found = open_dictionary(data, self._keyring)
        except Undecodable as error:
            self._shield.tell("dictionary", error, detail=str(error))
            return
        if found.id.hex() == id_:
            self.dictionary = found
