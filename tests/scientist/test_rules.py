"""Rules by themselves: one container, asked on behalf of many runs."""

from __future__ import annotations

import pytest

from sidecar_science.scientist import WITHHELD, Observation, Ruled, Rules, guarded

from .lab import Lab, fail


@pytest.fixture
def told():
    """What `raised` was told."""
    return []


@pytest.fixture
def raised(told):
    """A `raised` that remembers and returns."""
    return lambda operation, error: told.append((operation, str(error)))


def test_guarded_gives_what_the_function_gives(raised, told):
    """Nothing is told when nothing is wrong."""
    assert guarded("publish", raised, None, max, 1, 2) == 2
    assert told == []


def test_guarded_tells_and_falls_back(raised, told):
    """An Exception is told with its operation, and the fallback takes its place."""
    assert guarded("publish", raised, "fallback", fail, OSError("down")) == "fallback"
    assert told == [("publish", "down")]


def test_guarded_lets_through_what_raised_raises_and_what_is_no_exception(raised, told):
    """Telling may halt the run, and interrupts are nobody's to swallow."""
    with pytest.raises(LookupError):
        guarded("publish", lambda operation, error: fail(LookupError()), None, fail, OSError())
    with pytest.raises(KeyboardInterrupt):
        guarded("publish", raised, None, fail, KeyboardInterrupt())
    assert told == []


def test_rules_without_functions_allow_everything_but_difference(raised):
    """They run, compare with `==`, ignore nothing and clean nothing."""
    rules = Rules()
    one, two = (Observation.of("any", Lab(), lambda value=value: value) for value in (1, 2))

    assert rules.allow_run(raised) is True
    assert (rules.agree(one, one, raised), rules.agree(one, two, raised)) == (True, False)
    assert rules.ignored(1, 2, raised) is False
    assert rules.cleaned("raw", raised) == "raw"


def test_rules_that_raise_give_the_safe_answer(raised, told):
    """No run, a mismatch, not ignored, withheld."""
    rules = Rules(
        run_if=lambda: fail(ValueError("a")),
        comparator=lambda control, candidate: fail(ValueError("b")),
        ignores=[lambda: fail(ValueError("c"))],
        cleaner=lambda value: fail(ValueError("d")),
    )
    one = Observation.of("any", Lab(), lambda: 1)

    answers = [
        rules.allow_run(raised),
        rules.agree(one, one, raised),
        rules.ignored(1, 2, raised),
        rules.cleaned(0, raised),
    ]

    assert answers == [False, False, False, WITHHELD]
    assert told == [("run_if", "a"), ("compare", "b"), ("ignore", "c"), ("clean", "d")]


def test_an_answer_is_made_a_truth_inside_the_guard(raised, told):
    """An answer that has no truth is an error of the rule that gave it."""

    class Undecided:
        def __bool__(self):
            raise ValueError("ambiguous")

    rules = Rules(run_if=Undecided, ignores=[Undecided])

    assert (rules.allow_run(raised), rules.ignored(1, 2, raised)) == (False, False)
    assert told == [("run_if", "ambiguous"), ("ignore", "ambiguous")]


class Owner:
    def method(self, control, candidate):
        return (control, candidate) == (1, 2)


@pytest.mark.parametrize(
    "rule",
    [
        lambda: True,
        lambda control: control == 1,
        lambda control, candidate: (control, candidate) == (1, 2),
        lambda control, candidate, tolerance=0: (control, candidate, tolerance) == (1, 2, 0),
        lambda *values: values == (1, 2),
        lambda **options: options == {},
        lambda control, /, *, strict=True: strict and control == 1,
        Owner().method,
        max,
    ],
)
def test_an_ignore_rule_gets_as_many_values_as_it_takes(rule, raised, told):
    """As a Ruby block does; functions that do not tell (some builtins) get both."""
    assert Rules(ignores=[rule]).ignored(1, 2, raised) is True
    assert told == []


def test_ruled_gives_the_verbs_to_whoever_has_rules():
    """Another kind of experiment can take the verbs without being an `Experiment`."""

    class Mine(Ruled):
        def __init__(self):
            self.rules = Rules()

    mine = Mine()
    mine.ignore(max)
    mine.clean(str)
    mine.compare_errors(fail)

    assert (mine.rules.ignores, mine.cleaner, mine.rules.error_comparator) == ([max], str, fail)
