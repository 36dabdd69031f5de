"""By what an experiment judges: its user's functions, and how they are called without being trusted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

if TYPE_CHECKING:
    from sidecar_science.scientist.observation import Observation

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Raised = Callable[[str, Exception], Any]

WITHHELD: Final = "<withheld: clean raised>"
"""Stands for a value whose `clean` rule raised. It quotes neither the value nor the error's message."""


def guarded(operation: str, raised: Raised, fallback: T, function: Callable[..., T], *args: Any) -> T:
    """What ``function(*args)`` gives; if it raises, tell ``raised(operation, error)`` and give ``fallback``.

    What ``raised`` itself raises goes through. So does what is no Exception, such as KeyboardInterrupt.
    """
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - whatever a rule raises is for `raised` to decide about
        raised(operation, error)
        return fallback


@attrs.define(kw_only=True)
class Rules:
    """The functions that an experiment was given, each None (or empty) until then.

    The methods call them guarded: an error goes to ``raised(operation, error)``, and when that returns, the
    safe answer is given. They take ``raised`` with every call, so that one Rules can serve many runs.
    """

    comparator: Callable[[Any, Any], Any] | None = None
    error_comparator: Callable[[Any, Any], Any] | None = None
    cleaner: Callable[[Any], Any] | None = None
    ignores: list[Callable[..., Any]] = attrs.field(factory=list)
    run_if: Callable[[], Any] | None = None
    before_run: Callable[[], Any] | None = None
    after_run: Callable[[Any], Any] | None = None

    def allow_run(self, raised: Raised) -> bool:
        """Whether ``run_if`` lets the experiment run; one that raises does not."""
        return self.run_if is None or guarded("run_if", raised, False, _truth, self.run_if)

    def agree(self, control: Observation, candidate: Observation, raised: Raised) -> bool:
        """Whether two observations are equivalent; a comparison that raises says no."""
        how = (candidate, self.comparator, self.error_comparator)
        return guarded("compare", raised, False, control.equivalent_to, *how)

    def ignored(self, control: Any, candidate: Any, raised: Raised) -> bool:
        """Whether an ``ignore``, asked in order, explains how two values differ; one that raises does not."""
        return any(guarded("ignore", raised, False, _asked, rule, control, candidate) for rule in self.ignores)

    def cleaned(self, value: Any, raised: Raised) -> Any:
        """``value`` as ``clean`` gives it, or `WITHHELD` when that raises. None stays None."""
        if value is None or self.cleaner is None:
            return value
        return guarded("clean", raised, WITHHELD, self.cleaner, value)


class Ruled:
    """The verbs that give an experiment its rules. Each gives its function back: each is a decorator too."""

    rules: Rules

    def compare(self, function: F) -> F:
        """``function(control_value, candidate_value)`` tells whether two values agree, in place of ``==``."""
        self.rules.comparator = expect_callable("compare", function)
        return function

    def compare_errors(self, function: F) -> F:
        """``function(control_error, candidate_error)`` tells whether two errors agree.

        One may be None: that side did not raise. Without this rule errors agree in class and message, or not.
        """
        self.rules.error_comparator = expect_callable("compare_errors", function)
        return function

    def ignore(self, function: F) -> F:
        """``function(control_value, candidate_value)`` tells whether a mismatch does not matter. Repeatable.

        It may take fewer arguments. The value of an observation that raised is None.
        """
        self.rules.ignores.append(expect_callable("ignore", function))
        return function

    def clean(self, function: F) -> F:
        """``function(value)`` gives what may be published of a value. It is never used for comparing."""
        self.rules.cleaner = expect_callable("clean", function)
        return function

    @property
    def cleaner(self) -> Callable[[Any], Any] | None:
        """The function given to `clean`, or None."""
        return self.rules.cleaner

    def run_if(self, function: F) -> F:
        """``function()`` tells, after ``enabled()``, whether the candidates run this time."""
        self.rules.run_if = expect_callable("run_if", function)
        return function

    def before_run(self, function: F) -> F:
        """``function()`` is called once before the behaviors, and only when candidates run."""
        self.rules.before_run = expect_callable("before_run", function)
        return function

    def after_run(self, function: F) -> F:
        """``function(result)`` is called once after the behaviors, before the result is published."""
        self.rules.after_run = expect_callable("after_run", function)
        return function


def expect_callable(verb: str, function: F) -> F:
    """``function``; raises TypeError when it cannot be called, as when its value is passed in its place."""
    if not callable(function):
        found = type(function).__name__
        raise TypeError(f"{verb} was given a value of type {found}; give it the function itself, not yet called")
    return function


def _truth(function: Callable[..., Any], *args: Any) -> bool:
    return bool(function(*args))


def _asked(rule: Callable[..., Any], *values: Any) -> bool:
    return bool(rule(*values[: _room(rule)]))


def _room(rule: Callable[..., Any]) -> int | None:
    """How many positional arguments ``rule`` takes; None: any number, or it does not tell (some builtins)."""
    try:
        parameters = inspect.signature(rule).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters
    )
