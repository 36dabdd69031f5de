"""The rules of comparison as verbs: an experiment has them for its own answers, a sidecar for those of all."""

from __future__ import annotations

from typing import Any

from sidecar_science.comparison import rules
from sidecar_science.comparison.rules import Rule


class RuleVerbs:
    """Verbs that declare what does not matter. All cover the place they name and what is below it.

    A difference that a rule explains makes a job ``ignored``, never ``matched``. Each raises `DeclarationError` for
    what cannot be read.
    """

    def __init__(self) -> None:
        self.declared_rules: list[Rule] = []

    def ignore(self, rule: Any, *, values_only: bool = False) -> Any:
        """Whatever differs at or below the path does not matter; with ``values_only``, its presence still does."""
        self.declared_rules.append(rules.Ignore(path=rule, values_only=values_only))
        return rule

    def unordered(self, path: str) -> None:
        """The order of the list at ``path`` does not matter; its elements do, and how often it holds each."""
        self.declared_rules.append(rules.Unordered(path=path))

    def round(self, path: str, digits: int | None = None, *, tolerance: float | None = None) -> None:
        """Numbers are alike that are equal when rounded to ``digits``, or no further apart than ``tolerance``."""
        self.declared_rules.append(rules.Round(path=path, digits=digits, tolerance=tolerance))

    def instant(self, path: str) -> None:
        """Texts are alike that name one instant: ``2014-05-14T13:00:06Z`` and ``2014-05-14T14:00:06.000+01:00``."""
        self.declared_rules.append(rules.Instant(path=path))

    def pattern(self, path: str, regex: str) -> None:
        """What ``regex`` finds in two texts is alike; the text around it must be the same."""
        self.declared_rules.append(rules.Matching(path=path, regex=regex))

    def hosts(self, path: str, control: str, candidate: str) -> None:
        """Addresses below A's base URL ``control`` and B's ``candidate`` are alike; a third host is not."""
        self.declared_rules.append(rules.Hosts(path=path, control=control, candidate=candidate))

    def case(self, path: str) -> None:
        """Texts are alike that differ in upper and lower case."""
        self.declared_rules.append(rules.Case(path=path))

    def numbers_as_strings(self, path: str) -> None:
        """A number and the text that spells it are alike."""
        self.declared_rules.append(rules.NumbersAsStrings(path=path))
