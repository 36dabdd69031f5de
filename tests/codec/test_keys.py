"""Keys that sign, verify, encrypt, decrypt and fingerprint."""

from __future__ import annotations

import sys

import pytest

from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable, UsageError

OLD, NEW = "the old signing key", "the new signing key"
LOCK, OLD_LOCK = "the encryption key", "an old encryption key"


def test_the_newest_key_signs_and_every_key_verifies():
    """A key that is rotated out of signing still vouches for what it signed."""
    before, after = Keyring([OLD]), Keyring([NEW, OLD])
    key_id, mac = before.sign(b"data")

    assert after.verify(key_id, mac, b"data")
    assert after.sign(b"data")[0] != key_id
    assert not Keyring([NEW]).verify(key_id, mac, b"data")


def test_a_mac_is_of_its_data_its_key_and_its_namespace():
    """Other data, another key and another namespace give another one."""
    key_id, mac = Keyring([OLD], namespace="shop").sign(b"data")

    assert (len(key_id), len(mac)) == (4, 32)
    assert not Keyring([OLD], namespace="shop").verify(key_id, mac, b"date")
    assert not Keyring([OLD], namespace="shop").verify(key_id, mac[:-1], b"data")
    assert not Keyring([OLD], namespace="bank").verify(key_id, mac, b"data")
    assert not Keyring([NEW], namespace="shop").verify(key_id, mac, b"data")


def test_a_namespace_cannot_be_moved_into_the_data():
    """Where the one ends and the other begins is part of what is signed."""
    key_id, mac = Keyring([OLD], namespace="shop").sign(b"1")

    assert not Keyring([OLD], namespace="sho").verify(key_id, mac, b"p1")


def test_one_key_may_be_given_as_text():
    """A key alone is a ring of one."""
    assert Keyring(OLD).sign(b"x") == Keyring([OLD]).sign(b"x")


def test_a_ring_tells_what_it_can_do():
    """Nothing is signed or encrypted without a key."""
    assert (Keyring().signs, Keyring().encrypts) == (False, False)
    assert (Keyring([OLD], [LOCK]).signs, Keyring([OLD], [LOCK]).encrypts) == (True, True)


def test_signing_without_a_key_says_what_is_missing():
    """The error names the setting."""
    with pytest.raises(UsageError, match="SIDECAR_SIGNING_KEY"):
        Keyring().sign(b"x")


@pytest.mark.parametrize("keys", [{"signing": [OLD, "short"]}, {"encryption": ["e" * 15]}, {"signing": [""]}])
def test_a_short_key_is_refused_and_not_quoted(keys):
    """The message says which one, how long it is, and how to make a better one."""
    with pytest.raises(UsageError, match=r"at least 16.*token_urlsafe") as raised:
        Keyring(**keys)

    assert not any(key and key in str(raised.value) for key in next(iter(keys.values())))


def test_a_ring_does_not_print_its_keys():
    """Neither as text nor in its attributes' own."""
    ring = Keyring([OLD], [LOCK])

    assert OLD not in repr(ring) + repr(vars(ring))
    assert LOCK not in repr(ring) + repr(vars(ring))


# -- fingerprints ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_tells_equal_from_different():
    """Sixteen hex digits, by key and namespace."""
    ring = Keyring([OLD], namespace="shop")

    assert ring.fingerprint(b"secret") == Keyring([OLD], namespace="shop").fingerprint(b"secret")
    assert len(ring.fingerprint(b"secret")) == 16
    others = [Keyring([NEW], namespace="shop"), Keyring([OLD], namespace="bank"), Keyring(namespace="shop")]
    assert len({each.fingerprint(b"secret") for each in (ring, *others)} | {ring.fingerprint(b"other")}) == 5


def test_fingerprints_without_a_key_are_the_same_in_every_process_of_a_namespace():
    """They compare, though they hide nothing from who can guess."""
    assert Keyring(namespace="shop").fingerprint(b"x") == Keyring(namespace="shop").fingerprint(b"x")
    assert Keyring(namespace="shop").fingerprint(b"x") != Keyring(namespace="bank").fingerprint(b"x")


def test_a_job_signed_before_rotation_is_fingerprinted_as_then():
    """B's secrets compare with those of a job that was recorded under an older key."""
    before, after = Keyring([OLD], namespace="shop"), Keyring([NEW, OLD], namespace="shop")
    key_id, _ = before.sign(b"job")

    assert after.for_job(key_id)(b"secret") == before.fingerprint(b"secret")
    assert after.for_job(after.sign(b"job")[0])(b"secret") == after.fingerprint(b"secret")


def test_a_job_that_nobody_signed_is_fingerprinted_by_the_namespace():
    """A side without keys and a side that gained one agree about the old jobs."""
    assert Keyring([NEW], namespace="n").for_job(b"")(b"x") == Keyring(namespace="n").fingerprint(b"x")


# -- encryption ------------------------------------------------------------------------------------------------------


def test_the_newest_key_encrypts_and_every_key_decrypts():
    """Rotation of encryption keys works as that of signing keys."""
    key_id, nonce, sealed = Keyring(encryption=[OLD_LOCK]).encrypt(b"body", b"header")

    assert Keyring(encryption=[LOCK, OLD_LOCK]).decrypt(key_id, nonce, sealed, b"header") == b"body"
    assert Keyring(encryption=[LOCK, OLD_LOCK]).encrypt(b"body", b"header")[0] != key_id


def test_no_nonce_is_used_twice():
    """The same body looks different every time."""
    ring = Keyring(encryption=[LOCK])

    assert len({ring.encrypt(b"body", b"")[1] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("ring", "associated"),
    [
        (Keyring(encryption=[OLD_LOCK]), b"header"),
        (Keyring(), b"header"),
        (Keyring(encryption=[LOCK], namespace="other"), b"header"),
        (Keyring(encryption=[LOCK]), b"another header"),
    ],
)
def test_without_the_key_the_namespace_and_the_header_nothing_is_opened(ring, associated):
    """Each of them is needed."""
    key_id, nonce, sealed = Keyring(encryption=[LOCK]).encrypt(b"body", b"header")

    with pytest.raises(Undecodable, match="encryption key"):
        ring.decrypt(key_id, nonce, sealed, associated)


def test_a_missing_library_is_named(monkeypatch):
    """Encryption is an extra, and the error says how to get it."""
    monkeypatch.setitem(sys.modules, "sidecar_science.codec.encryption", None)

    with pytest.raises(UsageError, match=r"pip install sidecar-science\[encryption\]"):
        Keyring(encryption=[LOCK])
    assert Keyring([OLD]).signs
