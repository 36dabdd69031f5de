"""What was set at run time, through the journal: whether anything is recorded, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

_ON: Final = frozenset(("1", "true", "yes", "on"))
_OFF: Final = frozenset(("0", "false", "no", "off"))
_ALL: Final = "sample"
_ONE: Final = "sample|"


@attrs.frozen(kw_only=True)
class Rates:
    """Shares from 0 to 1: ``of`` single experiments, and ``default`` for the others (None: as declared).

    ``unreadable`` are the names of settings that mean nothing.
    """

    enabled: bool = True
    default: float | None = None
    of: Mapping[str, float] = attrs.Factory(dict)
    unreadable: tuple[str, ...] = ()

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> Rates:
        """The rates in ``settings``. What cannot be read records nothing: it may have been meant as a brake."""
        shares = {name: _share(text) for name, text in settings.items() if name == _ALL or name.startswith(_ONE)}
        switch = settings.get("enabled", "on").strip().lower()
        wrong = [name for name, share in shares.items() if share is None]
        return cls(
            enabled=switch in _ON,
            default=(shares[_ALL] or 0.0) if _ALL in shares else None,
            of={name.removeprefix(_ONE): share or 0.0 for name, share in shares.items() if name != _ALL},
            unreadable=tuple(wrong if switch in _ON | _OFF else ["enabled", *wrong]),
        )


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0.0 <= share <= 1.0 else None
