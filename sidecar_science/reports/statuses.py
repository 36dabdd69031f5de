"""With what class of HTTP status a side answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NONE: Final = "none"


def answered(shown: Any) -> str:
    """``2xx`` and the like: of the last exchange of an observation, or of its error; ``none`` where neither tells."""
    if not isinstance(shown, Mapping):
        return NONE
    exchanges = shown.get("exchanges") or ()
    last = exchanges[-1] if exchanges else shown.get("error")
    status = last.get("status") if isinstance(last, Mapping) else None
    return f"{status // 100}xx" if type(status) is int and 100 <= status < 600 else NONE
