"""Dictionaries in the journal: kept by the B side, read by both."""

from __future__ import annotations

from sidecar_science.codec.compression import Dictionary, train
from sidecar_science.codec.envelope import seal_dictionary
from sidecar_science.codec.keys import Keyring
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.testing import FakeClock
from tests.journal.steps import fill, joined
from tests.twins import MemoryTwin, Twin

KEYRING = Keyring(["a signing key of ours"], namespace="n")


def trained(what: str) -> Dictionary:
    """A dictionary for texts of one kind."""
    made = train([f"{what} number {n} of many that are much alike: {n * 7919}".encode() for n in range(300)], 1024)
    assert made is not None
    return made


def test_the_first_one_under_a_number_stays(journal_twin: Twin) -> None:
    """Two workers that have trained one at once do not take each other's place."""
    journal = joined(journal_twin)

    assert [journal.keep_dictionary(1, b"\x00one"), journal.keep_dictionary(1, b"two")] == [True, False]

    assert dict(journal.dictionaries()) == {1: b"\x00one"}
    assert [journal_twin.log().dictionary(number) for number in (1, 2)] == [b"\x00one", None]


def test_a_new_one_is_named_to_the_apps(journal_twin: Twin) -> None:
    """They learn of it from the settings that they read anyway."""
    journal = joined(journal_twin)
    first, second = trained("letter"), trained("invoice")
    dictionaries = Dictionaries(journal, KEYRING)

    assert [dictionaries.keep(first), dictionaries.keep(second)] == [True, True]

    assert journal_twin.log().settings()["dictionary"] == f"2|{second.id.hex()}"
    assert dictionaries.newest is second
    assert {dictionaries.get(each.id) for each in (first, second)} == {first, second}


def test_one_that_is_not_known_is_looked_for_once_a_second() -> None:
    """A worker that lacks one finds what another worker has kept meanwhile."""
    clock, journal, dictionary = FakeClock(), joined(MemoryTwin()), trained("letter")
    dictionaries = Dictionaries(journal, KEYRING, clock)
    assert dictionaries.get(dictionary.id) is None
    journal.keep_dictionary(1, seal_dictionary(dictionary, KEYRING))

    assert dictionaries.get(dictionary.id) is None
    clock.advance(1.0)

    found = dictionaries.get(dictionary.id)
    assert found is not None
    assert found.data == dictionary.data


def test_one_that_nobody_of_ours_has_made_is_none() -> None:
    """Whoever can write to Redis gives nobody a dictionary."""
    journal, dictionary = joined(MemoryTwin()), trained("letter")
    journal.keep_dictionary(1, seal_dictionary(dictionary, Keyring()))
    dictionaries = Dictionaries(journal, KEYRING)

    assert dictionaries.get(dictionary.id) is None
    assert dictionaries.count == 1


def test_an_export_takes_them_along(journal_twin: Twin) -> None:
    """Entries need them where they go; those that are there already are not kept twice."""
    journal = joined(journal_twin)
    journal.keep_dictionary(1, b"\x00ours")
    fill(journal_twin, "a")
    lines = list(journal.export())
    there = MemoryTwin()
    joined(there).keep_dictionary(1, b"theirs")

    assert [there.journal().import_(lines), there.journal().import_(lines)] == [1, 1]

    assert dict(there.journal().dictionaries()) == {1: b"theirs", 2: b"\x00ours"}


def test_what_is_imported_brings_its_dictionaries(journal_twin: Twin) -> None:
    """Into either twin."""
    source = MemoryTwin()
    joined(source).keep_dictionary(3, b"\x00theirs")
    fill(source, "a")
    journal = joined(journal_twin)

    journal.import_(source.journal().export())

    assert dict(journal.dictionaries()) == {1: b"\x00theirs"}
