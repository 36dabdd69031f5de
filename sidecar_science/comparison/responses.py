"""What an HTTP response answered: status, the headers that say something, and the body, if it was read
already.

Responses are known by their shape, so that neither requests nor httpx needs to be imported for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison.contents import bounded

HEADERS = ("content-type", "location", "link")
_TEXTUAL = ("text/", "application/xml", "application/javascript", "application/x-www-form-urlencoded")
UNREAD = Opaque("unread body")


def is_response(value: Any) -> bool:
    """Whether ``value`` holds a status code and headers of its own, as responses of requests and httpx do."""
    held = getattr(value, "__dict__", None)
    if type(held) is not dict:
        return False
    status = held.get("status_code")
    return isinstance(status, int) and callable(getattr(held.get("headers"), "get", None))


def describe(response: Any) -> dict[str, Any]:
    """``{"status", "headers", "body"}``; the headers are content-type, location and link, where there are
    any.
    """
    headers = {name: response.headers.get(name) for name in HEADERS}
    return {
        "status": int(response.status_code),
        "headers": {name: value for name, value in headers.items() if value is not None},
        "body": body_of(response),
    }


def body_of(response: Any) -> Any:
    """The body: JSON, text or bytes; None when it is empty, an `Opaque` when it was not read.

    A stream that nobody has read is the caller's to read: touching it would take it away from them.
    """
    held = vars(response)
    content = held.get("_content", held.get("content", UNREAD))
    if content is None or content == b"":
        return None
    return decoded(content, response.headers) if isinstance(content, bytes) else UNREAD


def decoded(content: bytes, headers: Mapping[str, Any]) -> Any:
    """``content`` as JSON if it is JSON, as text if its type says text (or nothing), else as bounded
    bytes.
    """
    declared = str(headers.get("content-type") or "").lower()
    text = _text(content, declared)
    if text is not None and ("json" in declared or text.lstrip()[:1] in ("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    if text is not None and ("json" in declared or not declared or any(kind in declared for kind in _TEXTUAL)):
        return text
    return bounded(content)


def _text(content: bytes, declared: str) -> str | None:
    charset = declared.partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
    try:
        return content.decode(charset).removeprefix("\ufeff")
    except (LookupError, ValueError):
        return None
