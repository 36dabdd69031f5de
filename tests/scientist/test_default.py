"""The experiment for those who have not chosen one."""

from __future__ import annotations

import pytest

from sidecar_science.scientist import Default, Experiment

from .lab import fail


def test_default_only_ever_runs_the_control():
    """It is never enabled, whatever it is told."""
    experiment = Default("widgets")
    experiment.use(lambda: 1)
    experiment.try_(fail, AssertionError("the candidate must not run"))
    experiment.run_if(lambda: True)

    assert experiment.run() == 1


def test_default_publishes_nothing():
    """Not even when asked directly."""
    assert Default("widgets").publish(None) is None


def test_an_experiment_must_say_whether_it_is_enabled_and_where_it_publishes():
    """There is no silent default: a class without the two verbs cannot be made."""

    class Silent(Experiment):
        def enabled(self):
            return True

    with pytest.raises(TypeError, match="publish"):
        Silent("widgets")
