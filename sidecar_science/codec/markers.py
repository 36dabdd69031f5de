"""What stands in plain data for a value that was not kept: a secret, something too large, something unknown.

Markers are compared by content: two `Secret` with the same fingerprint stand for the same secret.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Secret:
    """A value that is kept only as a keyed fingerprint (16 hex characters)."""

    fingerprint: str

    def __str__(self) -> str:
        return f"<secret {self.fingerprint[:8]}>"


@attrs.frozen
class Oversize:
    """A value too large to keep: its digest (hex, or None where nobody took one), its size in bytes, how it begins."""

    digest: str | None
    size: int
    preview: str

    def __str__(self) -> str:
        return f"<{self.size:,} bytes: {self.preview}>"


@attrs.frozen
class Opaque:
    """An object that nobody told us how to project, known by the name of its type only."""

    type_name: str

    def __str__(self) -> str:
        return f"<{self.type_name}>"
