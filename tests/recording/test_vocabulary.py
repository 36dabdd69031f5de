"""The dictionary that an app compresses with: it follows the settings, and does without whenever it has to."""

from __future__ import annotations

import pytest

from sidecar_science.codec.compression import train
from sidecar_science.codec.envelope import seal_dictionary
from sidecar_science.codec.keys import Keyring
from sidecar_science.recording.vocabulary import Vocabulary

KEYRING = Keyring(["a signing key of ours"])
FIRST, SECOND = (
    train([f"{what} number {n}, much like the others {n * 7919}".encode() for n in range(300)], 1024)
    for what in ("letter", "invoice")
)


class Told:
    """A shield that remembers."""

    def __init__(self):
        self.told = []

    def tell(self, operation, error, **facts):
        self.told.append(operation)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def vocabulary(told):
    return Vocabulary(KEYRING, told)


def named(number, dictionary):
    return {"dictionary": f"{number}|{dictionary.id.hex()}"}


def test_the_dictionary_that_is_named_is_taken(vocabulary):
    """And fetched once."""
    fetched = []

    def fetch(number):
        fetched.append(number)
        return seal_dictionary(FIRST, KEYRING)

    for _ in range(3):
        vocabulary.heed(named(1, FIRST), fetch)

    assert vocabulary.dictionary.id == FIRST.id
    assert fetched == [1]


def test_a_newer_one_takes_its_place_and_none_takes_it_away(vocabulary):
    """After a flush of Redis nothing that was there is used any more."""
    vocabulary.heed(named(1, FIRST), lambda _: seal_dictionary(FIRST, KEYRING))

    vocabulary.heed(named(2, SECOND), lambda _: seal_dictionary(SECOND, KEYRING))
    assert vocabulary.dictionary.id == SECOND.id

    vocabulary.heed({}, lambda _: None)
    assert vocabulary.dictionary is None


def test_what_cannot_be_had_now_is_tried_again(vocabulary):
    """Jobs are compressed without one meanwhile."""
    vocabulary.heed(named(1, FIRST), lambda _: None)
    assert vocabulary.dictionary is None

    vocabulary.heed(named(1, FIRST), lambda _: seal_dictionary(FIRST, KEYRING))
    assert vocabulary.dictionary.id == FIRST.id


def test_one_that_no_key_of_ours_signed_is_told_once_and_not_taken(vocabulary, told):
    """Whoever writes to Redis does not choose it."""
    for _ in range(3):
        vocabulary.heed(named(1, FIRST), lambda _: seal_dictionary(FIRST, Keyring()))

    assert vocabulary.dictionary is None
    assert told.told == ["dictionary"]


@pytest.mark.parametrize("name", ["off", "", "x|y", "1", "-1|ab", f"1|{'0' * 16}"])
def test_names_that_fit_nothing_are_followed_by_none(vocabulary, name):
    """One of them switches dictionaries off on purpose."""
    vocabulary.heed({"dictionary": name}, lambda _: seal_dictionary(FIRST, KEYRING))

    assert vocabulary.dictionary is None
