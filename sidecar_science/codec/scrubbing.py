"""Copies of a secret elsewhere: in a message, a URL, a JSON text, a header in base64. They are cut out."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from sidecar_science.codec import files, types
from sidecar_science.codec.markers import Oversize
from sidecar_science.codec.rebuilding import MAPPINGS, rebuilt

MARK = "<secret>"

_ESCAPE = re.compile("%[0-9A-F]{2}")
_SHORTEST_INSIDE = 6  # bytes of a secret that is looked for inside longer base64


class Scrubber:
    """Cuts known secrets out of values, in every form in which they usually travel."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        # Longer ones first: what contains another secret must not be cut in half.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._shortest = min(map(len, forms), default=0)
        self._text = re.compile("|".join(map(re.escape, self._forms)) or "(?!)")
        self._form_bytes = [form.encode("utf-8", "surrogatepass") for form in self._forms]
        self._bytes = re.compile(b"|".join(map(re.escape, self._form_bytes)) or b"(?!)")

    def value(self, value: Any) -> Any:
        """``value`` with the secrets cut out of all text, bytes, keys and files in it."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is bytes:
            return self.data(value)
        if kind is bytearray:
            return _unless_same(value, bytearray(self.data(bytes(value))))
        if kind is Oversize:
            return _unless_same(value, Oversize(value.digest, value.size, self.text(value.preview)))
        if kind is io.BytesIO or kind is io.StringIO:
            return self._file(value)
        if kind in MAPPINGS:
            value = self._keys(value)
        return rebuilt(value, lambda part, _: self.value(part))

    def text(self, text: str) -> str:
        """``text`` with a mark in place of every secret."""
        if len(text) >= self._shortest:
            # Most text holds none, and `in` is far faster than the expression.
            for form in self._forms:
                if form in text:
                    return self._text.sub(MARK, text)
        return text

    def data(self, data: bytes) -> bytes:
        """``data`` with a mark in place of every secret in UTF-8."""
        return self._bytes.sub(MARK.encode(), data) if self.finds(data) else data

    def finds(self, data: bytes) -> bool:
        """Whether any secret is in there."""
        return any(form in data for form in self._form_bytes)

    def _keys(self, mapping: dict[Any, Any]) -> dict[Any, Any]:
        if all(self.value(key) is key for key in mapping):
            return mapping
        clean: dict[Any, Any] = {}
        for key, item in dict.items(mapping):
            clean[self._free(clean, self.value(key))] = item
        return clean

    @staticmethod
    def _free(taken: dict[Any, Any], key: Any) -> Any:
        """``key``, numbered where two keys differed only by the secret."""
        number, free = 1, key
        while free in taken and type(key) is str:
            number += 1
            free = f"{key} {number}"
        return free

    def _file(self, file: Any) -> Any:
        content = file.getvalue()
        clean = self.text(content) if type(content) is str else self.data(content)
        if clean == content:
            return file
        name = types.attribute(file, "name")
        return files.rebuild(clean, name if type(name) is str else None)


def _forms(secret: str) -> Iterator[str]:
    """``secret`` as it is, in URLs, in JSON, and in base64."""
    yield secret
    data = secret.encode("utf-8", "surrogatepass")
    for escaped in (quote(data), quote(data, safe=""), quote_plus(data)):
        yield escaped
        yield _ESCAPE.sub(lambda match: match[0].lower(), escaped)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield from _base64(data)


def _base64(data: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip("=")
        if len(data) >= _SHORTEST_INSIDE:
            yield from (_inside(encode(b"\0" * before + data).decode(), before, len(data)) for before in range(3))


def _inside(encoded: str, before: int, size: int) -> str:
    """The characters of base64 that a secret alone decides, with ``before`` bytes of something else ahead of it."""
    after = (before + size) % 3
    return encoded[(0, 2, 3)[before] : len(encoded) - (0, 3, 2)[after]]


def _unless_same(old: Any, new: Any) -> Any:
    return old if old == new else new
