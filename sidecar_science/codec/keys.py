"""The keys of an installation: which sign and verify, which encrypt and decrypt, and how a secret is fingerprinted.

Several keys may be given, newest first. The first one signs and encrypts; any of them verifies and decrypts, which is
what lets keys be changed while jobs are under way.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sidecar_science.errors import Undecodable, UsageError

if TYPE_CHECKING:
    from sidecar_science.codec.encryption import Cipher

MIN_KEY_LENGTH = 16
KEY_ID_SIZE = 4
MAC_SIZE = 32

Fingerprint = Callable[[bytes], str]


class Keyring:
    """Signing keys and encryption keys, each newest first, for one ``namespace``.

    The namespace is part of everything that is signed, encrypted or fingerprinted: what was made for one namespace
    has no meaning in another, though both may have the same keys. Raises `UsageError` for a key shorter than 16
    characters, and for encryption keys where the library they need is missing.
    """

    def __init__(self, signing: Sequence[str] = (), encryption: Sequence[str] = (), namespace: str = "") -> None:
        self._namespace = namespace
        self._context = _framed(namespace.encode())
        self._signing = [_Signer(key, self._context) for key in _checked(signing, "signing")]
        self._ciphers = [_cipher(key, self._context) for key in _checked(encryption, "encryption")]
        self._by_namespace = _fingerprinter(b"", self._context)

    @property
    def signs(self) -> bool:
        """Whether there is a signing key: then what is not signed by a known one is refused."""
        return bool(self._signing)

    @property
    def encrypts(self) -> bool:
        """Whether there is an encryption key."""
        return bool(self._ciphers)

    def sign(self, data: bytes) -> tuple[bytes, bytes]:
        """The newest key's id (4 bytes) and its MAC of ``data`` (32 bytes). Raises `UsageError` without a key."""
        if not self._signing:
            raise UsageError("nothing can be signed: no signing key is configured (SIDECAR_SIGNING_KEY)")
        newest = self._signing[0]
        return newest.id, newest.mac(data)

    def verify(self, key_id: bytes, mac: bytes, data: bytes) -> bool:
        """Whether ``mac`` was made of ``data`` by one of our keys, the one with ``key_id``."""
        return any(hmac.compare_digest(signer.mac(data), mac) for signer in self._signing if signer.id == key_id)

    def fingerprint(self, data: bytes) -> str:
        """16 hex characters that tell equal from different without telling what ``data`` is.

        Keyed by the newest signing key. Without one it is keyed by the namespace alone, which is no secret: whoever
        reads the journal can then try out guesses.
        """
        return (self._signing[0].fingerprint if self._signing else self._by_namespace)(data)

    def for_job(self, key_id: bytes) -> Fingerprint:
        """The fingerprint function of the process that signed with ``key_id`` (b"": it did not sign).

        Secrets of B are compared with secrets that A recorded, perhaps under an older key. An id that we have no key
        for gives fingerprints that equal nothing A recorded.
        """
        for signer in self._signing:
            if signer.id == key_id:
                return signer.fingerprint
        return self._by_namespace

    def encrypt(self, data: bytes, associated: bytes) -> tuple[bytes, bytes, bytes]:
        """The newest encryption key's id, a fresh nonce and the sealed ``data``; ``associated`` is authenticated."""
        newest = self._ciphers[0]
        nonce, sealed = newest.encrypt(data, associated + newest.id)
        return newest.id, nonce, sealed

    def decrypt(self, key_id: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """What `encrypt` was given. Raises `Undecodable` where no key of ours opens it."""
        for cipher in self._ciphers:
            if cipher.id == key_id:
                opened = cipher.decrypt(nonce, sealed, associated + key_id)
                if opened is not None:
                    return opened
        have = f"{len(self._ciphers)} encryption key(s) configured" if self._ciphers else "none is configured"
        raise Undecodable(f"no encryption key opens this envelope (key id {key_id.hex()}; {have})")


class _Signer:
    """One signing key."""

    def __init__(self, key: str, context: bytes) -> None:
        self._key = key.encode()
        self._context = b"sidecar envelope\0" + context
        self.id = hashlib.sha256(b"id" + self._key).digest()[:KEY_ID_SIZE]
        self.fingerprint = _fingerprinter(self._key, context)

    def mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, self._context + data, "sha256")


def _fingerprinter(key: bytes, context: bytes) -> Fingerprint:
    derived = hmac.digest(key, b"sidecar fingerprint\0" + context, "sha256")

    def fingerprint(data: bytes) -> str:
        return hashlib.blake2b(data, digest_size=8, key=derived).hexdigest()

    return fingerprint


def _cipher(key: str, context: bytes) -> Cipher:
    try:
        from sidecar_science.codec.encryption import Cipher
    except ImportError as error:
        raise UsageError(
            "an encryption key is configured and the library it needs is missing: "
            "pip install sidecar-science[encryption]"
        ) from error
    return Cipher(key, context)


def _checked(keys: Sequence[str], kind: str) -> Sequence[str]:
    if isinstance(keys, str):
        keys = (keys,)
    for position, key in enumerate(keys, start=1):
        if len(key) < MIN_KEY_LENGTH:
            raise UsageError(
                f"{kind} key {position} has {len(key)} characters and needs at least {MIN_KEY_LENGTH}; "
                'make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
    return keys


def _framed(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
