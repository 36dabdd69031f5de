"""An experiment as a ``with`` block."""

from __future__ import annotations

import pytest

from sidecar_science.scientist import Default, science, set_default

from .lab import Lab, fail


@pytest.fixture(autouse=True)
def lab():
    """`science` makes Labs in these tests, and Defaults again after them."""
    set_default(Lab)
    yield
    set_default(None)


def test_leaving_the_block_runs_the_experiment():
    """`e.value` holds what the control gave."""
    with science("widgets") as e:
        e.use(lambda: 1)
        e.try_(lambda: 2)
        assert not e.has_run

    assert (e.value, e.name, len(e.published)) == (1, "widgets", 1)


def test_a_block_that_ran_its_experiment_is_not_run_again():
    """Also when that run raised and the block dealt with it."""
    with science("widgets") as e:
        e.use(lambda: 1)
        e.try_(lambda: 2)
        assert e.run() == 1
    with science("widgets") as failed:
        failed.use(fail, KeyError())
        failed.try_(lambda: 2)
        with pytest.raises(KeyError):
            failed.run()

    assert (len(e.published), len(failed.published)) == (1, 1)


@pytest.mark.parametrize("inside", [False, True])
def test_run_names_the_behavior_that_answers(inside):
    """`run="api"` holds for leaving the block and for `e.run()` alike."""
    with science("widgets", run="api") as e:
        e.use(lambda: 1)
        e.try_(lambda: 2, name="api")
        if inside:
            assert e.run() == 2

    assert e.value == 2
    assert e.run("control") == 1


def test_a_block_that_raises_runs_nothing():
    """Its own error goes on, and no behavior is called."""
    with pytest.raises(ZeroDivisionError), science("widgets") as e:
        e.use(fail, AssertionError("the control must not run"))
        _ = 1 / 0

    assert not e.has_run


def test_what_the_control_raises_leaves_the_block_as_it_is():
    """Even a StopIteration, which a generator would turn into something else."""
    with pytest.raises(StopIteration), science("widgets") as e:
        e.use(next, iter([]))
        e.try_(lambda: 2)

    assert len(e.published) == 1


def test_one_science_can_be_entered_again():
    """Each time it makes a new experiment."""
    block = science("widgets")

    with block as first:
        first.use(lambda: 1)
    with block as second:
        second.use(lambda: 2)

    assert (first.value, second.value) == (1, 2)


def test_set_default_takes_any_maker_and_is_a_class_decorator():
    """It gives back what it got, and what it got makes the experiments from then on."""

    @set_default
    class Mine(Lab):
        pass

    with science("widgets") as e:
        e.use(lambda: 1)
    assert type(e) is Mine

    set_default(lambda name: Mine(f"my {name}"))
    with science("widgets") as e:
        e.use(lambda: 1)
    assert e.name == "my widgets"

    assert set_default(None) is None
    with science("widgets") as e:
        e.use(lambda: 1)
    assert type(e) is Default
