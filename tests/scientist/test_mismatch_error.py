"""How a mismatch reads, and what of it survives."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pickle

import pytest

from sidecar_science.errors import BehaviorMissing, MismatchError
from sidecar_science.scientist import WITHHELD, Observation, Result

from .lab import AsGiven, HaltingLab, Lab, StrictLab, fail


class NotFound(Exception):
    """Another class of the same name may exist elsewhere, which is how refactorings go wrong."""


class Unspeakable(Exception):
    """Neither its message nor its repr can be had."""

    def __str__(self):
        raise ValueError("no message")

    __repr__ = __str__


def mismatch(control, candidate, experiment=None):
    experiment = experiment or StrictLab("widgets", random=AsGiven())
    experiment.use(control)
    experiment.try_(candidate)
    with pytest.raises(MismatchError) as caught:
        experiment.run()
    return caught.value


def run_a_mismatch():
    experiment = StrictLab("widgets", random=AsGiven())
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)
    experiment.run()


def test_values_read_as_their_reprs():
    """Each behavior stands on a line of its own with its value under it."""
    error = mismatch(lambda: {"a": 1}, lambda: None)

    assert str(error) == ("experiment 'widgets' observations mismatched:\ncontrol:\n  {'a': 1}\ncandidate:\n  None\n")


def test_an_error_reads_with_the_module_of_its_class():
    """So that two classes of one name can be told apart; the message is on the same line."""
    error = mismatch(lambda: 1, lambda: fail(NotFound("no such widget")))

    assert f"candidate:\n  #<{__name__}.NotFound: no such widget>\n    File " in str(error)


def test_a_traceback_begins_in_the_users_code():
    """Our own frame, in which the behavior was called, is left out."""
    error = mismatch(lambda: 1, lambda: fail(NotFound()))

    assert "observation.py" not in str(error)
    assert "test_mismatch_error.py" in str(error)


def test_an_error_that_was_never_raised_reads_without_a_traceback():
    """An observation can be made by hand, by an overridden generate_result."""
    experiment = Lab()
    control = Observation(name="control", experiment=experiment, exception=KeyError("k"))

    assert Result(experiment, [control], control).describe() == "control:\n  #<KeyError: 'k'>\n"


def test_what_cannot_be_shown_does_not_hide_the_mismatch():
    """A repr or a message that raises is named by its class."""
    error = mismatch(Unspeakable, lambda: fail(Unspeakable()))

    assert f"control:\n  <{__name__}.Unspeakable, whose repr raised>\n" in str(error)
    assert f"  #<{__name__}.Unspeakable: <{__name__}.Unspeakable, whose str raised>>\n" in str(error)


def test_a_cleaner_that_raises_withholds_the_value_and_does_not_hide_the_mismatch():
    """Also where `raised` raises again: it is told, and the text shows the placeholder."""

    class Strict(HaltingLab):
        raise_on_mismatches = True

    experiment = Strict()
    experiment.clean(lambda value: fail(ValueError(f"cannot clean {value}")))

    error = mismatch(lambda: "secret", lambda: "other", experiment)

    assert f"control:\n  {WITHHELD!r}\n" in str(error)
    assert "secret" not in str(error)
    assert experiment.troubles[0] == ("clean", "cannot clean secret")


def test_the_text_is_of_the_moment_of_the_mismatch():
    """Values that change later do not change what it says."""
    value = ["then"]

    error = mismatch(lambda: value, lambda: None)
    value[0] = "now"

    assert "['then']" in str(error)


def test_its_repr_quotes_no_value():
    """A log that reprs errors shows the names of behaviors."""
    error = mismatch(lambda: "secret", lambda: "other")

    assert repr(error) == ("MismatchError('widgets', <Result of 'widgets': mismatched=['candidate'] ignored=[]>)")


def test_it_comes_back_from_another_process():
    """A pool of processes brings text and judgement home, though the rules were lambdas."""
    # Not a fork: the test run has threads, and a child that is forked from them may wait for a lock for ever.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        error = pool.submit(run_a_mismatch).exception(timeout=30)

    assert isinstance(error, MismatchError)
    assert "control:\n  1\ncandidate:\n  2\n" in str(error)
    assert error.result.mismatched[0].value == 2


def test_a_subclass_and_notes_survive_pickling():
    """Class, attributes and notes are what they were."""
    experiment = StrictLab("widgets")
    experiment.raise_with(Annotated)

    error = mismatch(lambda: 1, lambda: 2, experiment)
    error.add_note("seen on a Monday")
    copied = pickle.loads(pickle.dumps(error))

    assert (type(copied), copied.ticket, copied.__notes__) == (Annotated, "T-1", ["seen on a Monday"])
    assert copied.args == ("widgets", copied.result)


class Annotated(MismatchError):
    def __init__(self, name, result):
        super().__init__(name, result)
        self.ticket = "T-1"


def test_errors_about_behaviors_survive_pickling_too():
    """Message, name and the experiment's name are kept."""
    error = pickle.loads(pickle.dumps(BehaviorMissing(Lab("widgets"), "api")))

    assert (str(error), error.name, error.experiment.name) == ("widgets missing api behavior", "api", "widgets")
