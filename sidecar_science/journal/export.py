"""The journal as lines of text, for moving recorded traffic between places: JSON Lines, one entry a line.

The first line says what it is: ``{"sidecar": 1, "partitions": 64}``. The dictionaries that entries may need come
next. An entry keeps its bytes, and with them its
producer, partition and sequence, which are signed; so it can only go where there are as many partitions, and it comes
at the end of them, under a new entry id.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sidecar_science.errors import UsageError
from sidecar_science.journal.records import Entry, Waiting

FORMAT: Final = 1
BATCH: Final = 200


def head(partitions: int) -> bytes:
    """The first line."""
    return _line({"sidecar": FORMAT, "partitions": partitions})


def line(entry: Waiting) -> bytes:
    """An entry's line."""
    data = base64.b64encode(entry.data).decode()
    return _line({"partition": entry.partition, "entry": entry.entry, "data": data})


def dictionary_line(data: bytes) -> bytes:
    """The line of a dictionary: entries that follow may need it."""
    return _line({"dictionary": base64.b64encode(data).decode()})


def entries(lines: Iterable[bytes | str], partitions: int, keep: Callable[[bytes], object]) -> Iterator[Entry]:
    """The entries of an export; ``keep`` takes its dictionaries.

    Raises `UsageError` for what is none, and for one of another number of partitions.
    """
    numbered = enumerate(lines, 1)
    first = _read(*next(numbered, (1, b"")))
    if first.get("sidecar") != FORMAT:
        raise UsageError(
            f"line 1 does not begin an export of version {FORMAT}: this is no export, or of a later release"
        )
    if first.get("partitions") != partitions:
        raise UsageError(
            f"the export has {first.get('partitions')} partitions, and this journal {partitions}; they are signed for"
            " their partition, so take a namespace with as many"
        )
    for number, text in numbered:
        told = _read(number, text)
        try:
            if "dictionary" in told:
                keep(base64.b64decode(told["dictionary"], validate=True))
                continue
            data = base64.b64decode(told["data"], validate=True)
            partition = int(told["partition"])
        except (KeyError, TypeError, ValueError):
            raise _unreadable(number) from None
        if not 0 <= partition < partitions:
            raise _unreadable(number)
        yield Entry(partition=partition, data=data)


class Tally:
    """What an import stands for as a producer: the same entries again are the same one."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = hashlib.blake2b(digest_size=8)

    def add(self, batch: Iterable[Entry]) -> None:
        for entry in batch:
            self.count += 1
            self._digest.update(hashlib.blake2b(entry.data, digest_size=16).digest())

    @property
    def producer(self) -> str:
        return f"import-{self._digest.hexdigest()}"

    @property
    def accounts(self) -> dict[str, Any]:
        return {"called": self.count, "recorded": self.count}


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _read(number: int, text: bytes | str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        raise _unreadable(number) from None
    if not isinstance(told, dict):
        raise _unreadable(number)
    return told


def _unreadable(number: int) -> UsageError:
    return UsageError(f"line {number} is none of an export; nothing from it on was imported: is the file whole?")
