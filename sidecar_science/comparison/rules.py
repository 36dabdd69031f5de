"""Rules about differences that do not matter, as data: each names a place, and says when two values there are alike.

A rule is asked about nothing but what differs, so it never covers what did not. It is known by its text, such as
``round $.price digits=2``.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.paths import Pattern
from sidecar_science.errors import DeclarationError

Pair = tuple[Any, Any]

PATTERN_SECONDS = 0.1
"""How long one regular expression may search one text."""

_LONGEST_INSTANT = 64
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_MATCHED = "\ue000"


def _pattern(path: str | Pattern) -> Pattern:
    return path if isinstance(path, Pattern) else Pattern.parse(path)


@attrs.frozen(kw_only=True)
class Rule:
    """What is alike at one place, and below it."""

    verb: ClassVar[str] = ""
    rank: ClassVar[int] = 0
    """Of several rules at one place, the lower one goes first, whichever was declared first."""

    path: Pattern = attrs.field(converter=_pattern)

    @property
    def id(self) -> str:
        """The rule as text: the same for two rules that say the same."""
        return f"{self.verb} {self.path}" + "".join(f" {argument}" for argument in self.arguments())

    def arguments(self) -> list[str]:
        """What the rule says besides its verb and its place."""
        return []

    def meet(self, control: Any, candidate: Any) -> Pair:
        """Both values as this rule sees them: the same where it takes them for alike."""
        return control, candidate


@attrs.frozen(kw_only=True)
class Ignore(Rule):
    """Whatever differs here does not matter; with ``values_only``, whether there is something here still does."""

    verb = "ignore"
    values_only: bool = False

    def arguments(self) -> list[str]:
        return ["values_only"] if self.values_only else []

    def covers(self, difference: Difference) -> bool:
        """Whether this rule explains ``difference``, whatever the two values are."""
        if self.values_only and difference.kind in ("missing", "extra"):
            return False
        return self.path.covers(difference.path)


@attrs.frozen(kw_only=True)
class Unordered(Rule):
    """The order of this list does not matter; its elements do."""

    verb = "unordered"


@attrs.frozen(kw_only=True)
class NumbersAsStrings(Rule):
    """A number and the text that spells it are alike."""

    verb = "numbers_as_strings"
    rank = 1

    def meet(self, control: Any, candidate: Any) -> Pair:
        if _is_number(control) and isinstance(candidate, str):
            return control, _number(candidate)
        if isinstance(control, str) and _is_number(candidate):
            return _number(control), candidate
        return control, candidate


@attrs.frozen(kw_only=True)
class Round(Rule):
    """Numbers are alike that are equal when rounded to ``digits``, or no further apart than ``tolerance``."""

    verb = "round"
    rank = 2
    digits: int | None = None
    tolerance: float | None = None

    def __attrs_post_init__(self) -> None:
        if (self.digits is None) == (self.tolerance is None):
            raise DeclarationError(f"round {self.path}: give digits=2 or tolerance=0.01, one of the two")
        if self.digits is not None and (type(self.digits) is not int or not -15 <= self.digits <= 15):
            raise DeclarationError(f"round {self.path}: digits={self.digits!r} is no whole number from -15 to 15")
        if self.tolerance is not None and not (_is_number(self.tolerance) and 0 < self.tolerance < math.inf):
            raise DeclarationError(f"round {self.path}: tolerance={self.tolerance!r} is no number above 0")

    def arguments(self) -> list[str]:
        return [f"digits={self.digits}" if self.tolerance is None else f"tolerance={self.tolerance:g}"]

    def meet(self, control: Any, candidate: Any) -> Pair:
        if not (_is_number(control) and _is_number(candidate)):
            return control, candidate
        try:
            if self.tolerance is None:
                return round(control, self.digits), round(candidate, self.digits)
            # Between 0.1 and 0.3 lies a little more than 0.2.
            near = abs(control - candidate) <= self.tolerance * (1 + 1e-9)
        except OverflowError:
            return control, candidate
        return (control, control) if near else (control, candidate)


@attrs.frozen(kw_only=True)
class Instant(Rule):
    """Texts are alike that name one instant, whatever their zone and however many zeros they are written with."""

    verb = "instant"
    rank = 3

    def meet(self, control: Any, candidate: Any) -> Pair:
        one, other = _instant(control), _instant(candidate)
        return (control, candidate) if one is None or other is None else (one, other)


@attrs.frozen(kw_only=True)
class Hosts(Rule):
    """Addresses below A's base URL ``control`` and below B's, ``candidate``, are alike; a third host is not."""

    verb = "hosts"
    rank = 4
    control: str
    candidate: str
    _origins: Origins = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        try:
            origins = Origins({"host": (self.control,)}, {"host": self.candidate})
        except (AttributeError, DeclarationError, TypeError) as error:
            raise DeclarationError(f"hosts {self.path}: {error}") from error
        object.__setattr__(self, "_origins", origins)

    def arguments(self) -> list[str]:
        return [self.control, self.candidate]

    def meet(self, control: Any, candidate: Any) -> Pair:
        return _texts(control, candidate, self._origins.normalize)


@attrs.frozen(kw_only=True)
class Matching(Rule):
    """What a regular expression finds in two texts is alike; what stands around it must be the same.

    Raises TimeoutError where the expression takes longer than 0.1 s for one text.
    """

    verb = "pattern"
    rank = 5
    regex: str
    _compiled: Any = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        import regex  # ours to load only where a rule needs it: an app that declares none starts without it

        try:
            object.__setattr__(self, "_compiled", regex.compile(self.regex))
        except (TypeError, regex.error) as error:
            raise DeclarationError(f"pattern {self.path}: {self.regex!r} is no regular expression: {error}") from error

    def arguments(self) -> list[str]:
        return [self.regex]

    def meet(self, control: Any, candidate: Any) -> Pair:
        return _texts(control, candidate, self._without)

    def _without(self, text: str) -> str:
        return str(self._compiled.sub(_MATCHED, text, timeout=PATTERN_SECONDS))


@attrs.frozen(kw_only=True)
class Case(Rule):
    """Texts are alike that differ in upper and lower case."""

    verb = "case"
    rank = 6

    def meet(self, control: Any, candidate: Any) -> Pair:
        return _texts(control, candidate, str.casefold)


RULES: dict[str, type[Rule]] = {
    kind.verb: kind for kind in (Ignore, Unordered, NumbersAsStrings, Round, Instant, Hosts, Matching, Case)
}


def rule_from(table: Any) -> Rule:
    """The rule that a table such as ``{"rule": "round", "path": "$.price", "digits": 2}`` says.

    Raises `DeclarationError` for what is no such table.
    """
    if not isinstance(table, dict) or table.get("rule") not in RULES:
        raise DeclarationError(f"{table!r} is no rule; write rule = one of {', '.join(RULES)}, and a path")
    kind = RULES[table["rule"]]
    known = {field.alias: field for field in attrs.fields(kind) if field.init}
    given = {name: value for name, value in table.items() if name != "rule"}
    if unknown := given.keys() - known.keys():
        raise DeclarationError(
            f"the rule {kind.verb} has no {', '.join(sorted(unknown))}; it takes {', '.join(sorted(known))}"
        )
    needed = {name for name, field in known.items() if field.default is attrs.NOTHING}
    if missing := needed - given.keys():
        raise DeclarationError(f"the rule {kind.verb} needs {', '.join(sorted(missing))}: {table!r}")
    return kind(**given)


def _texts(control: Any, candidate: Any, change: Callable[[str], Any]) -> Pair:
    if isinstance(control, str) and isinstance(candidate, str):
        return change(control), change(candidate)
    return control, candidate


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> Any:
    """The number that ``text`` spells as JSON does; ``text`` itself where it spells none."""
    return json.loads(text) if _NUMBER.fullmatch(text) else text


def _instant(value: Any) -> float | None:
    """Microseconds since the epoch, where ``value`` is a date with a time and a zone."""
    if not isinstance(value, str) or not 16 < len(value) <= _LONGEST_INSTANT:
        return None
    try:
        found = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    if found.tzinfo is None:
        return None
    since = found - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return since // datetime.timedelta(microseconds=1)
