"""What may be an id, and where in a text one stands: whole words, never a part of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

LONGEST: Final = 200
"""Characters of the longest text that is taken for an id."""

_TELLING: Final = 16
_TELLING_DIGITS: Final = 15
_DISTINCT: Final = 6
_LONGEST_TEXT: Final = 10_000
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OPAQUE = re.compile(r"[\w\-.~+=:]+", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})")
_WORD = re.compile(r"[\w\-~%@+]+(?:\.[\w\-~%@+]+)*")
# A name in a query stands before "=" and is no value of it.
_SEGMENT = re.compile(r"[^/?&=#;\s]+(?!=|[^/?&=#;\s])")


def text_of(value: Any) -> str | None:
    """The text of what may be an id: a whole number, a UUID or a text that is not long; else None."""
    kind = type(value)
    if kind is int:
        return str(value) if value.bit_length() <= 64 else None
    if kind is UUID:
        return str(value)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def like(value: Any, text: str) -> Any:
    """``text`` as an id of the type that ``value`` has; as text where it cannot be one."""
    if type(value) is int:
        return int(text) if _NUMBER.fullmatch(text) else text
    if type(value) is UUID:
        return UUID(text) if _UUID.fullmatch(text) else text
    return text


def is_telling(text: str) -> bool:
    """Whether this is an id wherever it stands: a UUID, or as long and mixed as nothing but an id is.

    ``5`` is one only where it is declared; it may be a count elsewhere.
    """
    if _UUID.fullmatch(text):
        return True
    if len(text) > LONGEST or _OPAQUE.fullmatch(text) is None:
        return False
    if text.isdigit():
        return len(text) >= _TELLING_DIGITS
    mixed = any(each.isdigit() for each in text) and any(each.isalpha() for each in text)
    return len(text) >= _TELLING and mixed and len(set(text)) >= _DISTINCT


def is_place(text: str) -> bool:
    """Whether a text is a URL, a path or a query, of which segments may be ids."""
    return len(text) <= _LONGEST_TEXT and ("/" in text or "?" in text) and not any(map(str.isspace, text))


def segments(text: str) -> Iterator[str]:
    """The segments of a URL's path and the values of its query, decoded."""
    return (unquote(found[0]) for found in _SEGMENT.finditer(text))


def with_segments(text: str, change: Callable[[str], str | None]) -> str:
    """``text`` with every segment for which ``change`` gives another one in place of it."""

    def changed(found: re.Match[str]) -> str:
        other = change(unquote(found[0]))
        return found[0] if other is None else quote(other, safe="")

    return _SEGMENT.sub(changed, text)


def same_words(one: str, other: str, stands_for: Callable[[str, str], bool]) -> bool:
    """Whether two texts are the same but for whole words of ``one`` that stand for those of ``other``."""
    if max(len(one), len(other)) > _LONGEST_TEXT or _WORD.split(one) != _WORD.split(other):
        return False
    words = zip(_WORD.findall(one), _WORD.findall(other), strict=True)
    return all(a == b or stands_for(unquote(a), unquote(b)) for a, b in words)


def differing_words(one: str, other: str) -> Iterator[tuple[str, str]]:
    """The words in which two texts of the same build differ."""
    if max(len(one), len(other)) > _LONGEST_TEXT or _WORD.split(one) != _WORD.split(other):
        return
    for a, b in zip(_WORD.findall(one), _WORD.findall(other), strict=True):
        if a != b:
            yield unquote(a), unquote(b)
