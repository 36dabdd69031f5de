"""The body of a request as plain data, whatever its form: JSON, a form, text, multipart, compressed, or just bytes.

Forms and multipart name their parts, and so may name a secret: they are redacted here, where the names are known.
What has names as dicts have them is redacted with everything else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import attrs

from sidecar_science.codec.redaction import Redactor

if TYPE_CHECKING:
    from sidecar_science.checks.exchanges import Exchange

_MAX_INFLATED: Final = 1024 * 1024
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]+)', re.IGNORECASE)
_NAME: Final = re.compile(rb'\bname="?([^";\r\n]*)', re.IGNORECASE)
_TYPE: Final = re.compile(rb"^content-type:\s*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_FORM: Final = re.compile(r"[^\s=&{<]+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)*")


def plain_body(exchange: Exchange, redactor: Redactor, found: set[str]) -> Any:
    """The body that ``exchange`` kept, as plain data without secrets, whose texts are added to ``found``.

    None when it had no body, or one that could not be looked at.
    """
    if exchange.body is None or exchange.body_size > len(exchange.body):
        return bare_body(exchange)
    plain = _Reader(redactor, found).read(_inflated(exchange.body), exchange.content_type)
    return redactor.redact(plain, found)


def bare_body(exchange: Exchange) -> Any:
    """What stands for a body that is too large: its size and its digest."""
    if exchange.body is None:
        return None
    digest = exchange.body_digest
    if digest is None and exchange.body_size == len(exchange.body):
        digest = hashlib.sha256(exchange.body).hexdigest()
    return {"size": exchange.body_size, "sha256": digest}


def _inflated(body: bytes) -> bytes:
    """A gzip body without its wrapping: two equal bodies differ in it, because it carries a time."""
    if body[:2] != b"\x1f\x8b":
        return body
    with contextlib.suppress(zlib.error):
        inflater = zlib.decompressobj(wbits=31)
        inflated = inflater.decompress(body, _MAX_INFLATED)
        # One that is cut off, or opens to more than that, is compared as it is.
        if inflater.eof:
            return inflated
    return body


@attrs.frozen
class _Reader:
    redactor: Redactor
    found: set[str]

    def read(self, body: bytes, content_type: str) -> Any:
        content_type = content_type.lower() if "multipart/" not in content_type.lower() else content_type
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return self.parts(body, content_type) or {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        if "x-www-form-urlencoded" in content_type or (not content_type and _FORM.fullmatch(text)):
            return [list(pair) for pair in parse_qsl(self.redactor.redact_query(text, self.found), True)]
        if "json" in content_type or text[:1] in ("{", "["):
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(text)
        return self.parts(body, content_type) or text

    def parts(self, body: bytes, content_type: str) -> list[Any] | None:
        """A multipart body as a list of parts: its boundary is random, and says nothing."""
        match = _BOUNDARY.search(content_type) if "multipart/" in content_type.lower() else None
        if match is None:
            return None
        parts = body.split(b"--" + match[1].encode())[1:-1]
        return [self.part(part.removesuffix(b"\r\n")) for part in parts]

    def part(self, part: bytes) -> dict[str, Any]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, kind = _NAME.search(head), _TYPE.search(head)
        plain = self.read(content, kind[1].decode("latin-1") if kind else "text/plain")
        return {
            "head": head.decode("latin-1").split("\r\n")[1:],
            "content": self._under(name[1].decode("utf-8", "replace") if name else "", plain),
        }

    def _under(self, name: str, content: Any) -> Any:
        # As in forms, the last of the names in user[password] or user.password says what it is.
        last = name.replace("[", ".").replace("]", "").rstrip(".").rpartition(".")[2]
        return self.redactor.redact({last: content}, self.found)[last] if last else content
