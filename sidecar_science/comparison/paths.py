"""Where in an answer something stands: concrete paths, and the patterns that cover them.

A path is ``$`` and then steps: ``.name`` for a key that is a plain name, ``["any key"]`` (a JSON string) for
every other key, ``[3]`` for a list index. A pattern is the same, and may say ``[*]`` for any index. Each
place has exactly one spelling, so that paths can be compared, counted and grouped as text.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable

import attrs

from sidecar_science.errors import DeclarationError

ROOT = "$"
ANY_INDEX = "[*]"
_LONGEST_KEY = 200
_NAME = re.compile(r"[^\W\d]\w*")
_STEP = re.compile(
    r"""\.(?P<name>[^\W\d]\w*)
      | \[(?P<index>[0-9]{1,15})\]
      | \[(?P<any>\*)\]
      | \[(?P<quoted>"(?:[^"\\]|\\.)*")\]""",
    re.VERBOSE | re.DOTALL,
)
_INDEX_OR_QUOTED = re.compile(r'\[[0-9]+\]|"(?:[^"\\]|\\.)*"', re.DOTALL)


def join(steps: Iterable[str | int]) -> str:
    """The path that leads from the root through ``steps``: keys as str, list indexes as int."""
    return ROOT + "".join(map(spell, steps))


def spell(step: str | int) -> str:
    """One step as it is written in a path. A key above 200 characters is cut and gets a digest of the
    whole.
    """
    if isinstance(step, int):
        return f"[{step}]"
    return _spell_key(step) if len(step) <= _LONGEST_KEY else _spell_key.__wrapped__(step)


@functools.lru_cache(maxsize=4096)
def _spell_key(step: str) -> str:
    if len(step) > _LONGEST_KEY:
        step = step[:64] + "…" + hashlib.sha256(step.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    # Python's identifiers hold some characters that are no word characters to a regular expression.
    if step.isidentifier() if step.isascii() else _NAME.fullmatch(step):
        return "." + step
    # What cannot be printed is escaped: a report is read in terminals, and a lone surrogate has no UTF-8 form.
    return f"[{json.dumps(step, ensure_ascii=not step.isprintable())}]"


def steps_of(path: str) -> list[str | int]:
    """The steps of a concrete path, as `join` was given them; a key that was cut stays so."""
    return [
        int(found["index"]) if found["index"] else found["name"] or str(json.loads(found["quoted"], strict=False))
        for found in _STEP.finditer(path, len(ROOT))
    ]


def to_pattern(path: str) -> str:
    """``path`` with every list index as ``[*]``; digits inside a quoted key stay."""
    if "[" not in path:
        return path
    return _INDEX_OR_QUOTED.sub(lambda found: ANY_INDEX if found[0][0] == "[" else found[0], path)


@attrs.frozen
class Pattern:
    """What an ignore rule names: a place, or with ``[*]`` many, and everything below. Made by `parse`."""

    text: str
    _expression: re.Pattern[str] = attrs.field(repr=False, eq=False)
    steps: tuple[str | int | None, ...] = attrs.field(repr=False, eq=False, default=())
    """The way there: keys, indexes, and None for any index."""

    @staticmethod
    def parse(text: str) -> Pattern:
        """The pattern that ``text`` spells. Raises `DeclarationError`, which names the position that is
        wrong.
        """
        return _parse(text)

    def covers(self, path: str) -> bool:
        """Whether ``path`` (or the pattern of one) is at or below one of the places named here."""
        return self._expression.match(path) is not None

    def is_at(self, path: str) -> bool:
        """Whether ``path`` is one of the places named here, and not below."""
        return self._expression.fullmatch(path) is not None

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Pattern:
    if not isinstance(text, str) or not text.startswith(ROOT):
        raise DeclarationError(
            f"the pattern {text!r} does not start with '$', the whole answer; write '$.name' for a key of it"
        )
    position, spelled, expression = len(ROOT), ROOT, re.escape(ROOT)
    steps: list[str | int | None] = []
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise DeclarationError(_complaint(text, position))
        steps.append(_read(found, text))
        step = ANY_INDEX if steps[-1] is None else spell(steps[-1])
        spelled += step
        expression += r"\[(?:[0-9]+|\*)\]" if step == ANY_INDEX else re.escape(step)
        position = found.end()
    return Pattern(spelled, re.compile(expression + r"(?=[.\[]|\Z)"), tuple(steps))


def _read(found: re.Match[str], text: str) -> str | int | None:
    if found["any"]:
        return None
    if found["index"]:
        return int(found["index"])
    if found["name"]:
        return found["name"]
    try:
        return str(json.loads(found["quoted"], strict=False))
    except ValueError as error:
        raise DeclarationError(
            f"the pattern {text!r} holds {found['quoted']} at position {found.start('quoted')}, "
            f"which is not a JSON string ({error}); escape quotes and backslashes with a backslash"
        ) from error


def _complaint(text: str, position: int) -> str:
    seen = text[position : position + 20]
    if seen.startswith(".."):
        advice = "'..' is not known here: name every step, with [*] for any index of a list"
    elif seen.startswith("["):
        advice = "in brackets stands an index, * or a key in double quotes"
    else:
        advice = """a key that is no plain name stands in brackets and double quotes, as in $["content-type"]"""
    return (
        f"the pattern {text!r} cannot be read at position {position}: expected '.name', '[\"any key\"]', '[3]', "
        f"'[*]' or the end, saw {seen!r}; {advice}"
    )
