"""Addresses inside text, in a message, an answer or an argument: they carry credentials and secret parameters too."""

from __future__ import annotations

import re
from typing import Any, Final

from sidecar_science.codec.rebuilding import MAPPINGS, rebuilt
from sidecar_science.codec.redaction import Redactor

_ADDRESS: Final = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s"'<>\\^`{|}]+""")
_AFTER: Final = ").,;:!]"


def might_hold(encoded: bytes) -> bool:
    """Whether `redact` could change the value that is encoded so: a look at its bytes, which hold all text as is."""
    return b"://" in encoded and any(mark in encoded for mark in (b"?", b"@", b"#"))


def redact(value: Any, redactor: Redactor, found: set[str]) -> Any:
    """``value`` with the secrets in all addresses replaced, the same object if there are none.

    Their texts are added to ``found``, which is how those in the keys of dicts come to be cut out.
    """
    kind = type(value)
    if kind is str:
        return _text(value, redactor, found)
    if kind in MAPPINGS:
        for key in value:
            if type(key) is str:
                _text(key, redactor, found)
    return rebuilt(value, lambda part, _: redact(part, redactor, found))


def _text(text: str, redactor: Redactor, found: set[str]) -> str:
    if "://" not in text:
        return text
    changed = _ADDRESS.sub(lambda match: _address(match[0], redactor, found), text)
    return text if changed == text else changed


def _address(text: str, redactor: Redactor, found: set[str]) -> str:
    address = text.rstrip(_AFTER)
    return redactor.redact_url(address, found) + text[len(address) :]
