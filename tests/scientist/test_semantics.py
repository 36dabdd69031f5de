"""The thirty semantics of GitHub Scientist 1.6 that this port promises, one test each."""

from __future__ import annotations

import pickle
import random
import threading

import pytest

import sidecar_science.errors
from sidecar_science.scientist import (
    WITHHELD,
    BadBehavior,
    BehaviorMissing,
    BehaviorNotUnique,
    Default,
    Experiment,
    MismatchError,
    Observation,
    Result,
    science,
    set_default,
)

from .lab import AsGiven, Backwards, HaltingLab, HandMovedClock, Lab, StrictLab, fail, names


def test_01_use_is_try_named_control_and_names_become_text():
    """`use` registers "control", `try_` registers "candidate", and any other name becomes a str."""
    experiment = Lab()

    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)
    experiment.try_(lambda: 3, name=7)

    assert list(experiment.behaviors) == ["control", "candidate", "7"]


def test_02_a_name_taken_is_behavior_not_unique():
    """Registering a name twice raises BehaviorNotUnique, which tells experiment and name."""
    experiment = Lab("widgets")
    experiment.try_(lambda: 1, name="api")

    with pytest.raises(BehaviorNotUnique, match=r"^widgets already has api behavior$") as caught:
        experiment.try_(lambda: 2, name="api")

    assert (caught.value.experiment, caught.value.name) == (experiment, "api")
    assert isinstance(caught.value, BadBehavior)


def test_03_running_without_the_behavior_is_behavior_missing():
    """Running a name that nobody registered raises BehaviorMissing, also when the experiment is off."""
    experiment = Lab("widgets")
    experiment.on = False
    experiment.try_(lambda: 1)

    with pytest.raises(BehaviorMissing, match=r"^widgets missing control behavior$") as caught:
        experiment.run()

    assert (caught.value.experiment, caught.value.name) == (experiment, "control")


def test_04_any_behavior_can_play_the_control_and_control_then_is_a_candidate():
    """`run("api")` answers with "api", and "control" becomes one of its candidates; None means "control"."""
    experiment = Lab()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2, name="api")
    experiment.try_(lambda: 3)

    assert experiment.run("api") == 2
    assert experiment.run(None) == 1

    first, second = experiment.published
    assert first.control.name == "api"
    assert sorted(names(first.candidates)) == ["candidate", "control"]
    assert second.control.name == "control"


@pytest.mark.parametrize("reason", ["alone", "off", "run_if"])
def test_05_when_nothing_is_compared_the_control_is_only_called(reason):
    """With one behavior, when off or when run_if says no: no hook, no observation, no publishing, and raw errors."""
    hooks = []
    experiment = Lab()
    experiment.use(fail, KeyError("raw"))
    if reason != "alone":
        experiment.try_(hooks.append, "candidate ran")
    experiment.on = reason != "off"
    experiment.run_if(lambda: reason != "run_if")
    experiment.before_run(lambda: hooks.append("before"))
    experiment.after_run(lambda result: hooks.append("after"))

    with pytest.raises(KeyError, match="raw"):
        experiment.run()

    assert (hooks, experiment.published, experiment.troubles) == ([], [], [])


def test_06_the_gates_are_asked_in_order_and_default_is_never_enabled():
    """Number of behaviors, then enabled, then run_if; a class must give enabled and publish, and Default is off."""
    asked = []

    class Asked(Lab):
        def enabled(self):
            asked.append("enabled")
            return self.on

    alone, off, on = Asked(), Asked(), Asked()
    for experiment in (alone, off, on):
        experiment.use(lambda: 1)
        experiment.run_if(lambda: asked.append("run_if"))
    off.try_(lambda: 1)
    on.try_(lambda: 1)
    off.on = False

    assert [alone.run(), list(asked)] == [1, []]
    assert [off.run(), list(asked)] == [1, ["enabled"]]
    assert [on.run(), list(asked)] == [1, ["enabled", "enabled", "run_if"]]

    with pytest.raises(TypeError, match=r"enabled.*publish"):
        type("Nothing", (Experiment,), {})("nothing")
    assert Default("off").enabled() is False


def test_07_a_gate_that_raises_is_told_and_only_the_control_runs():
    """`enabled` and `run_if` that raise are told; if telling run_if's error raises, "enabled" is told it as well."""
    calm, halting = Lab(), HaltingLab()
    for experiment in (calm, halting):
        experiment.use(lambda: 1)
        experiment.try_(fail, AssertionError("the candidate must not run"))
        experiment.run_if(lambda: fail(ValueError("no flag")))

    assert calm.run() == 1
    with pytest.raises(ValueError, match="no flag"):
        halting.run()

    assert calm.troubles == [("run_if", "no flag")]
    assert halting.troubles == [("run_if", "no flag"), ("enabled", "no flag")]

    class Broken(Lab):
        def enabled(self):
            raise ValueError("no switch")

    broken = Broken()
    broken.use(lambda: 1)
    broken.try_(lambda: 2)
    assert broken.run() == 1
    assert broken.troubles == [("enabled", "no switch")]


def test_08_behaviors_and_context_are_fixed_by_the_run_and_running_twice_is_legal():
    """After `run` nothing can be added, and another `run` does it all again."""
    experiment = Lab("widgets")
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1)

    assert [experiment.run(), experiment.run()] == [1, 1]

    assert len(experiment.published) == 2
    with pytest.raises(RuntimeError, match="widgets has run, so its behavior late cannot be added; make a new"):
        experiment.try_(lambda: 1, name="late")
    with pytest.raises(RuntimeError, match="its context cannot be added"):
        experiment.context(late=True)
    with pytest.raises(TypeError):
        experiment.behaviors["late"] = lambda: 1
    with pytest.raises(TypeError):
        experiment.context()["late"] = True


def test_09_behaviors_run_in_random_order_and_observations_keep_it():
    """Every run shuffles anew, and `observations` stand in the order in which the behaviors ran."""
    ran = []
    experiment = Lab(random=random.Random(1))
    for name in ("control", "b", "c", "d"):
        experiment.try_(ran.append, name, name=name)

    for _ in range(20):
        experiment.run()

    orders = [tuple(names(result.observations)) for result in experiment.published]
    assert [name for order in orders for name in order] == ran
    assert len(set(orders)) > 10


def test_10_before_run_and_after_run_are_called_once_around_the_behaviors_and_are_not_guarded():
    """before_run comes first, after_run before publishing, and what they raise reaches the caller."""
    seen = []

    class Seen(Lab):
        def publish(self, result):
            seen.append(("publish", result))

    experiment = Seen()
    experiment.use(seen.append, "behavior")
    experiment.try_(seen.append, "behavior")
    experiment.before_run(lambda: seen.append("before"))
    experiment.after_run(lambda result: seen.append(("after", result)))
    experiment.run()

    (_, given), (_, published) = seen[3:]
    assert seen == ["before", "behavior", "behavior", ("after", given), ("publish", published)]
    assert given is published

    for hook in ("before_run", "after_run"):
        broken = Lab()
        broken.use(lambda: 1)
        broken.try_(lambda: 1)
        getattr(broken, hook)(lambda *_, hook=hook: fail(OSError(hook)))
        with pytest.raises(OSError, match=hook):
            broken.run()
        assert (broken.published, broken.troubles) == ([], [])


def test_11_an_observation_is_frozen_and_holds_any_exception_even_interrupts():
    """A candidate's SystemExit or KeyboardInterrupt is swallowed, the control's comes last; RESCUES can be narrowed."""
    experiment = Lab()
    experiment.use(fail, KeyboardInterrupt())
    experiment.try_(fail, SystemExit(3))

    with pytest.raises(KeyboardInterrupt):
        experiment.run()

    control, (candidate,) = experiment.result.control, experiment.result.candidates
    assert (control.name, control.value, control.raised, control.experiment) == ("control", None, True, experiment)
    assert isinstance(candidate.exception, SystemExit)
    with pytest.raises(AttributeError):
        candidate.value = 1

    Observation.RESCUES[:] = [Exception]
    try:
        narrow = Lab(random=AsGiven())
        narrow.try_(fail, SystemExit(3))
        narrow.use(lambda: 1)
        with pytest.raises(SystemExit):
            narrow.run()
    finally:
        Observation.RESCUES[:] = [BaseException]
    assert narrow.published == []


def test_12_duration_is_monotonic_wall_time_and_cpu_time_is_the_whole_process():
    """Both are float seconds; the CPU time of other threads counts."""

    class Cores(HandMovedClock):
        def cpu(self):
            return fail(AssertionError("the thread's own CPU time is not what Scientist reports"))

        def wall(self):
            return fail(AssertionError("wall clocks go back"))

    clock = Cores()
    experiment = Lab(clock=clock)
    experiment.use(clock.spend, 2.0, cpu=3.5)
    experiment.try_(clock.spend, 0.25)
    experiment.run()

    control, (candidate,) = experiment.result.control, experiment.result.candidates
    assert (control.duration, control.cpu_time) == (2.0, 3.5)
    assert (candidate.duration, candidate.cpu_time) == (0.25, 0.0)


def test_13_fabricated_durations_stand_in_for_measured_ones_by_name():
    """A number is the duration and no CPU time, a mapping gives both, and a name left out is measured for real."""
    clock = HandMovedClock()
    experiment = Lab(clock=clock)
    for name in ("control", "number", "mapping", "partly"):
        experiment.try_(clock.spend, 1.0, cpu=0.5, name=name)
    experiment.fabricate_durations_for_testing_purposes(
        {"number": 0, "mapping": {"duration": 5.0, "cpu_time": 4.0}, "partly": {"cpu_time": 9.0}}
    )

    experiment.run()

    seconds = {each.name: (each.duration, each.cpu_time) for each in experiment.result.observations}
    assert seconds == {"control": (1.0, 0.5), "number": (0, 0.0), "mapping": (5.0, 4.0), "partly": (1.0, 9.0)}


def test_14_equivalence_is_by_value_or_by_class_and_message_with_the_control_on_the_left():
    """If either side raised, errors decide (one may be None); otherwise values; a stranger is never equivalent."""
    experiment = Lab()
    calls = []

    def told(*sides):
        calls.append(sides)
        return "truthy"

    def observe(fn, *args):
        return Observation.of("any", experiment, lambda: fn(*args))

    one, uno, two = observe(int, "1"), observe(int, "1"), observe(int, "2")
    boom, same, other = (observe(fail, error) for error in (ValueError("a"), ValueError("a"), ValueError("b")))
    kin = observe(fail, UnicodeError("a"))

    assert one.equivalent_to(uno) is True
    assert [one.equivalent_to(left) for left in (two, boom, 1, None)] == [False] * 4
    assert [boom.equivalent_to(left) for left in (same, other, kin, one)] == [True, False, False, False]
    assert one.equivalent_to(two, told, fail) is True
    assert boom.equivalent_to(one, fail, told) is True
    assert one.equivalent_to(boom, fail, told) is True
    assert calls == [(1, 2), (boom.exception, None), (None, boom.exception)]


@pytest.mark.parametrize("raising", [False, True])
def test_15_a_comparison_that_raises_is_told_and_counts_as_a_mismatch(raising):
    """`compare` and `compare_errors` that raise are both told as "compare"."""
    experiment = Lab()
    experiment.use(fail, KeyError("k")) if raising else experiment.use(lambda: 1)
    experiment.try_(lambda: 1)
    experiment.compare(lambda control, candidate: fail(ValueError("cannot say")))
    experiment.compare_errors(lambda control, candidate: fail(ValueError("cannot say")))

    if raising:
        with pytest.raises(KeyError):
            experiment.run()
    else:
        assert experiment.run() == 1

    assert experiment.troubles == [("compare", "cannot say")]
    assert names(experiment.result.mismatched) == ["candidate"]


def test_16_ignore_rules_are_asked_in_turn_about_mismatches_only_until_one_says_so():
    """They get the values (None of one that raised), may take fewer, and one that raises is told and passed over."""
    asked = []
    experiment = Lab()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1, name="equal")
    experiment.try_(fail, OSError(), name="raises")
    experiment.ignore(lambda: asked.append("nothing"))
    experiment.ignore(lambda control, candidate: asked.append((control, candidate)))
    experiment.ignore(lambda control: fail(ValueError("cannot say")))
    experiment.ignore(lambda: True)
    experiment.ignore(lambda: asked.append("too late"))

    experiment.run()

    assert asked == ["nothing", (1, None)]
    assert experiment.troubles == [("ignore", "cannot say")]
    assert names(experiment.result.ignored) == ["raises"]


def test_17_a_result_sorts_its_candidates_and_ignored_is_not_matched():
    """Ignored and mismatched candidates can stand side by side; a result is frozen."""
    experiment = Lab("widgets")
    experiment.context(user=7)
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1, name="same")
    experiment.try_(lambda: 2, name="wrong")
    experiment.try_(lambda: 3, name="known")
    experiment.ignore(lambda control, candidate: candidate == 3)
    experiment.run()

    result = experiment.result
    assert (names(result.mismatched), names(result.ignored)) == (["wrong"], ["known"])
    assert (result.is_matched, result.is_mismatched, result.is_ignored) == (False, True, True)
    assert sorted(names(result.candidates)) == ["known", "same", "wrong"]
    assert (result.control.value, len(result.observations)) == (1, 4)
    assert (result.experiment_name, result.context, result.experiment) == ("widgets", {"user": 7}, experiment)
    with pytest.raises(AttributeError):
        result.control = None


def test_18_clean_serves_publishing_only_and_fails_closed():
    """The last cleaner wins, is not used for comparing nor asked about None; when it raises, the value is withheld."""
    experiment = Lab()
    experiment.use(lambda: ["secret", 1])
    experiment.try_(lambda: ["secret", 2])
    experiment.try_(lambda: False, name="false")
    experiment.try_(lambda: None, name="none")
    experiment.clean(fail)
    last = experiment.clean(lambda value: "clean")
    experiment.run()
    result = experiment.result

    assert experiment.cleaner is last
    assert {each.name: each.cleaned_value for each in result.observations} == {
        "control": "clean",
        "candidate": "clean",
        "false": "clean",
        "none": None,
    }
    assert len(result.mismatched) == 3

    experiment.clean(lambda value: fail(ValueError(f"cannot clean {value}")))
    assert result.control.cleaned_value == WITHHELD
    assert experiment.troubles == [("clean", "cannot clean ['secret', 1]")]
    assert "secret" not in WITHHELD


def test_19_context_merges_and_inline_wins_over_the_class():
    """`context` adds, gives the whole, and starts from default_scientist_context."""

    class Informed(Lab):
        def default_scientist_context(self):
            return {"host": "web-1", "user": None}

    experiment = Informed()

    assert experiment.context({"user": 7}, page="home") == {"host": "web-1", "user": 7, "page": "home"}
    assert experiment.context() == {"host": "web-1", "user": 7, "page": "home"}
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1)
    experiment.run()
    assert experiment.result.context == {"host": "web-1", "user": 7, "page": "home"}


def test_20_publishing_that_raises_is_told_and_the_control_still_answers():
    """A cleaner that raises is told while publishing asks for the cleaned value, and not before."""

    class Printing(HaltingLab):
        def publish(self, result):
            assert self.troubles == []
            return result.control.cleaned_value

    experiment = Printing()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 1)
    experiment.clean(lambda value: fail(ValueError("unclean")))
    with pytest.raises(ValueError, match="unclean"):
        experiment.run()
    assert experiment.troubles == [("clean", "unclean"), ("publish", "unclean")]

    class Unpublished(Lab):
        def publish(self, result):
            raise OSError("no network")

    calm = Unpublished()
    calm.use(lambda: 1)
    calm.try_(lambda: 1)
    assert calm.run() == 1
    assert calm.troubles == [("publish", "no network")]


def test_21_raised_raises_again_by_default_and_knows_six_operations():
    """Clean, compare, enabled, ignore, publish and run_if are told by name; by default an error halts the run."""
    told = []

    class Telling(Experiment):
        def enabled(self):
            return fail(ValueError()) if "compare" in told else True

        def publish(self, result):
            assert result.control.cleaned_value == WITHHELD
            raise ValueError

        def raised(self, operation, error):
            told.append(operation)

    experiment = Telling("widgets")
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)
    for rule in ("compare", "ignore", "clean"):
        getattr(experiment, rule)(lambda *_: fail(ValueError()))
    experiment.run()
    experiment.run()
    gated = Lab()
    gated.use(lambda: 1)
    gated.try_(lambda: 1)
    gated.run_if(lambda: fail(ValueError()))
    gated.run()

    assert told == ["compare", "ignore", "clean", "publish", "enabled"]
    assert gated.troubles == [("run_if", "")]
    with pytest.raises(ValueError, match="again"):
        Default("widgets").raised("compare", ValueError("again"))


def test_22_raise_on_mismatches_is_a_class_flag_that_an_instance_may_override():
    """It is asked after publishing and before the control's own error, None inherits, and ignored mismatches pass."""

    def mismatch(experiment, flag=None):
        experiment.raise_on_mismatches = flag
        experiment.use(fail, KeyError("control"))
        experiment.try_(lambda: 2)
        with pytest.raises((MismatchError, KeyError)) as caught:
            experiment.run()
        assert len(experiment.published) == 1
        return caught.type

    class Unsure(StrictLab):
        raise_on_mismatches = None

    assert [mismatch(Lab()), mismatch(StrictLab()), mismatch(Unsure())] == [KeyError, MismatchError, MismatchError]
    assert [mismatch(Lab(), True), mismatch(StrictLab(), False)] == [MismatchError, KeyError]

    ignoring = StrictLab()
    ignoring.ignore(lambda: True)
    assert mismatch(ignoring) is KeyError


def test_23_a_mismatch_error_passes_except_exception_and_can_be_another_class():
    """It derives from BaseException and holds name and result; raise_with names a class that takes both."""

    class Unequal(AssertionError):
        pass

    errors = []
    for error_class in (MismatchError, Unequal):
        experiment = StrictLab("widgets")
        experiment.raise_with(error_class)
        experiment.use(lambda: 1)
        experiment.try_(lambda: 2)
        with pytest.raises(error_class) as caught:
            experiment.run()
        errors.append((caught.value, experiment.result))

    (mismatch, result), (own, own_result) = errors
    assert (mismatch.name, mismatch.result) == ("widgets", result)
    assert not isinstance(mismatch, Exception)
    assert own.args == ("widgets", own_result)


def test_24_a_mismatch_error_shows_every_observation_with_cleaned_values():
    """Matching candidates are listed too, an error as its class and message and the lines of its traceback."""
    experiment = StrictLab("widgets", random=Backwards())
    experiment.try_(fail, KeyError("lost"), name="raises")
    experiment.try_(lambda: "same", name="matches")
    experiment.try_(lambda: "Other", name="differs")
    experiment.use(lambda: "same")
    experiment.clean(str.upper)

    with pytest.raises(MismatchError) as caught:
        experiment.run()

    before, lines = str(caught.value).split("  #<KeyError: 'lost'>\n")
    assert before == (
        "experiment 'widgets' observations mismatched:\n"
        "control:\n  'SAME'\ndiffers:\n  'OTHER'\nmatches:\n  'SAME'\nraises:\n"
    )
    assert "in fail" in lines
    assert all(line.startswith("    ") for line in lines.splitlines())
    assert lines.endswith("\n")


def test_25_mismatch_errors_and_experiments_can_be_pickled_without_their_rules():
    """Name, flag, judgement and text travel; functions, and what else the experiment holds, stay behind."""
    experiment = StrictLab("widgets")
    experiment.connection = threading.Lock()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2)
    experiment.clean(lambda value: f"about {value}")
    with pytest.raises(MismatchError) as caught:
        experiment.run()

    error = pickle.loads(pickle.dumps(caught.value))

    assert (type(error), error.name, str(error)) == (MismatchError, "widgets", str(caught.value))
    assert (error.result.control.value, error.result.control.cleaned_value) == (1, "about 1")
    assert (names(error.result.mismatched), error.result.is_mismatched) == (["candidate"], True)
    assert error.result.control in error.result.observations
    carried = pickle.loads(pickle.dumps(experiment))
    assert (carried.name, carried.raise_on_mismatches, dict(carried.behaviors)) == ("widgets", True, {})
    assert not hasattr(carried, "connection")


def test_26_the_controls_exception_comes_last_after_publishing():
    """What the control raised is published first and then reaches the caller as the same object."""
    error = KeyError("k")
    experiment = Lab()
    experiment.use(fail, error)
    experiment.try_(fail, KeyError("k"))

    with pytest.raises(KeyError) as caught:
        experiment.run()

    assert caught.value is error
    assert experiment.result.is_matched


def test_27_the_caller_gets_the_controls_own_value_uncleaned():
    """`run` gives the very object that the control gave."""
    value = {"password": "secret"}
    experiment = Lab()
    experiment.use(lambda: value)
    experiment.try_(dict)
    experiment.clean(lambda value: "clean")

    assert experiment.run() is value


def test_28_only_set_default_chooses_the_class_that_science_uses():
    """Subclassing alone changes nothing; set_default does, and None goes back to Default."""
    with science("widgets") as before:
        before.use(lambda: 1)
    assert type(before) is Default

    set_default(Lab)
    try:
        with science("widgets") as chosen:
            chosen.use(lambda: 1)
    finally:
        set_default(None)
    with science("widgets") as after:
        after.use(lambda: 1)

    assert (type(chosen), chosen.name, type(after)) == (Lab, "widgets", Default)


def test_29_generate_result_is_where_execution_can_be_replaced():
    """A subclass that calls the behaviors in its own way still judges, publishes and answers as usual."""

    class OneByOne(Lab):
        def generate_result(self, name):
            observations = [Observation.of(each, self, fn) for each, fn in sorted(self.behaviors.items())]
            return Result(self, observations, next(each for each in observations if each.name == name))

    experiment = OneByOne()
    experiment.use(lambda: 1)
    experiment.try_(lambda: 2, name="b")
    experiment.try_(lambda: 3, name="a")

    assert experiment.run("b") == 2
    assert names(experiment.result.observations) == ["a", "b", "control"]
    assert len(experiment.result.mismatched) == 2


def test_30_a_missing_value_is_none_and_there_is_no_error_for_it():
    """Ruby defines NoValue and never raises it; here an observation that raised has the value None, and no more."""
    observation = Observation.of("control", Lab(), lambda: fail(KeyError("k")))

    assert observation.value is None
    assert not hasattr(sidecar_science.errors, "NoValue")
