"""Which calls must stay in order, and where they land: pure arithmetic on keys, the same in every process."""

from __future__ import annotations

import enum
import functools
import hashlib
import uuid
from typing import Any


def key_text(value: Any) -> str:
    """The canonical text of a key: `str`, `int`, `UUID`, `bytes`, an Enum member, or a tuple of them.

    ``1`` and ``"1"`` are one key, and so are an Enum member and its value. Raises `TypeError` for anything
    else.
    """
    if type(value) is str:
        return value
    if isinstance(value, enum.Enum):
        return _member_text(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, tuple):
        # Lengths keep ("a", "b,c") and ("a,b", "c") apart.
        return "(" + "".join(f"{len(part)}:{part}" for part in map(key_text, value)) + ")"
    raise TypeError(
        f"a key of type {type(value).__qualname__} cannot be used; expected str, int, UUID, bytes, an Enum"
        " member or a tuple of them: give key= a function that returns one"
    )


def key_digest(namespace: str, service: str | None, text: str) -> str:
    """32 hex characters that stand for the key ``text`` of ``service``, without showing it."""
    return _blake(b"key", namespace, service or "", text).hex()


def partition_of(service: str | None, key: str, partitions: int) -> int:
    """The partition where all that has ``key`` (a key's digest, or the id of a job that has none) lands."""
    return int.from_bytes(_blake(b"partition", service or "", key)) % partitions


def sample_point(namespace: str, text: str) -> float:
    """A number in [0, 1) for the key ``text``: its calls are recorded while it lies below the sampling rate.

    It depends on nothing else, so one entity is in or out everywhere, and a higher rate only adds entities.
    """
    hasher = _begun(b"sample", namespace).copy()
    hasher.update(_framed(text))
    return (int.from_bytes(hasher.digest()[:8]) >> 11) / 2**53


def _member_text(member: enum.Enum) -> str:
    try:
        return key_text(member.value)
    except TypeError:
        return member.name


def _blake(purpose: bytes, *texts: str) -> bytes:
    hasher = hashlib.blake2b(digest_size=16, person=purpose)
    for text in texts:
        hasher.update(_framed(text))
    return hasher.digest()


@functools.lru_cache(maxsize=16)
def _begun(purpose: bytes, namespace: str) -> hashlib.blake2b:
    """What is the same for every call, done once: sampling is on the caller's path."""
    hasher = hashlib.blake2b(digest_size=16, person=purpose)
    hasher.update(_framed(namespace))
    return hasher


def _framed(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(8) + raw
