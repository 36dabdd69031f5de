"""Whose code is asking: the line of an adapter, and the library that it asks through."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Final

_OURS: Final = "sidecar_science"
# Libraries that carry other people's requests: the line to look at is in what called them.
_CARRIERS: Final = frozenset(
    {
        *("aiohappyeyeballs", "aiohttp", "anyio", "botocore", "gevent", "h11", "httpcore", "httpx"),
        *("redis", "requests", "sniffio", "urllib3", "wrapt"),
    }
)


def caller() -> str:
    """Such as "requests, called from shop.client (fetch, line 88)"; as much of it as can be told."""
    frame: FrameType | None = sys._getframe(1)
    through = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "?"))
        package = module.partition(".")[0]
        if package in _CARRIERS or (package in sys.stdlib_module_names and through not in _CARRIERS):
            through = package
        elif package != _OURS and package not in sys.stdlib_module_names:
            place = f"{module} ({frame.f_code.co_name}, line {frame.f_lineno})"
            return f"{through}, called from {place}" if through else place
        frame = frame.f_back
    return through or "a thread without a caller"
