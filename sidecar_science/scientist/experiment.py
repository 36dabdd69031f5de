"""Does new code behave like the old? Runs both, compares, and answers with the old code's answer."""

from __future__ import annotations

import abc
import functools
import random as standard_random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, Self, TypeVar, overload

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import BehaviorMissing, BehaviorNotUnique, MismatchError
from sidecar_science.scientist.observation import Fabricated, Observation
from sidecar_science.scientist.result import Result
from sidecar_science.scientist.rules import Ruled, Rules, expect_callable, guarded

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=Callable[[str, Result], BaseException])


class Chance(Protocol):
    """What an experiment asks of chance; a `random.Random` is one, and so is the module `random`."""

    def shuffle(self, x: list[Any], /) -> None:
        """Put ``x`` into an order of its own choosing, in place."""
        ...


class Experiment(Ruled, abc.ABC):
    """One question, asked once: make an experiment, give it behaviors and rules, and `run` it.

    Subclasses must give `enabled` and `publish`. They may have an ``__init__`` of their own, and need not
    call ours. An experiment belongs to the thread that made it.
    """

    name: str = "experiment"
    clock: Clock = SYSTEM_CLOCK
    random: Chance = standard_random  # the module, because it seeds itself anew in a forked process
    raise_on_mismatches: bool | None = False
    """Whether a mismatch raises: for tests. May be set on a class or on an instance; None inherits."""

    value: Any = None
    """What the last `run` gave."""

    has_run: bool = False
    """Whether `run` was called: from then on behaviors and context are fixed."""

    default_behavior: str = "control"
    """The behavior whose answer `run` gives when it is not told."""

    _behaviors: dict[str, Callable[[], Any]]
    _context: dict[str, Any] | None
    _fabricated: Mapping[str, Fabricated]
    _mismatch_error: Callable[[str, Result], BaseException] = MismatchError

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Here and not in __init__: a subclass that does not call ours still works, as with Ruby's mixin.
        experiment = super().__new__(cls)
        experiment.rules = Rules()
        experiment._behaviors = {}
        experiment._context = None
        experiment._fabricated = {}
        return experiment

    def __init__(self, name: str | None = None, *, clock: Clock | None = None, random: Chance | None = None) -> None:
        if name is not None:
            self.name = name
        if clock is not None:
            self.clock = clock
        if random is not None:
            self.random = random

    # What a subclass gives

    @abc.abstractmethod
    def enabled(self) -> bool:
        """Whether candidates run this time."""

    @abc.abstractmethod
    def publish(self, result: Result) -> None:
        """Tell somebody about ``result``."""

    def raised(self, operation: str, error: Exception) -> None:
        """Told what clean, compare, enabled, ignore, publish or run_if raised; raises it again by default."""
        raise error

    def default_scientist_context(self) -> Mapping[str, Any]:
        """What every experiment of this class knows beforehand; what `context` is given wins over it."""
        return {}

    # What a run is told

    def use(self, fn: F, /, *args: Any, **kwargs: Any) -> F:
        """Register the control: ``fn``, and the arguments to call it with. Gives ``fn`` back."""
        return self._register("use", "control", fn, args, kwargs)

    @overload
    def try_(self, fn: F, /, *args: Any, name: object = ..., **kwargs: Any) -> F: ...

    @overload
    def try_(self, /, *, name: object = ..., **kwargs: Any) -> Callable[[F], F]: ...

    def try_(self, /, *given: Any, name: object = "candidate", **kwargs: Any) -> Any:
        """Register a candidate: a function, and the arguments to call it with. Gives the function back.

        Without a function it gives a decorator. Raises `BehaviorNotUnique` for a name that is taken. The
        keyword ``name`` is ours: a function that needs one of its own is wrapped in a lambda.
        """
        if not given:
            return lambda fn: self.try_(fn, name=name, **kwargs)
        fn, *args = given
        return self._register("try_", "candidate" if name is None else str(name), fn, tuple(args), kwargs)

    @property
    def behaviors(self) -> Mapping[str, Callable[[], Any]]:
        """The registered behaviors by name, each to be called without arguments. Read-only."""
        return MappingProxyType(self._behaviors)

    def context(self, mapping: Mapping[str, Any] | None = None, /, **more: Any) -> Mapping[str, Any]:
        """Add what else is known about this run, and give all of it, read-only."""
        if self._context is None:
            self._context = dict(self.default_scientist_context())
        if mapping or more:
            self._expect_not_run("context")
            self._context.update(mapping or {}, **more)
        return MappingProxyType(self._context)

    def raise_with(self, error_class: E) -> E:
        """Raise ``error_class(name, result)`` in place of `MismatchError`, where a mismatch raises at all."""
        self._mismatch_error = error_class
        return error_class

    def fabricate_durations_for_testing_purposes(self, durations: Mapping[str, Fabricated]) -> None:
        """Report these seconds, by behavior, in place of measured ones. Behaviors not named are measured."""
        self._fabricated = {str(name): seconds for name, seconds in durations.items()}

    # The run

    def run(self, name: object = None) -> Any:
        """Run the behaviors and give what the one called ``name`` gave, or raise what it raised.

        The others are its candidates. When there are none, or this experiment is not enabled, only that one
        is called. Raises `BehaviorMissing` if there is none of that name, and where mismatches raise,
        `MismatchError`.
        """
        self.context()
        self.has_run = True
        name = self.default_behavior if name is None else str(name)
        behavior = self._behaviors.get(name)
        if behavior is None:
            raise BehaviorMissing(self, name)
        runs = guarded("enabled", self.raised, False, self._should_run)
        self.value = self._conduct(name) if runs else behavior()
        return self.value

    def _should_run(self) -> bool:
        return len(self._behaviors) > 1 and bool(self.enabled()) and self.rules.allow_run(self.raised)

    def _conduct(self, name: str) -> Any:
        if self.rules.before_run is not None:
            self.rules.before_run()
        result = self.generate_result(name)
        if self.rules.after_run is not None:
            self.rules.after_run(result)
        guarded("publish", self.raised, None, self.publish, result)
        if result.is_mismatched and self._raises_on_mismatches():
            raise self._mismatch_error(self.name, result)
        if result.control.exception is not None:
            raise result.control.exception
        return result.control.value

    def generate_result(self, name: str) -> Result:
        """Call every behavior, in random order, and judge the others by the one called ``name``.

        Override it to call them in another way.
        """
        names = list(self._behaviors)
        self.random.shuffle(names)
        observations = [self._observe(each) for each in names]
        return Result(self, observations, observations[names.index(name)])

    def _observe(self, name: str) -> Observation:
        return Observation.of(name, self, self._behaviors[name], self._fabricated.get(name))

    # What observations and results ask

    def observations_are_equivalent(self, control: Observation, candidate: Observation) -> bool:
        """Whether the candidate did what the control did, by this experiment's rules."""
        return self.rules.agree(control, candidate, self.raised)

    def ignore_mismatched_observation(self, control: Observation, candidate: Observation) -> bool:
        """Whether a difference between the two does not matter, by this experiment's rules."""
        return self.rules.ignored(control.value, candidate.value, self.raised)

    def clean_value(self, value: Any) -> Any:
        """What may be published of a value, by this experiment's rules."""
        return self.rules.cleaned(value, self.raised)

    def __reduce__(self) -> tuple[Any, ...]:
        """Name and flag travel; rules, behaviors and what a subclass holds (clients, secrets) stay behind."""
        from sidecar_science.scientist.default import Default  # it is an Experiment: the loop ends here

        return Default, (self.name,), {"raise_on_mismatches": self._raises_on_mismatches()}

    def _register(self, verb: str, name: str, fn: F, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> F:
        expect_callable(verb, fn)
        self._expect_not_run(f"behavior {name}")
        if name in self._behaviors:
            raise BehaviorNotUnique(self, name)
        self._behaviors[name] = functools.partial(fn, *args, **kwargs) if args or kwargs else fn
        return fn

    def _expect_not_run(self, what: str) -> None:
        if self.has_run:
            raise RuntimeError(
                f"{self.name} has run, so its {what} cannot be added; make a new experiment for every run"
            )

    def _raises_on_mismatches(self) -> bool:
        chosen = self.raise_on_mismatches
        if chosen is None:
            flags = (vars(cls).get("raise_on_mismatches") for cls in type(self).__mro__)
            chosen = next(flag for flag in flags if flag is not None)
        return bool(chosen)
