"""What an exception says: its type, its message, and the status and body that came with it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sidecar_science.comparison import responses
from sidecar_science.comparison.plain import type_name

_LONGEST_MESSAGE = 8 * 1024
_STATUSES = ("status_code", "response.status_code", "code", "status", "http_status", "response_code")
_BODIES = ("errors", "body", "json_body", "response_body", "data")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")


def describe(error: BaseException) -> dict[str, Any]:
    """``{"type", "message", "status", "body"}``; the body as the exception holds it, not yet plain.

    The attributes of foreign exceptions may be properties that raise: then they count as absent.
    """
    return {
        "type": type_name(type(error)),
        "message": message_of(error),
        "status": _status(error),
        "body": _body(error),
    }


def message_of(error: BaseException) -> str:
    """``str(error)`` without memory addresses; beyond 8 KB its beginning, its length and a digest of the
    whole.
    """
    try:
        text = str.__str__(str(error))
    except Exception:  # noqa: BLE001 - the text of a foreign exception is foreign code
        return "<no message: str() of the exception raised>"
    text = _ADDRESS.sub("0x…", text)
    if len(text) <= _LONGEST_MESSAGE:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:_LONGEST_MESSAGE]}… ({len(text):,} characters, {digest})"


def _status(error: BaseException) -> int | None:
    for name in _STATUSES:
        found = _attribute(error, name)
        # An exit code or a vendor's error number is no HTTP status.
        if isinstance(found, int) and not isinstance(found, bool) and 100 <= found <= 599:
            return int(found)
    return None


def _body(error: BaseException) -> Any:
    response = _attribute(error, "response")
    if responses.is_response(response):
        body = responses.body_of(response)
        return None if body is responses.UNREAD else body
    if response is not None:
        return response
    return next((found for name in _BODIES if (found := _attribute(error, name)) is not None), None)


def _attribute(error: BaseException, path: str) -> Any:
    found: Any = error
    try:
        for name in path.split("."):
            found = getattr(found, name, None)
    except Exception:  # noqa: BLE001 - a property of a foreign exception is foreign code
        return None
    return None if callable(found) else found
