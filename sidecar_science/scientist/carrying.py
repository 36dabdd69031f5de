"""What goes along when an observation is pickled: as much as can be, and never an error about the rest.

Test runners pickle errors to bring them to another process, and the values of an experiment are whatever
the code under test gives: locks, cursors, classes made inside a function. So each is pickled by itself.
"""

from __future__ import annotations

import pickle
from typing import Any

import attrs


@attrs.frozen(repr=False)
class LeftBehind:
    """Stands for a value that could not be pickled, or not be made again from its pickle."""

    type_name: str

    def __repr__(self) -> str:
        return f"<left behind: a value of {self.type_name}>"


def pack(value: Any) -> bytes | None:
    """``value`` pickled; None when it has no pickle."""
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001 - pickling calls code of any class, which may fail in any way
        return None


def unpack(packed: bytes | None, otherwise: Any) -> Any:
    """The value that was packed; ``otherwise`` when it was not, or cannot be made again here."""
    if packed is None:
        return otherwise
    try:
        return pickle.loads(packed)  # noqa: S301 - it came inside a pickle that somebody chose to load
    except Exception:  # noqa: BLE001 - as in `pack`
        return otherwise
