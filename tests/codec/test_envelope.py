"""The bytes around a job."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec import envelope
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.errors import Undecodable, UnsupportedVersion, WrongSignature

from . import golden
from .sameness import same
from .shop import CLASSES

KEY, OLD_KEY, LOCK = "a signing key of ours", "an old signing key", "an encryption key"
OPEN = Keyring(namespace="shop")
SIGNED = Keyring([KEY], namespace="shop")
LOCKED = Keyring(encryption=[LOCK], namespace="shop")
BOTH = Keyring([KEY], [LOCK], "shop")


@given(st.binary(max_size=100), st.binary(max_size=2000), st.sampled_from([OPEN, SIGNED, LOCKED, BOTH]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_what_is_opened_is_what_was_sealed(header, body, keyring, compress):
    """With and without signature, encryption and compression."""
    opened = envelope.open(envelope.seal(header, body, keyring, compress=compress), keyring)

    assert (opened.header, opened.body) == (header, body)


def test_who_signed_is_told():
    """The id is that of the key that vouches for the envelope, and empty where nobody checks."""
    sealed = envelope.seal(b"h", b"b", Keyring([OLD_KEY], namespace="shop"))
    expected, _ = Keyring([OLD_KEY]).sign(b"")

    assert envelope.open(sealed, Keyring([KEY, OLD_KEY], namespace="shop")).key_id == expected
    assert envelope.open(sealed, OPEN).key_id == b""


@pytest.mark.parametrize(
    "keyring", [OPEN, LOCKED, Keyring([OLD_KEY], namespace="shop"), Keyring([KEY], namespace="bank")]
)
def test_with_a_signing_key_only_what_it_signed_is_read(keyring):
    """Unsigned, signed by another key, and signed for another namespace."""
    with pytest.raises(WrongSignature):
        envelope.open(envelope.seal(b"h", b"b", keyring), SIGNED)


@pytest.mark.parametrize("keyring", [SIGNED, BOTH])
def test_every_change_to_a_signed_envelope_is_noticed(keyring):
    """No byte can be changed, none left out and none added."""
    sealed = envelope.seal(b"header", b"body" * 200, keyring)

    for place in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[place] ^= bit
            with pytest.raises(Undecodable):
                envelope.open(bytes(changed), keyring)
        with pytest.raises(Undecodable):
            envelope.open(sealed[:place], keyring)
    with pytest.raises(Undecodable):
        envelope.open(sealed + b"\0", keyring)


def test_every_change_to_an_encrypted_envelope_is_noticed():
    """Encryption alone protects the header and the flags too."""
    sealed = envelope.seal(b"header", b"body" * 200, LOCKED)

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Undecodable):
            envelope.open(bytes(changed), LOCKED)


@given(st.sampled_from([OPEN, LOCKED]), st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_undecodable_or_another_envelope(keyring, data):
    """Without a signature a damaged envelope may be read as another one, and raises nothing else."""
    damaged = bytearray(envelope.seal(b"header", b"body" * 200, keyring))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(Undecodable):
        envelope.open(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), keyring)


@given(st.binary(max_size=100))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_undecodable(data):
    """Random bytes, with and without our beginning."""
    for start in (b"", envelope.MAGIC, envelope.MAGIC + b"\x01"):
        for keyring in (OPEN, BOTH):
            with contextlib.suppress(Undecodable):
                envelope.open(start + data, keyring)


def test_encryption_hides_the_body_and_not_the_header():
    """What partitions and order need is in the clear."""
    sealed = envelope.seal(b"in the clear", b"a secret body", LOCKED)

    assert b"in the clear" in sealed
    assert b"secret" not in sealed


def test_an_envelope_in_the_clear_is_still_read_by_who_has_an_encryption_key():
    """That is how encryption is introduced: readers first, then writers."""
    assert envelope.open(envelope.seal(b"h", b"b", SIGNED), BOTH).body == b"b"


def test_an_encrypted_envelope_needs_the_key():
    """Its signature may be right and its body closed."""
    with pytest.raises(Undecodable, match="none is configured"):
        envelope.open(envelope.seal(b"h", b"b", BOTH), SIGNED)


def test_a_later_version_is_told_apart_from_damage():
    """The worker needs an upgrade, and says so."""
    later = envelope.MAGIC + b"\x02" + b"whatever it holds"

    with pytest.raises(UnsupportedVersion, match=r"envelope version 2; .* up to version 1") as raised:
        envelope.open(later, SIGNED)

    assert raised.value.version == 2


def test_unknown_flags_are_refused():
    """A flag of a later release changes what the rest means."""
    with pytest.raises(Undecodable, match="0x20"):
        envelope.open(envelope.MAGIC + b"\x01\x20" + bytes(8), OPEN)


def test_sizes_are_checked_before_anything_is_cut():
    """The header of an envelope cannot claim more than there is."""
    sealed = bytearray(envelope.seal(b"h", b"b", OPEN))
    sealed[4:8] = b"\xff\xff\xff\xff"

    with pytest.raises(Undecodable, match="states"):
        envelope.open(bytes(sealed), OPEN)


# -- compression -----------------------------------------------------------------------------------------------------


def test_a_body_is_compressed_where_that_saves_a_tenth():
    """Small and random bodies are left as they are."""
    random = b"".join(zlib.crc32(bytes([n, n >> 8])).to_bytes(4, "big") for n in range(250))
    sizes = {body: len(envelope.seal(b"", body, OPEN)) for body in (b"x" * 512, b"x" * 10_000, random)}

    assert sizes[b"x" * 512] > 512
    assert sizes[b"x" * 10_000] < 200
    assert sizes[random] > 1000
    assert len(envelope.seal(b"", b"x" * 10_000, OPEN, compress=False)) > 10_000


def compressed(body):
    """An envelope that says that it is compressed as earlier releases did, of any body."""
    sealed = bytearray(envelope.seal(b"", body, OPEN, compress=False))
    sealed[3] |= envelope.DEFLATED
    return bytes(sealed)


def test_a_bomb_is_not_inflated():
    """Half a megabyte that would become half a gigabyte stops at the bound."""
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(70)) + packer.flush()

    with pytest.raises(Undecodable, match="larger than 67,108,864"):
        envelope.open(compressed(bomb), OPEN)


@pytest.mark.parametrize("body", [b"", b"not zlib", zlib.compress(b"x" * 100)[:-1], zlib.compress(b"x") + b"more"])
def test_a_damaged_compressed_body_is_undecodable(body):
    """Cut short, followed by something, or no such thing at all."""
    with pytest.raises(Undecodable, match="compressed body"):
        envelope.open(compressed(body), OPEN)


# -- golden files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden.FLAVORS)
def test_envelopes_of_released_versions_are_read_bit_for_bit(name):
    """What a released version wrote is read by every later one."""
    keyring, _ = golden.FLAVORS[name]

    opened = envelope.open(golden.read(name), keyring)

    assert (opened.header, opened.body) == (golden.HEADER, golden.BODY)
    assert bool(opened.key_id) == keyring.signs


@pytest.mark.parametrize("name", ["v1-plain", "v1-signed"])
def test_envelopes_are_written_bit_for_bit_as_released(name):
    """Where nothing is random, writers of one version write the same."""
    keyring, _ = golden.FLAVORS[name]

    assert envelope.seal(golden.HEADER, golden.BODY, keyring, compress=False) == golden.read(name)


def test_values_of_released_versions_are_read():
    """One of every type."""
    assert same(Codec(classes=CLASSES).decode(golden.read("v1-values")), golden.VALUES)


def test_values_are_written_bit_for_bit_as_released():
    """The form of a value is what its fingerprint is made of: it does not change."""
    assert Codec(classes=CLASSES).encode(golden.VALUES) == golden.read("v1-values")
