"""The bytes around what is sent through the journal: a version, a signature, a header in the clear, a body.

Layout, integers big-endian; a field in brackets is there when its flag is set:

    magic 2 | version 1 | flags 1 | [signing key id 4 | mac 32] | [encryption key id 4 | nonce 12] | [dictionary id 8]
    | header size 4 | body size 4 | header | body

The body is compressed (by zstd; earlier releases took zlib), then encrypted. The MAC covers everything but itself;
encryption authenticates the header and the dictionary's id too.
"""

from __future__ import annotations

import struct
import zlib

import attrs

from sidecar_science.codec.compression import HEADER, ID_SIZE, PLAIN, Dictionary, Lookup
from sidecar_science.codec.keys import KEY_ID_SIZE, MAC_SIZE, Keyring
from sidecar_science.errors import Undecodable, UnknownDictionary, UnsupportedVersion, WrongSignature

MAGIC = b"\xc1S"  # 0xC1 is the one byte that never begins MessagePack, nor UTF-8 text
VERSION = 1

SIGNED, ENCRYPTED, DEFLATED, COMPRESSED, WITH_DICTIONARY = 1, 2, 4, 8, 16
_ALL_FLAGS = SIGNED | ENCRYPTED | DEFLATED | COMPRESSED | WITH_DICTIONARY
_COMPRESSIONS = {0, DEFLATED, COMPRESSED, COMPRESSED | WITH_DICTIONARY}

COMPRESS_ABOVE = 512
COMPRESS_WITH_DICTIONARY_ABOVE = 64
WORTH_IT = 0.9
MAX_BODY = 64 * 1024 * 1024

_NONCE_SIZE = 12
_SIZES = struct.Struct(">II")


@attrs.frozen
class Opened:
    """What was in an envelope. ``key_id`` is that of the signing key that vouches for it; b"" where none does."""

    header: bytes
    body: bytes
    key_id: bytes = b""


def seal(
    header: bytes, body: bytes, keyring: Keyring, *, compress: bool = True, dictionary: Dictionary | None = None
) -> bytes:
    """The envelope of ``header`` (readable by everybody) and ``body``, signed and encrypted as ``keyring`` can.

    ``compress`` allows a body to be compressed where that saves at least a tenth, with ``dictionary`` if there is one.
    """
    flags = (SIGNED if keyring.signs else 0) | (ENCRYPTED if keyring.encrypts else 0)
    named = b""
    if compress and len(body) > (COMPRESS_ABOVE if dictionary is None else COMPRESS_WITH_DICTIONARY_ABOVE):
        smaller = (dictionary or PLAIN).compress(body)
        if len(smaller) <= len(body) * WORTH_IT:
            flags, body = flags | COMPRESSED, smaller
            if dictionary is not None:
                flags, named = flags | WITH_DICTIONARY, dictionary.id
    start = MAGIC + bytes((VERSION, flags))
    rest = named
    if flags & ENCRYPTED:
        key_id, nonce, body = keyring.encrypt(body, _framed(start + named, header))
        rest = key_id + nonce + named
    rest += _SIZES.pack(len(header), len(body)) + header + body
    if flags & SIGNED:
        signing_id, mac = keyring.sign(start + rest)
        start += signing_id + mac
    return start + rest


def open(data: bytes, keyring: Keyring, dictionaries: Lookup = lambda _: None) -> Opened:
    """What `seal` was given; ``dictionaries`` finds the one that the envelope names.

    Raises `UnknownDictionary` where there is no such one, `WrongSignature` where ``keyring`` has signing keys and none
    of them made it, `UnsupportedVersion` for a version of a later release, and `Undecodable` for anything else that is
    not an envelope whole and readable here.
    """
    start, rest = _start(data)
    flags = start[3]
    key_id = b""
    if flags & SIGNED:
        stated, mac, rest = _cut(rest, KEY_ID_SIZE, MAC_SIZE)
        if keyring.signs:
            key_id = _verified(keyring, stated, mac, start + rest)
    elif keyring.signs:
        raise WrongSignature("the envelope is not signed, and a signing key is configured")
    encryption_id = nonce = b""
    if flags & ENCRYPTED:
        encryption_id, nonce, rest = _cut(rest, KEY_ID_SIZE, _NONCE_SIZE)
    named = b""
    if flags & WITH_DICTIONARY:
        named, _, rest = _cut(rest, ID_SIZE, 0)
    header, body = _contents(rest)
    if flags & ENCRYPTED:
        body = keyring.decrypt(encryption_id, nonce, body, _framed(start + named, header))
    if named:
        dictionary = dictionaries(named)
        if dictionary is None:
            raise UnknownDictionary(named, header, key_id)
        body = dictionary.decompress(body, MAX_BODY)
    elif flags & COMPRESSED:
        body = PLAIN.decompress(body, MAX_BODY)
    elif flags & DEFLATED:
        body = _inflated(body)
    return Opened(header, body, key_id)


def seal_dictionary(dictionary: Dictionary, keyring: Keyring) -> bytes:
    """A dictionary as it travels: signed and encrypted like the jobs that it holds pieces of."""
    return seal(HEADER, dictionary.data, keyring, compress=False)


def open_dictionary(data: bytes, keyring: Keyring) -> Dictionary:
    """What `seal_dictionary` was given. Raises `Undecodable` for anything else."""
    opened = open(data, keyring)
    if opened.header != HEADER:
        raise Undecodable("an envelope that holds no dictionary")
    return Dictionary(opened.body)


def _start(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < len(MAGIC) + 2 or data[:2] != MAGIC:
        raise Undecodable(f"not an envelope: {len(data)} bytes that do not begin as one")
    version, flags = data[2], data[3]
    if version != VERSION:
        raise UnsupportedVersion(version, VERSION)
    if flags & ~_ALL_FLAGS:
        raise Undecodable(f"an envelope with unknown flags {flags:#04x}")
    if flags & (DEFLATED | COMPRESSED | WITH_DICTIONARY) not in _COMPRESSIONS:
        raise Undecodable(f"an envelope with flags that contradict one another ({flags:#04x})")
    return data[:4], data[4:]


def _cut(data: bytes, first: int, second: int) -> tuple[bytes, bytes, bytes]:
    if len(data) < first + second:
        raise Undecodable("the envelope ends too early")
    return data[:first], data[first : first + second], data[first + second :]


def _verified(keyring: Keyring, key_id: bytes, mac: bytes, data: bytes) -> bytes:
    if not keyring.verify(key_id, mac, data):
        raise WrongSignature(f"no signing key of ours made this envelope (key id {key_id.hex()})")
    return key_id


def _contents(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < _SIZES.size:
        raise Undecodable("the envelope ends too early")
    header_size, body_size = _SIZES.unpack_from(data)
    end_of_header = _SIZES.size + header_size
    if len(data) != end_of_header + body_size:
        stated = _SIZES.size + header_size + body_size
        raise Undecodable(f"the envelope states {stated:,} bytes of contents and has {len(data):,}")
    return data[_SIZES.size : end_of_header], data[end_of_header:]


def _inflated(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise Undecodable(f"the compressed body is damaged: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise Undecodable(f"the compressed body is damaged, or larger than {MAX_BODY:,} bytes")
    return inflated


def _framed(start: bytes, header: bytes) -> bytes:
    return start + len(header).to_bytes(4, "big") + header
