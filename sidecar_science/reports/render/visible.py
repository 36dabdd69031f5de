"""Foreign text made harmless: all that a recorded value can do to a terminal or a page is to show itself."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Control (escape sequences), format (bidi overrides, zero width), surrogates, unassigned, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    r"""``text`` on one line, with all that steers a terminal or hides in one spelled out (``\x1b``)."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_spelled(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _spelled(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: Any) -> str:
    """JSON data on one line, harmless."""
    return visible(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))
