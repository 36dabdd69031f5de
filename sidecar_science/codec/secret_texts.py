"""The texts that give a secret away: all text in it, and the parts of credentials that are used by themselves."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from typing import Any

from sidecar_science.codec.rebuilding import parts
from sidecar_science.codec.values import MAX_NODES
from sidecar_science.errors import TooLarge

SHORTEST = 4  # shorter ones stand in too many words

_LEAST_NUMBER = 100_000
_MOST_BITS = 256
_LONG_USER = 16
_SCHEMES = frozenset(("basic", "bearer", "token", "apikey", "jwt"))


def texts(values: Iterable[Any]) -> Iterator[str]:
    """All texts of 4 characters or more in ``values``, at any depth, and numbers of 6 digits or more.

    Raises `TooLarge` for what contains itself.
    """
    waiting = list(values)
    seen = 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > MAX_NODES:
            raise TooLarge("nodes", MAX_NODES)
        text = _text(value)
        if text is None:
            waiting.extend(parts(value))
        else:
            yield from (piece for piece in _pieces(text) if len(piece) >= SHORTEST)


def _text(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is io.BytesIO or kind is io.StringIO:
        value = value.getvalue()
        kind = type(value)
    if kind is bytes or kind is bytearray:
        return bytes(value).decode("utf-8", "ignore")
    if kind is int and abs(value) >= _LEAST_NUMBER and value.bit_length() <= _MOST_BITS:
        return str(value)
    return None


def _pieces(text: str) -> Iterator[str]:
    yield text
    yield text.strip()
    scheme, _, credentials = text.strip().partition(" ")
    if scheme.lower() in _SCHEMES:
        yield credentials.strip()
    if scheme.lower() == "basic":
        yield from user_and_password(_from_base64(credentials))
    for pair in text.split(";"):  # of a cookie
        _, _, value = pair.partition("=")
        if len(value.strip()) >= 2 * SHORTEST:
            yield value.strip()


def user_and_password(credentials: str) -> list[str]:
    """``user:password`` whole, the password, and the user where that is more likely a key than a name."""
    user, _, password = credentials.partition(":")
    secret = [credentials, password]
    return [*secret, user] if not password or len(user) >= _LONG_USER else secret


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).decode("utf-8", "ignore")
    except ValueError:
        return ""
