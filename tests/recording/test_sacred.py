"""The caller gets the control's own value or exception, the same object, whatever our side does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import traceback
import weakref

import pytest

from sidecar_science.errors import MismatchError
from tests.desk import Desk


class Odd(BaseException):
    """Neither an Exception nor any that Python knows."""


RAISED = [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, StopIteration, Odd]
FROM_HOOKS = [ValueError, SystemExit, GeneratorExit, asyncio.CancelledError, StopIteration, Odd, MemoryError]


def raise_(error):
    raise error


def test_the_value_is_the_same_object(desk):
    """It is neither copied nor replaced."""
    value = {"a": [object()]}

    assert desk.experiment("get")(lambda: value)() is value


@pytest.mark.parametrize("kind", RAISED)
def test_the_exception_is_the_same_object(desk, kind):
    """Down to those that are no Exception; each is recorded by its type."""
    error = kind("why")

    with pytest.raises(kind) as caught:
        desk.experiment("get")(lambda: raise_(error))()

    assert caught.value is error
    assert error.__cause__ is error.__context__ is None
    assert desk.decode(desk.job.error)["type"].endswith(kind.__qualname__)
    assert desk.decode(desk.job.error)["message"] == "why"


@pytest.mark.parametrize("kind", [kind for kind in RAISED if kind is not StopIteration])
def test_the_exception_of_a_coroutine_is_the_same_object(desk, kind):
    """Awaiting changes nothing of it."""
    error = kind("why")

    @desk.experiment("get")
    async def get():
        raise error

    coroutine = get()
    with pytest.raises(kind) as caught:
        coroutine.send(None)

    assert caught.value is error
    assert desk.decode(desk.job.error)["type"].endswith(kind.__qualname__)


def test_the_traceback_has_two_lines_of_ours(desk):
    """Whoever reads it finds the raising line at its end, as before."""
    with pytest.raises(ValueError) as caught:
        desk.experiment("get")(lambda: raise_(ValueError()))()

    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = [
        frame for frame in frames if f"{os.sep}recording{os.sep}" in frame.filename and "tests" not in frame.filename
    ]
    assert len(ours) == 2
    assert frames[-1].name == "raise_"


def test_an_exception_is_part_of_no_cycle(desk):
    """It is freed when the caller is done with it, without waiting for the collector."""

    class Wrong(Exception):
        pass

    @desk.experiment("get")
    def get():
        raise Wrong

    @desk.experiment("pages")
    def pages():
        yield 1
        raise Wrong

    def freed(call):
        try:
            call()
        except Wrong as error:
            return weakref.ref(error)

    gc.collect()
    gc.disable()
    try:
        assert freed(get)() is None
        assert freed(lambda: list(pages()))() is None
        assert freed(lambda: pages().throw(Wrong()))() is None
    finally:
        gc.enable()


def test_an_exception_thrown_into_a_generator_is_part_of_no_cycle(desk):
    """Also where the control deals with it and goes on."""

    class Wrong(Exception):
        pass

    @desk.experiment("pages")
    def pages():
        with contextlib.suppress(Wrong):
            yield 1
        yield 2

    generator = pages()
    next(generator)
    gc.disable()
    try:
        error = Wrong()
        reference = weakref.ref(error)
        assert generator.throw(error) == 2
        del error
        assert reference() is None
    finally:
        gc.enable()


def test_calls_leave_no_garbage(desk):
    """Nothing of a call is left for the collector."""

    class Api:
        @desk.experiment("get", key="content_id")
        def get(self, content_id):
            if content_id == "wrong":
                raise ValueError(content_id)
            return {"id": content_id}

        @desk.experiment("pages")
        def pages(self):
            yield {"id": 1}

    api = Api()

    def calls():
        for content_id in ("c-1", "wrong") * 20:
            with contextlib.suppress(ValueError):
                api.get(content_id)
            list(api.pages())
        desk.flush()

    calls()
    gc.collect()
    gc.disable()
    try:
        calls()
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", FROM_HOOKS)
def test_a_key_function_that_raises_is_told_and_the_call_goes_on(desk, kind):
    """Nobody knows then what must stay in order, so the call is dropped, and counted."""
    told = []
    experiment = desk.experiment("get", key=lambda content_id: raise_(kind()))
    experiment.raised(lambda operation, error: told.append((operation, type(error))))

    assert experiment(lambda content_id: content_id)("c-1") == "c-1"

    assert told == [("key", kind)]
    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)


def test_a_key_that_cannot_be_one_is_told(desk):
    """A dict has no canonical text."""
    assert desk.experiment("get", key="content")(lambda content: content)({}) == {}

    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)
    assert desk.stats["errors"] == {"key": 1}


@pytest.mark.parametrize("kind", FROM_HOOKS)
def test_run_if_that_raises_records_nothing(desk, kind):
    """As in Scientist: the experiment does not run."""
    experiment = desk.experiment("get")
    experiment.run_if(lambda: raise_(kind()))

    assert experiment(lambda: 1)() == 1

    assert desk.stats["sampled_out"] == 1
    assert desk.stats["errors"] == {"run_if": 1}


def test_run_if_decides_each_time(desk):
    """What it says no to counts as sampled out."""
    answers = iter([True, False, 0, "yes"])
    experiment = desk.experiment("get")
    experiment.run_if(lambda: next(answers))
    get = experiment(lambda n: n)

    assert [get(n) for n in range(4)] == [0, 1, 2, 3]

    assert [desk.arguments(job)[0] for job in desk.jobs] == [[0], [3]]
    assert desk.stats["sampled_out"] == 2


@pytest.mark.parametrize("kind", FROM_HOOKS)
def test_a_projection_that_raises_leaves_the_type(desk, kind):
    """The result is not known then, and is said to be unknown."""
    get = desk.experiment("get", project=lambda value: raise_(kind()))(lambda: {"a": 1})

    assert get() == {"a": 1}

    assert desk.decode(desk.job.value).type_name == "builtins.dict"
    assert desk.stats["errors"] == {"project": 1}


def test_the_projection_is_for_results_alone(desk):
    """Errors and context have forms of their own."""
    experiment = desk.experiment("get", project=lambda response: response["body"])
    experiment.context(app="publisher")

    @experiment
    def get(fails):
        if fails:
            raise ValueError("why")
        return {"body": [1]}

    get(False)
    with pytest.raises(ValueError):
        get(True)

    good, bad = desk.jobs
    assert desk.decode(good.value) == [1]
    assert desk.decode(bad.error)["message"] == "why"
    assert desk.decode(good.context) == desk.decode(bad.context) == {"app": "publisher"}
    assert desk.stats["errors"] == {}


@pytest.mark.parametrize("kind", FROM_HOOKS)
def test_raised_may_raise_as_well(desk, kind):
    """The last hook of all is guarded too."""
    experiment = desk.experiment("get", key=lambda: raise_(ValueError()))
    experiment.raised(lambda operation, error: raise_(kind()))

    assert experiment(lambda: 1)() == 1
    assert desk.stats["errors"] == {"key": 1, "raised": 1}


@pytest.mark.parametrize("kind", FROM_HOOKS)
def test_a_logger_that_raises_is_kept_away(kind):
    """A broken logging set-up is counted like everything else."""

    class Broken:
        def warning(self, event, **fields):
            raise kind

        info = warning

    desk = Desk(logger=Broken())
    get = desk.experiment("get", key=lambda: raise_(ValueError()))(lambda: 1)

    assert get() == 1
    assert desk.stats["errors"] == {"key": 1, "logging": 1}
    desk.sidecar.close()


@pytest.mark.parametrize("hook", ["key", "run_if", "project", "raised"])
def test_an_interrupt_from_the_keyboard_is_never_swallowed(desk, hook):
    """It is meant for the program, whoever is running when it comes."""
    interrupt = lambda *_: raise_(KeyboardInterrupt())  # noqa: E731
    key = interrupt if hook == "key" else (lambda: raise_(ValueError())) if hook == "raised" else None
    experiment = desk.experiment("get", key=key, project=interrupt if hook == "project" else None)
    if hook in ("run_if", "raised"):
        getattr(experiment, hook)(interrupt)

    with pytest.raises(KeyboardInterrupt):
        experiment(lambda: 1)()

    called, recorded, dropped, buffered = desk.accounts
    assert (called, recorded, buffered) == ((1, 0, 0) if hook == "project" else (0, 0, 0))
    assert dropped == ({"interrupted": 1} if hook == "project" else {})


def test_a_mismatch_of_somebodys_experiment_passes(desk):
    """MismatchError derives from BaseException so that nothing hides it."""
    error = MismatchError.__new__(MismatchError)
    error._text = "mismatched"

    with pytest.raises(MismatchError) as caught:
        desk.experiment("get")(lambda: raise_(error))()

    assert caught.value is error


def test_secrets_that_cannot_be_taken_out_are_not_shipped(desk, monkeypatch):
    """Redaction fails closed: the call is dropped and counted, and its caller knows nothing of it."""
    experiment = desk.experiment("login")
    monkeypatch.setattr(experiment.redactor, "might_hold", lambda data: raise_(ValueError("hunter22")))

    assert experiment(lambda password: password)("hunter22") == "hunter22"
    desk.flush()

    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)
    assert desk.stats["errors"] == {"seal": 1}
    assert "hunter22" not in str(desk.lines.told)


def test_whatever_goes_wrong_in_recording_is_kept_away(desk, monkeypatch):
    """Even a defect of ours."""
    experiment = desk.experiment("get")
    get = experiment(lambda n: n)
    pages = desk.experiment("pages")(lambda n: iter_of(n))
    for name in ("value", "describe"):
        monkeypatch.setattr(experiment.snapshots, name, lambda *_: raise_(ZeroDivisionError()))
    monkeypatch.setattr(desk.sidecar.experiments["pages"].snapshots, "value", lambda *_: raise_(ZeroDivisionError()))

    assert get(1) == 1
    assert list(pages(2)) == [0, 1]

    assert desk.accounts == (2, 0, {"hook_failed": 2}, 0)
    monkeypatch.setattr(experiment, "encode_arguments", lambda *_: raise_(ZeroDivisionError()))
    assert get(1) == 1
    assert desk.accounts == (3, 0, {"hook_failed": 3}, 0)


@pytest.mark.parametrize("step", ["begin", "returned", "failed"])
def test_a_step_for_which_the_stack_has_no_room_is_counted(desk, monkeypatch, step):
    """Near the limit of recursion even our guards may fail; the control's answer comes all the same."""
    experiment = desk.experiment("get")

    @experiment
    def get(fails):
        if fails:
            raise ValueError("why")
        return "value"

    monkeypatch.setattr(experiment, step, lambda *_: raise_(RecursionError()))

    if step == "failed":
        with pytest.raises(ValueError, match="why"):
            get(True)
    else:
        assert get(False) == "value"
    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)


def iter_of(n):
    yield from range(n)


def test_an_exception_from_outside_passes_through_recording(desk, monkeypatch):
    """A host's time limit hits while we work: it is meant for the host, and the call is counted as interrupted."""
    experiment = desk.experiment("get")
    monkeypatch.setattr(experiment.snapshots, "plain", lambda *_: raise_(Odd()))

    with pytest.raises(Odd):
        experiment(lambda: 1)()

    assert desk.accounts == (1, 0, {"interrupted": 1}, 0)


def test_the_arguments_are_as_they_were_before_the_call(desk):
    """The control goes on to change them; so does the caller with the result."""

    @desk.experiment("put")
    def put(payload):
        payload.clear()
        return payload

    payload = {"title": "A"}
    put(payload)["title"] = "changed"

    assert desk.arguments(desk.job) == [[{"title": "A"}], {}]
    assert desk.decode(desk.job.value) == {}


def test_a_recursive_function_is_recorded_once(desk):
    """Every inner call is part of the outer one."""

    @desk.experiment("count")
    def count(n):
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(20) == 20
    assert desk.arguments(desk.job) == [[20], {}]


def test_a_call_near_the_recursion_limit_raises_as_before(desk):
    """Our few frames may bring the limit closer, and must not bring anything else."""

    @desk.experiment("leaf")
    def leaf():
        return 1

    def dive(n):
        return leaf() if n == 0 else dive(n - 1)

    results = []
    for depth in range(sys.getrecursionlimit() - 60, sys.getrecursionlimit()):
        try:
            results.append(dive(depth))
        except RecursionError:
            results.append(RecursionError)

    assert set(results) <= {1, RecursionError}
    assert RecursionError in results
    called, _, dropped, _ = desk.accounts
    assert called >= results.count(1)
    assert set(dropped) <= {"too_large", "hook_failed"}
