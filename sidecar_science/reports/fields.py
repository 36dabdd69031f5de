"""The names under which a partition's hash holds what came of its jobs.

A name is the version of this layout, what is counted, and what for: ``1|outcome|matched|EXPERIMENT``. All of
them are listed in docs/report.md. Names that begin with ``@`` are the journal's own.
"""

from __future__ import annotations

from functools import lru_cache

VERSION = "1"
_SEPARATOR = "|"


@lru_cache(maxsize=4096)
def name(*parts: str | int) -> str:
    """The field of ``parts``, any of which may hold any text."""
    return _SEPARATOR.join((VERSION, *(_escaped(str(part)) for part in parts)))


def parts(field: str) -> list[str]:
    """What `name` was given for ``field``; raises ValueError where it is of another version."""
    version, *rest = field.split(_SEPARATOR)
    if version != VERSION or not rest:
        raise ValueError(f"field {field!r} is not of version {VERSION}")
    return [_unescaped(part) for part in rest]


def sendable(text: str) -> str:
    """``text`` with what has no UTF-8 form spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _escaped(part: str) -> str:
    return sendable(part).replace("%", "%25").replace(_SEPARATOR, "%7C")


def _unescaped(part: str) -> str:
    return part.replace("%7C", _SEPARATOR).replace("%25", "%")
