"""The rules of a declared experiment: Scientist's verbs, in module scope because B must find them too.

Every one of them is guarded: one that raises is told to ``raised`` and to the log, and never reaches a caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sidecar_science.comparison.rules import Rule
from sidecar_science.comparison.sieve import RuleSet
from sidecar_science.comparison.verbs import RuleVerbs
from sidecar_science.errors import DeclarationError
from sidecar_science.recording.shield import Shield
from sidecar_science.scientist.rules import Ruled, Rules, expect_callable, guarded

F = TypeVar("F", bound=Callable[..., Any])


class DeclaredRules(Ruled, RuleVerbs):
    """Scientist's verbs, and those that only make sense with a second environment."""

    def __init__(self, name: str, shield: Shield, shared_rules: Sequence[Rule] = ()) -> None:
        RuleVerbs.__init__(self)
        self.name = name
        self.rules = Rules()
        self._shared_rules = shared_rules
        self._rule_set = RuleSet()
        self.static_context: dict[str, Any] = {}
        self.candidates: dict[str, Callable[..., Any]] = {}
        self.supplier: Callable[..., Mapping[str, Any]] | None = None
        self.publisher: Callable[[Any], Any] | None = None
        self._raised: Callable[[str, BaseException], Any] | None = None
        self._shield = shield

    def ignore(self, rule: Any, *, values_only: bool = False) -> Any:
        """Ignore differences: at or below a path (``"$.updated_at"``), or where a callable says so. Repeatable.

        A callable is given both values; one that raises ignores nothing. ``values_only`` keeps the presence of the
        path compared. Raises `DeclarationError` for a path that cannot be read.
        """
        if not isinstance(rule, str):
            return Ruled.ignore(self, rule)
        return RuleVerbs.ignore(self, rule, values_only=values_only)

    @property
    def rule_set(self) -> RuleSet:
        """The rules of comparison that hold here: this experiment's, and those that its sidecar has for all."""
        declared = [*self.declared_rules, *self._shared_rules]
        if len(declared) != self._rule_set.declared:
            self._rule_set = RuleSet(declared)
        return self._rule_set

    def publish(self, function: F) -> F:
        """``function(result)`` is given every `sidecar_science.scientist.Result`, on the B side."""
        self.publisher = expect_callable("publish", function)
        return function

    def raised(self, function: F) -> F:
        """``function(operation, error)`` is told of every rule that raised."""
        self._raised = expect_callable("raised", function)
        return function

    def supply(self, function: F) -> F:
        """``function()`` gives, on the B side, a mapping of names to the secrets that B's calls need."""
        self.supplier = expect_callable("supply", function)
        return function

    def context(self, mapping: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Add to what is recorded beside every call, and give the whole of it."""
        self.static_context.update(mapping or {}, **more)
        return self.static_context

    def try_(self, function: Any = None, *, name: str = "candidate") -> Any:
        """Register a candidate ``function(adapter, *args, **kwargs)``. The first one replaces the default candidate,
        which is the same call on B.

        Raises `DeclarationError` for a lambda (its name says nothing, and B must find it) and for a name in use.
        """
        if function is None:
            return lambda given: self.try_(given, name=name)
        name = str(name)
        expect_callable("try_", function)
        if getattr(function, "__name__", "") == "<lambda>":
            raise DeclarationError(
                f"experiment {self.name!r}: a lambda cannot be a registered candidate, because reports and workers "
                "know candidates by name; write `def new_way(adapter, ...)` in the module and register that"
            )
        if name in self.candidates or name == "control":
            raise DeclarationError(f"experiment {self.name!r} already has {name} behavior; give this one another name=")
        self.candidates[name] = function
        return function

    # -- evaluating ----------------------------------------------------------------------------------------------

    def told(self, operation: str, error: BaseException) -> None:
        """A rule or a hook raised: tell whoever asked to be told, and the log. Never raises."""
        self._shield.tell(operation, error, experiment=self.name)
        if self._raised is None:
            return
        try:
            self._raised(operation, error)
        except KeyboardInterrupt:
            raise
        except BaseException as second:  # noqa: BLE001 - the last place that can keep it from the caller
            self._shield.tell("raised", second, experiment=self.name)

    def allows_run(self) -> bool:
        """Whether ``run_if`` lets this call be recorded; one that raises does not."""
        if self.rules.run_if is None:
            return True
        try:
            return bool(self.rules.run_if())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a hook, and the A-branch is sacred
            self.told("run_if", error)
            return False

    def before(self) -> None:
        """Call the ``before_run`` hook, if there is one."""
        if self.rules.before_run is not None:
            guarded("before_run", self.told, None, self.rules.before_run)

    def after(self, result: Any) -> None:
        """Call the ``after_run`` hook, then ``publish``, where there are any."""
        if self.rules.after_run is not None:
            guarded("after_run", self.told, None, self.rules.after_run, result)
        if self.publisher is not None:
            guarded("publish", self.told, None, self.publisher, result)
