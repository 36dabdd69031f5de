"""Instants as text: RFC 3339 in UTC, of one length, so that the earlier of two is the lesser text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def rfc3339(seconds: float) -> str:
    """``seconds`` since the epoch as ``2026-11-23T02:00:00.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> str:
    """``text``, which must be what `rfc3339` gives; raises ValueError otherwise."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an instant such as 2026-11-23T02:00:00.123Z")
    return text
