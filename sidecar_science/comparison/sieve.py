"""The rules of one experiment, put to the differences of its answers: what they explain, and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.equality import leaf_kind
from sidecar_science.comparison.paths import join
from sidecar_science.comparison.rules import Ignore, Rule, Unordered

Told = Callable[[str, Exception], Any]
Steps = Sequence[str | int]

_DEEPEST = 200
_NOTHING = "\ue001"


class RuleSet:
    """Rules without repetition, in an order of their own: the order in which they were declared does not matter."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        given = list(rules)
        self.declared = len(given)
        self.rules = sorted({rule.id: rule for rule in given}.values(), key=lambda rule: (rule.rank, rule.id))
        self.ignoring = [rule for rule in self.rules if isinstance(rule, Ignore)]
        self.unordered = [rule for rule in self.rules if isinstance(rule, Unordered)]
        self.meeting = [rule for rule in self.rules if not isinstance(rule, Ignore | Unordered)]

    def __bool__(self) -> bool:
        return bool(self.rules)

    def sieve(self, told: Told | None = None) -> Sieve:
        """What sifts the differences of one job; a rule that raises is told to ``told`` with its verb."""
        return Sieve(self, told)


class Sieve:
    """Keeps the differences that no rule explains, and counts in ``explained`` how many each rule did, by its text."""

    def __init__(self, rules: RuleSet, told: Told | None = None) -> None:
        self.explained: Counter[str] = Counter()
        self._rules = rules
        self._told = told
        self._tired: set[str] = set()

    def kept(self, differences: Iterable[Difference]) -> list[Difference]:
        """Those of ``differences`` that no rule explains."""
        if not self._rules:
            return list(differences)
        kept = []
        for difference in differences:
            rules = self._explaining(difference)
            self.explained.update(rules)
            if not rules:
                kept.append(difference)
        return kept

    def is_unordered(self, steps: Steps) -> bool:
        """Whether the order of the list at ``steps`` does not matter."""
        if not self._rules.unordered:
            return False
        path = join(steps)
        return any(rule.path.is_at(path) for rule in self._rules.unordered)

    def seen(self, steps: Steps, elements: list[Any]) -> list[Any]:
        """The elements of the list at ``steps`` as the rules see them; the same list where none has a say.

        This is how elements are found again that differ in nothing that matters.
        """
        for rule in (*self._rules.ignoring, *self._rules.meeting):
            wanted = rule.path.steps
            if rule.id in self._tired or not _agree(wanted, steps):
                continue
            if len(wanted) > len(steps):
                if wanted[len(steps)] is None:
                    below = wanted[len(steps) + 1 :]
                    elements = [self._replaced(element, below, rule) for element in elements]
            elif not isinstance(rule, Ignore):
                elements = [self._everywhere(element, rule, 0) for element in elements]
        return elements

    def _explaining(self, difference: Difference) -> list[str]:
        """The rules that explain ``difference``: those that do so alone, or else those that do so together."""
        alone = [rule.id for rule in self._rules.ignoring if rule.covers(difference)]
        if alone:
            return alone
        if difference.kind == "order":
            return [rule.id for rule in self._rules.unordered if rule.path.is_at(difference.path)]
        if difference.kind not in ("changed", "type"):
            return []
        there = [rule for rule in self._rules.meeting if rule.path.covers(difference.path)]
        alone = [rule.id for rule in there if self._meet([rule], difference)]
        return alone or (self._meet(there, difference) if len(there) > 1 else [])

    def _meet(self, rules: Sequence[Rule], difference: Difference) -> list[str]:
        """Those of ``rules`` that had a part in it, if both values are the same to all of them one after the other."""
        control, candidate = difference.control, difference.candidate
        if isinstance(control, list | dict) or isinstance(candidate, list | dict):
            return []
        helped = []
        for rule in rules:
            one, other = self._met(rule, control, candidate)
            if one is not control or other is not candidate:
                helped.append(rule.id)
            control, candidate = one, other
        return helped if leaf_kind(control, candidate) is None else []

    def _met(self, rule: Rule, control: Any, candidate: Any) -> tuple[Any, Any]:
        if rule.id in self._tired:
            return control, candidate
        try:
            return rule.meet(control, candidate)
        except Exception as error:  # noqa: BLE001 - a rule that raises explains nothing, and its owner is told
            self._tired.add(rule.id)
            if self._told is not None:
                self._told(rule.verb, error)
            return control, candidate

    def _replaced(self, value: Any, below: Sequence[str | int | None], rule: Rule) -> Any:
        if not below:
            return _NOTHING if isinstance(rule, Ignore) else self._everywhere(value, rule, 0)
        step, rest = below[0], below[1:]
        if isinstance(value, dict):
            if step not in value:
                return value
            if rest or not isinstance(rule, Ignore):
                return {**value, step: self._replaced(value[step], rest, rule)}
            return {key: item for key, item in value.items() if key != step or rule.values_only} | (
                {step: _NOTHING} if rule.values_only else {}
            )
        if isinstance(value, list) and not isinstance(step, str):
            return [self._replaced(item, rest, rule) if step in (None, at) else item for at, item in enumerate(value)]
        return value

    def _everywhere(self, value: Any, rule: Rule, depth: int) -> Any:
        if depth > _DEEPEST:
            return value
        if isinstance(value, dict):
            return {key: self._everywhere(item, rule, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._everywhere(item, rule, depth + 1) for item in value]
        return self._met(rule, value, value)[0]


def _agree(wanted: Sequence[str | int | None], steps: Steps) -> bool:
    """Whether a pattern and the way to a list agree as far as both go."""
    return all(isinstance(step, int) if one is None else one == step for one, step in zip(wanted, steps, strict=False))
