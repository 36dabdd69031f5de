"""The body of a request as plain data, whatever its form: JSON, a form, text, multipart, compressed, or just bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from sidecar_science.checks.exchanges import Exchange

_MAX_INFLATED: Final = 1024 * 1024
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]+)', re.IGNORECASE)


def plain_body(exchange: Exchange) -> Any:
    """The body that ``exchange`` kept, as plain data; None when it had none or it could not be looked at."""
    if exchange.body is None:
        return None
    if exchange.body_size > len(exchange.body):
        return {"size": exchange.body_size, "sha256": exchange.body_digest}
    return _decoded(_inflated(exchange.body), exchange.content_type)


def _inflated(body: bytes) -> bytes:
    """A gzip body without its wrapping: two equal bodies differ in it, because it carries a time."""
    if body[:2] != b"\x1f\x8b":
        return body
    with contextlib.suppress(zlib.error):
        inflater = zlib.decompressobj(wbits=31)
        inflated = inflater.decompress(body, _MAX_INFLATED)
        if not inflater.unconsumed_tail:
            return inflated
    return body


def _decoded(body: bytes, content_type: str) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:
        return _parts(body, content_type) or {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    if "x-www-form-urlencoded" in content_type:
        return [list(pair) for pair in parse_qsl(text, keep_blank_values=True)]
    if "json" in content_type or text[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text)
    return _parts(body, content_type) or text


def _parts(body: bytes, content_type: str) -> list[Any] | None:
    """A multipart body as a list of parts: its boundary is random, and says nothing."""
    match = _BOUNDARY.search(content_type) if "multipart/" in content_type else None
    if match is None:
        return None
    parts = body.split(b"--" + match[1].encode())[1:-1]
    return [_part(part) for part in parts]


def _part(part: bytes) -> dict[str, Any]:
    head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
    return {"head": head.decode("latin-1").splitlines(), "content": _decoded(content, "")}
