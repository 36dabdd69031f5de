"""What an observation knows of one behavior."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from sidecar_science.scientist import LeftBehind, Observation

from .lab import HandMovedClock, Lab, fail


class Demanding(Exception):
    """It can be pickled, and not be made again: its constructor asks for more than its args hold."""

    def __init__(self, code, *, reason):
        super().__init__(f"{code}: {reason}")


def observe(fn, experiment=None, **more):
    return Observation.of("control", experiment or Lab(), fn, **more)


def carried(observation):
    return pickle.loads(pickle.dumps(observation))


def test_an_observation_tells_value_or_exception():
    """One of them is None, and `raised` tells which."""
    error = KeyError("k")

    answered, raised = observe(lambda: 5), observe(lambda: fail(error))

    assert (answered.value, answered.exception, answered.raised) == (5, None, False)
    assert (raised.value, raised.exception, raised.raised) == (None, error, True)


def test_time_is_measured_also_when_the_behavior_raises():
    """Seconds before an exception count."""
    clock = HandMovedClock()

    def late():
        clock.spend(2.0, cpu=1.0)
        raise OSError

    observation = observe(late, Lab(clock=clock))

    assert (observation.duration, observation.cpu_time) == (2.0, 1.0)


def test_two_observations_are_equal_only_when_they_are_the_same():
    """Equality asks no foreign `==`, so that lists of observations work with values of any kind."""
    experiment = Lab()
    one = observe(lambda: 1, experiment, fabricated=1.0)
    twin = observe(lambda: 1, experiment, fabricated=1.0)

    assert one == one
    assert one != twin
    assert len({one, twin}) == 2


def test_a_repr_quotes_no_value():
    """It ends up in logs, where the value was not cleaned for."""
    observation = observe(lambda: "secret", fabricated=0.5)
    error = observe(lambda: fail(KeyError("secret")), fabricated=0.5)

    assert repr(observation) == "Observation(name='control', duration=0.5, cpu_time=0.0)"
    assert repr(error) == repr(observation)


def test_a_value_whose_equality_has_no_truth_is_for_compare():
    """Comparing such values raises here, and an experiment tells "compare" about it."""

    class Columns:
        def __eq__(self, other):
            return Undecided()

        __hash__ = None

    class Undecided:
        def __bool__(self):
            raise ValueError("ambiguous")

    one, other = observe(Columns), observe(Columns)

    with pytest.raises(ValueError, match="ambiguous"):
        one.equivalent_to(other)
    assert one.equivalent_to(other, lambda control, candidate: True) is True


def test_the_cleaned_value_is_made_when_it_is_asked_for():
    """Lazily and every time, by the cleaner of that moment."""
    experiment = Lab()
    observation = observe(lambda: 1, experiment)
    assert observation.cleaned_value == 1

    experiment.clean(lambda value: value + 1)

    assert observation.cleaned_value == 2


def test_a_pickled_observation_brings_its_cleaned_value_along():
    """The rules stay behind, so a copy of a copy still shows the cleaned value and not the raw one."""
    experiment = Lab()
    experiment.clean(lambda value: "clean")

    copied = carried(carried(observe(lambda: "raw", experiment, fabricated=1.5)))

    assert (copied.value, copied.cleaned_value) == ("raw", "clean")
    assert (copied.name, copied.duration, copied.cpu_time, copied.raised) == ("control", 1.5, 0.0, False)


def test_a_value_that_cannot_be_pickled_is_left_behind_by_name():
    """A stand-in with the name of its class takes its place, and the cleaned value still travels."""
    experiment = Lab()
    observation = observe(threading.Lock, experiment)

    uncleaned = carried(observation)
    experiment.clean(lambda value: "a lock")
    cleaned = carried(observation)

    assert uncleaned.value == uncleaned.cleaned_value == LeftBehind("_thread.lock")
    assert repr(uncleaned.value) == "<left behind: a value of _thread.lock>"
    assert (cleaned.value, cleaned.cleaned_value) == (LeftBehind("_thread.lock"), "a lock")


@pytest.mark.parametrize("local", [False, True])
def test_an_exception_that_cannot_be_pickled_is_left_behind_by_class_and_message(local):
    """Whether its class cannot be found or its constructor cannot be called: the copy raised, and says what."""

    class Local(Exception):
        pass

    error = Local("gone") if local else Demanding(4, reason="gone")

    copied = carried(observe(lambda: fail(error)))

    assert type(copied.exception) is Exception
    assert str(copied.exception).startswith(f"{__name__}.")
    assert str(copied.exception).endswith("gone")
    assert copied.raised


def test_an_exception_that_can_be_pickled_stays_what_it_is():
    """Its class and its arguments survive."""
    copied = carried(observe(lambda: fail(KeyError("k"))))

    assert (type(copied.exception), copied.exception.args) == (KeyError, ("k",))


def test_a_deep_copy_is_the_carried_form():
    """Copying is pickling to Python: an observation can be copied whatever its value is."""
    assert copy.deepcopy(observe(threading.Lock)).value == LeftBehind("_thread.lock")
