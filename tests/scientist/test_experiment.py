"""How an experiment is told what to do, and does it."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.scientist import BehaviorNotUnique, Default, Experiment, MismatchError

from .lab import AsGiven, Backwards, HandMovedClock, Lab, StrictLab, fail, names


def test_arguments_are_passed_on_and_all_keywords_of_use_belong_to_the_function():
    """`use` keeps no keyword for itself; `try_` keeps only `name`."""
    experiment = Lab()
    experiment.use(lambda *args, **kwargs: (args, kwargs), 1, name="n", fn="f", self="s")
    experiment.try_(lambda *args, **kwargs: (args, kwargs), 2, name="api", fn="f", given="g")

    assert experiment.run() == ((1,), {"name": "n", "fn": "f", "self": "s"})
    assert experiment.run("api") == ((2,), {"fn": "f", "given": "g"})


def test_use_and_try_are_decorators_that_give_the_function_back():
    """`@e.use`, `@e.try_` and `@e.try_(name=...)` all register and leave the function as it was."""
    experiment = Lab()

    def control():
        return 1

    def candidate(unit="m"):
        return unit

    given_back = [
        experiment.use(control),
        experiment.try_(candidate),
        experiment.try_(name="api")(candidate),
        experiment.try_(name="metric", unit="km")(candidate),
    ]

    assert given_back == [control, candidate, candidate, candidate]
    assert experiment.behaviors["api"] is candidate
    assert experiment.behaviors["metric"]() == "km"


def test_a_candidate_named_none_is_the_candidate():
    """As in Ruby, no name and a name of nothing are the same."""
    experiment = Lab()
    experiment.try_(lambda: 1, name=None)

    with pytest.raises(BehaviorNotUnique, match="candidate"):
        experiment.try_(lambda: 2)


@pytest.mark.parametrize("verb", ["use", "try_", "compare", "compare_errors", "clean", "ignore", "run_if"])
def test_what_cannot_be_called_is_refused_where_it_is_given(verb):
    """A value in place of a function is a TypeError that says so and does not quote the value."""
    with pytest.raises(TypeError, match=f"^{verb} was given a value of type str; give it the function itself"):
        getattr(Lab(), verb)("secret")


def test_every_rule_verb_gives_its_function_back():
    """So each of them can be used as a decorator."""
    experiment = Lab()

    for verb in ("compare", "compare_errors", "clean", "ignore", "run_if", "before_run", "after_run"):
        assert getattr(experiment, verb)(fail) is fail
    assert experiment.raise_with(KeyError) is KeyError


def test_a_subclass_need_not_call_our_constructor():
    """A class that only sets its own name works, like one that includes Ruby's mixin."""

    class Own(Experiment):
        def __init__(self, name):
            self.name = f"own {name}"

        def enabled(self):
            return True

        def publish(self, result):
            self.seen = result

    experiment = Own("widgets")
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)

    assert experiment.run() == 1
    assert experiment.seen.experiment_name == "own widgets"
    assert experiment.clock is SYSTEM_CLOCK


def test_an_experiment_without_a_name_is_called_experiment():
    """The name may also be an attribute or a property of the class."""

    class Named(Lab):
        def __init__(self):
            Experiment.__init__(self)
            self.published = []

    class Computed(Named):
        @property
        def name(self):
            return "computed"

    assert (Named().name, Computed().name) == ("experiment", "computed")


def test_clock_and_chance_come_in_by_the_constructor_or_by_the_class():
    """Both are seams: nothing of an experiment reads the time or rolls dice by itself."""

    class Fixed(Lab):
        clock = HandMovedClock()
        random = Backwards()

    experiment = Fixed()
    experiment.use(Fixed.clock.spend, 3.0)
    experiment.try_(lambda: None)
    experiment.run()
    own = Fixed(clock=HandMovedClock(), random=AsGiven())
    own.use(lambda: 1)
    own.try_(lambda: 1)
    own.run()

    assert names(experiment.result.observations) == ["candidate", "control"]
    assert experiment.result.control.duration == 3.0
    assert names(own.result.observations) == ["control", "candidate"]
    assert own.clock is not Fixed.clock


def test_value_keeps_what_the_last_run_gave():
    """Also when nothing was compared."""
    experiment = Lab()
    experiment.use(lambda: 1)
    assert (experiment.value, experiment.has_run) == (None, False)

    experiment.run()

    assert (experiment.value, experiment.has_run) == (1, True)


def test_publishing_can_be_stopped_by_an_error_that_is_no_exception():
    """What derives only from BaseException is nobody's to guard: an interrupt ends the run."""

    class Interrupted(Lab):
        def publish(self, result):
            raise KeyboardInterrupt

    experiment = Interrupted()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1)

    with pytest.raises(KeyboardInterrupt):
        experiment.run()
    assert experiment.troubles == []


def test_a_copied_experiment_is_a_default():
    """Copying is pickling to Python: the copy has the name, and neither rules nor behaviors."""
    experiment = Lab("widgets")
    experiment.use(lambda: 1)

    copied = copy.copy(experiment)

    assert (type(copied), copied.name, dict(copied.behaviors)) == (Default, "widgets", {})


def test_the_flag_for_raising_may_be_a_property():
    """A class can compute raise_on_mismatches, as from its settings."""

    class Computed(Lab):
        @property
        def raise_on_mismatches(self):
            return self.name == "strict"

    for name, expected in (("strict", [MismatchError]), ("mild", [])):
        experiment = Computed(name)
        experiment.use(lambda: 1)
        experiment.try_(lambda: 2)
        seen = []
        try:
            experiment.run()
        except MismatchError as error:
            seen.append(type(error))
        assert seen == expected


def test_a_flag_on_a_class_holds_for_its_subclasses_and_for_no_other():
    """Setting it on a class later counts too."""

    class Parent(StrictLab):
        pass

    class Child(Parent):
        pass

    Parent.raise_on_mismatches = False
    experiment = Child()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)

    assert experiment.run() == 1
    assert StrictLab.raise_on_mismatches is True


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    known=st.sets(st.integers(0, 3)),
    seed=st.integers(0, 99),
)
def test_every_candidate_is_matched_mismatched_or_ignored_and_the_control_answers(values, known, seed):
    """Whatever the values, the order and the ignored ones, nothing is lost, counted twice or given to the caller."""
    experiment = Lab(random=random.Random(seed))
    experiment.use(lambda: 0)
    for number, value in enumerate(values):
        experiment.try_(lambda value=value: value, name=number)
    experiment.ignore(lambda control, candidate: candidate in known)

    assert experiment.run() == 0

    result = experiment.result
    differing = result.mismatched + result.ignored
    matched = [each for each in result.candidates if each not in differing]
    assert len(matched) + len(differing) == len(values) == len(set(names(result.candidates)))
    assert all(each.value == 0 for each in matched)
    assert all(each.value in known for each in result.ignored)
    assert not any(each.value in known | {0} for each in result.mismatched)
    assert result.is_matched == (not differing)
