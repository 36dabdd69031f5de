"""How a result sorts its observations."""

from __future__ import annotations

import json
import pickle

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.scientist import Observation, Result

from .lab import Lab, names


def result_of(experiment, control, *candidates):
    """A result whose candidates are named by their values."""
    first = Observation.of("control", experiment, lambda: control)
    rest = [Observation.of(str(value), experiment, lambda value=value: value) for value in candidates]
    return Result(experiment, [*rest, first], first)


def test_all_equal_is_matched():
    """No candidate differs."""
    result = result_of(Lab(), 1, 1, 1)

    assert (result.is_matched, result.is_mismatched, result.is_ignored) == (True, False, False)
    assert (result.mismatched, result.ignored) == ([], [])


def test_only_ignored_is_neither_matched_nor_mismatched():
    """An ignored difference is still a difference."""
    experiment = Lab()
    experiment.ignore(lambda: True)

    result = result_of(experiment, 1, 2, 1)

    assert (result.is_matched, result.is_mismatched, result.is_ignored) == (False, False, True)
    assert names(result.ignored) == ["2"]


def test_each_list_is_a_copy():
    """Changing what a result gave does not change the result."""
    result = result_of(Lab(), 1, 2)

    for some in (result.observations, result.candidates, result.mismatched, result.ignored):
        some.clear()
    result.context["user"] = 7

    assert (len(result.observations), len(result.candidates), len(result.mismatched)) == (2, 1, 1)
    assert result.context == {}


def test_a_context_can_be_written_as_json():
    """It is a plain dict: the first thing a publisher does with it."""
    experiment = Lab()
    experiment.context(user=7)

    assert json.dumps(result_of(experiment, 1).context) == '{"user": 7}'


def test_candidates_are_compared_once_when_the_result_is_made():
    """Rules are not asked again by reading the result."""
    asked = []
    experiment = Lab()
    experiment.compare(lambda control, candidate: asked.append((control, candidate)))
    result = result_of(experiment, 1, 2, 3)

    assert len(result.mismatched) == len(result.mismatched) == 2
    assert asked == [(1, 2), (1, 3)]


def test_a_repr_names_behaviors_and_quotes_no_value():
    """It says how the run ended."""
    result = result_of(Lab(), "secret", "public")

    assert repr(result) == "<Result of 'widgets': mismatched=['public'] ignored=[]>"


def test_a_pickled_result_keeps_its_judgement_without_judging_again():
    """Mismatched, ignored and the control are what they were, though the rules are gone."""
    experiment = Lab()
    experiment.context(user=7)
    experiment.ignore(lambda control, candidate: candidate == 3)
    experiment.compare(lambda control, candidate: candidate == 4)

    result = pickle.loads(pickle.dumps(result_of(experiment, 1, 2, 3, 4)))

    assert (names(result.mismatched), names(result.ignored)) == (["2"], ["3"])
    assert (names(result.candidates), result.control.name) == (["2", "3", "4"], "control")
    assert (result.experiment_name, result.context) == ("widgets", {})
    assert result.experiment is result.control.experiment


def test_anything_that_can_judge_can_own_a_result():
    """Observations and results ask five things of their experiment, and no base class."""

    class Always:
        name = "always"
        clock = SYSTEM_CLOCK

        def context(self):
            return {}

        def observations_are_equivalent(self, control, candidate):
            return False

        def ignore_mismatched_observation(self, control, candidate):
            return True

        def clean_value(self, value):
            return "clean"

    result = result_of(Always(), 1, 1)

    assert (names(result.ignored), result.control.cleaned_value) == (["1"], "clean")


def test_a_result_is_frozen():
    """Nothing can be set on it."""
    with pytest.raises(AttributeError):
        result_of(Lab(), 1).experiment = None
