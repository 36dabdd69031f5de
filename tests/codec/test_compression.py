"""Bodies made smaller, and the dictionaries that make them smaller still."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard

from sidecar_science.codec import envelope
from sidecar_science.codec.compression import LARGEST, PLAIN, Dictionary, train
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable, UnknownDictionary, WrongSignature

KEY, LOCK = "a signing key of ours", "an encryption key"
KEYRINGS = [Keyring(), Keyring([KEY]), Keyring(encryption=[LOCK]), Keyring([KEY], [LOCK])]


def body(seed):
    """What looks like one of a kind of bodies: much in common, and something of its own."""
    chance = random.Random(seed)
    words = ["apply", "council", "tax", "licence", "vehicle", "travel", "advice", "guidance"]
    item = {
        "content_id": f"{chance.getrandbits(128):032x}",
        "base_path": f"/{chance.choice(words)}",
        "title": " ".join(chance.choices(words, k=5)),
        "public_updated_at": "2026-03-01T09:30:00.000Z",
        "links": {"organisations": [f"{chance.getrandbits(64):016x}"]},
    }
    return json.dumps(item).encode()


BODIES = [body(seed) for seed in range(500)]
TRAINED = train(BODIES, 4096)
assert TRAINED is not None
FOUND = {TRAINED.id: TRAINED}.get


@pytest.mark.parametrize("keyring", KEYRINGS)
def test_what_was_compressed_with_a_dictionary_is_opened_with_it(keyring):
    """Signed or not, encrypted or not; and it takes less than half of what it takes without."""
    fresh = body("fresh")

    sealed = envelope.seal(b"header", fresh, keyring, dictionary=TRAINED)

    opened = envelope.open(sealed, keyring, FOUND)
    assert (opened.header, opened.body) == (b"header", fresh)
    assert len(TRAINED.compress(fresh)) < len(PLAIN.compress(fresh)) / 2


@pytest.mark.parametrize("keyring", KEYRINGS)
def test_without_its_dictionary_the_header_is_told_all_the_same(keyring):
    """Whoever keeps such an envelope has to know whose it is."""
    sealed = envelope.seal(b"header", body(1), keyring, dictionary=TRAINED)

    with pytest.raises(UnknownDictionary, match=TRAINED.id.hex()) as caught:
        envelope.open(sealed, keyring)

    assert caught.value.header == b"header"
    assert bool(caught.value.key_id) == keyring.signs


@pytest.mark.parametrize("keyring", KEYRINGS[1:])
def test_the_name_of_the_dictionary_cannot_be_changed(keyring):
    """It stands under the signature, and encryption vouches for it as well."""
    other = train(BODIES[:250], 2048)
    sealed = envelope.seal(b"header", body(1), keyring, dictionary=TRAINED)

    with pytest.raises(Undecodable):
        envelope.open(sealed.replace(TRAINED.id, other.id), keyring, {other.id: other}.get)


def test_a_body_that_states_too_much_is_not_decompressed():
    """A frame of a few bytes can state gigabytes: the statement is looked at first."""
    bomb = zstandard.ZstdCompressor(level=1).compress(bytes(65 * 1024 * 1024))

    with pytest.raises(Undecodable, match="above 67,108,864"):
        PLAIN.decompress(bomb, envelope.MAX_BODY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not zstd",
        PLAIN.compress(b"x" * 1000)[:-1],
        PLAIN.compress(b"x" * 1000) + b"more",
        zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 1000),
    ],
)
def test_a_damaged_body_is_undecodable(data):
    """Cut short, followed by something, of unknown size, or no such thing at all."""
    with pytest.raises(Undecodable, match="compressed body"):
        PLAIN.decompress(data, envelope.MAX_BODY)


def test_flags_that_contradict_one_another_are_refused():
    """Nobody compresses in two ways, or with a dictionary and not at all."""
    for flags in (envelope.DEFLATED | envelope.COMPRESSED, envelope.WITH_DICTIONARY):
        with pytest.raises(Undecodable, match="contradict"):
            envelope.open(envelope.MAGIC + bytes((envelope.VERSION, flags)) + bytes(16), Keyring())


@pytest.mark.parametrize("keyring", KEYRINGS)
def test_a_dictionary_travels_sealed(keyring):
    """It holds pieces of jobs, so it is signed and encrypted as they are."""
    sealed = envelope.seal_dictionary(TRAINED, keyring)

    assert envelope.open_dictionary(sealed, keyring).id == TRAINED.id
    assert (TRAINED.data in sealed) != keyring.encrypts


def test_nobody_elses_dictionary_is_taken():
    """One that no key of ours signed, a job's envelope in its place, and one that is too large."""
    signing = Keyring([KEY])

    with pytest.raises(WrongSignature):
        envelope.open_dictionary(envelope.seal_dictionary(TRAINED, Keyring()), signing)
    with pytest.raises(Undecodable, match="holds no dictionary"):
        envelope.open_dictionary(envelope.seal(b"header", TRAINED.data, signing), signing)
    with pytest.raises(Undecodable, match="expected 1 to"):
        Dictionary(bytes(LARGEST + 1))


def test_too_few_bodies_make_no_dictionary():
    """zstd refuses; that is no error of anybody's."""
    assert train([b"a"], 4096) is None


def test_threads_share_a_dictionary():
    """Each has its own of what zstd does not share."""
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: TRAINED.decompress(TRAINED.compress(one), 10_000), BODIES)) == BODIES
