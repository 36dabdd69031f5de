"""Bodies that only a holder of the key can read: AES-256-GCM, with a key derived from what was configured."""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_SIZE = 12


class Cipher:
    """One encryption key. ``id`` (4 bytes) tells which one it is, not what it is."""

    def __init__(self, key: str, context: bytes) -> None:
        secret = key.encode()
        self.id = hashlib.sha256(b"encryption id" + secret).digest()[:4]
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sidecar encryption\0" + context)
        self._aes = AESGCM(derivation.derive(secret))

    def encrypt(self, data: bytes, associated: bytes) -> tuple[bytes, bytes]:
        """A fresh nonce and the sealed ``data``."""
        nonce = os.urandom(NONCE_SIZE)
        return nonce, self._aes.encrypt(nonce, data, associated)

    def decrypt(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        """What was sealed, or None where it was not sealed by this key or was changed."""
        try:
            return self._aes.decrypt(nonce, sealed, associated)
        except (InvalidTag, ValueError):
            return None
