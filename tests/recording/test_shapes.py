"""Whatever kind of callable is decorated: it does what it did, and is recorded with the arguments that B will get."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import pytest

from sidecar_science.recording.function import experiment_of


def test_a_function_is_recorded_with_its_arguments_and_value(desk):
    """The plain case."""

    @desk.experiment("add", effect="read")
    def add(a, b, *, c=0):
        return a + b + c

    value = add(1, 2, c=3)

    job = desk.job
    assert value == 6
    assert (job.experiment, job.effect, desk.arguments(job), desk.decode(job.value)) == (
        "add",
        "read",
        [[1, 2], {"c": 3}],
        6,
    )
    assert job.calls[0].function == "add"


def test_a_method_is_recorded_without_its_adapter(desk):
    """The adapter may carry tokens and sessions, and B has its own."""

    class Api:
        @desk.experiment("api.get", key="content_id")
        def get(self, content_id):
            return [self, content_id][1]

    assert Api().get("c-1") == "c-1"

    assert desk.arguments(desk.job) == [["c-1"], {}]
    assert desk.sidecar.experiments["api.get"].function.kind == "method"


def test_a_method_may_call_its_object_what_it_likes(desk):
    """The class body tells that it is a method, not the name of its first parameter."""

    class Api:
        @desk.experiment("api.get", key="content_id")
        def get(this, content_id):
            return content_id

        other = desk.experiment("api.other", key="content_id")(lambda me, content_id: content_id)

    api = Api()
    api.get("c-1")
    api.other("c-1")

    first, second = desk.jobs
    assert desk.arguments(first) == desk.arguments(second) == [["c-1"], {}]
    assert first.key == second.key is not None
    assert [each.function.kind for each in desk.sidecar.experiments.values()] == ["method", "method"]


def test_a_method_of_an_object_is_recorded_as_a_function(desk):
    """It has its object already, and all its arguments are B's."""

    class Api:
        def get(self, content_id):
            return content_id

    get = desk.experiment("api.get", key="content_id")(Api().get)

    assert get("c-1") == "c-1"
    assert desk.arguments(desk.job) == [["c-1"], {}]
    assert desk.job.key is not None
    assert desk.sidecar.experiments["api.get"].function.kind == "function"


def test_a_call_through_the_class_is_the_same_call(desk):
    """``Api.get(api, 1)`` and ``api.get(1)`` are one thing, also past the class's attribute."""

    class Api:
        @desk.experiment("api.get", key="content_id")
        def get(self, content_id):
            return (type(self).__name__, content_id)

    api = Api()

    assert Api.get(api, "c-1") == vars(Api)["get"](api, content_id="c-1") == ("Api", "c-1")

    through_class, past_class = desk.jobs
    assert desk.arguments(through_class) == [["c-1"], {}]
    assert desk.arguments(past_class) == [[], {"content_id": "c-1"}]
    assert through_class.key == past_class.key


def test_a_call_with_too_few_arguments_fails_as_before(desk):
    """Also through the class, where even the object is missing."""

    class Api:
        @desk.experiment("api.get", key="content_id")
        def get(self, content_id):
            return content_id

    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        Api.get()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Api().get()

    assert [desk.decode(job.error)["type"] for job in desk.jobs] == ["TypeError"] * 2


@pytest.mark.parametrize("below", [True, False])
def test_a_classmethod_is_recorded_above_and_below(desk, below):
    """The class is no argument, and subclasses are seen."""
    experiment = desk.experiment("api.make", key="name")

    class Api:
        if below:

            @classmethod
            @experiment
            def make(cls, name):
                return (cls, name)

        else:

            @experiment
            @classmethod
            def make(cls, name):
                return (cls, name)

    class Sub(Api):
        pass

    assert (Api.make("a"), Api().make("b"), Sub.make(name="c")) == ((Api, "a"), (Api, "b"), (Sub, "c"))
    assert [desk.arguments(job) for job in desk.jobs] == [[["a"], {}], [["b"], {}], [[], {"name": "c"}]]
    assert experiment.function.kind == "classmethod"
    assert experiment.function.on(Sub())("d") == (Sub, "d")


def test_a_classmethods_worker_needs_no_adapter_where_its_class_is_known(desk):
    """Above ``classmethod`` the class body tells whose it is."""
    experiment = desk.experiment("api.make")

    class Api:
        @experiment
        @classmethod
        def make(cls):
            return cls

    assert not experiment.function.needs_adapter
    assert experiment.function.on(None)() is Api


@pytest.mark.parametrize("below", [True, False])
def test_a_staticmethod_is_recorded_above_and_below(desk, below):
    """It has no first argument to leave out."""
    experiment = desk.experiment("api.parse", key="text")

    class Api:
        if below:

            @staticmethod
            @experiment
            def parse(text):
                return text.upper()

        else:

            @experiment
            @staticmethod
            def parse(text):
                return text.upper()

    assert (Api.parse("a"), Api().parse(text="b")) == ("A", "B")
    assert [desk.arguments(job) for job in desk.jobs] == [[["a"], {}], [[], {"text": "b"}]]
    assert not experiment.function.needs_adapter
    assert experiment.function.on(None)("c") == "C"


def test_a_coroutine_function_is_recorded_when_it_has_run(desk):
    """Awaiting it gives what it gave."""

    class Api:
        @desk.experiment("api.get")
        async def get(self, content_id):
            await asyncio.sleep(0)
            return {"id": content_id}

    value = asyncio.run(Api().get("c-1"))

    assert value == {"id": "c-1"}
    assert desk.decode(desk.job.value) == {"id": "c-1"}
    assert desk.sidecar.experiments["api.get"].function.shape == "async"


def test_a_generator_function_is_recorded_with_what_was_taken(desk):
    """Its shape is known, and its items are recorded."""

    @desk.experiment("pages")
    def pages(n):
        yield from range(n)

    assert list(pages(3)) == [0, 1, 2]

    job = desk.job
    assert (desk.decode(job.value), job.consumed, job.exhausted) == ([0, 1, 2], 3, True)
    assert desk.sidecar.experiments["pages"].function.shape == "generator"


def test_an_async_generator_function_is_recorded_with_what_was_taken(desk):
    """The same, awaited."""

    @desk.experiment("pages")
    async def pages(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def main():
        return [item async for item in pages(3)]

    assert asyncio.run(main()) == [0, 1, 2]

    job = desk.job
    assert (desk.decode(job.value), job.consumed, job.exhausted) == ([0, 1, 2], 3, True)
    assert desk.sidecar.experiments["pages"].function.shape == "async generator"


def test_a_function_that_returns_a_generator_is_recorded_with_what_was_taken(desk):
    """What the function did before counts as part of the call."""

    @desk.experiment("pages")
    def pages(n):
        return (item * 2 for item in range(n))

    taken = pages(3)
    assert desk.stats["called"] == 0
    assert list(taken) == [0, 2, 4]

    assert (desk.decode(desk.job.value), desk.job.consumed) == ([0, 2, 4], 3)


def test_a_function_that_returns_a_coroutine_is_recorded_when_it_has_run(desk):
    """As a plain function above an ``async def`` does, such as a decorator that somebody wrote in haste."""

    async def fetch(content_id):
        await asyncio.sleep(0)
        return content_id

    @desk.experiment("get")
    def get(content_id):
        return fetch(content_id)

    async def main():
        coroutine = get("c-1")
        assert desk.stats["called"] == 0
        return await coroutine

    assert asyncio.run(main()) == "c-1"
    assert desk.decode(desk.job.value) == "c-1"


def test_a_function_that_returns_an_async_generator_is_recorded_with_what_was_taken(desk):
    """The fourth thing that a function can give to be run later."""

    async def numbers(n):
        for i in range(n):
            yield i

    @desk.experiment("pages")
    def pages(n):
        return numbers(n)

    async def main():
        return [item async for item in pages(2)]

    assert asyncio.run(main()) == [0, 1]
    assert desk.decode(desk.job.value) == [0, 1]


def test_a_partial_is_recorded_with_the_arguments_that_it_is_given(desk):
    """What it has already, it has on B too."""

    def fetch(base, content_id):
        return base + content_id

    recorded = desk.experiment("get", key="content_id")(functools.partial(fetch, "https://a/"))

    assert recorded("c-1") == "https://a/c-1"
    assert desk.arguments(desk.job) == [["c-1"], {}]
    assert desk.sidecar.experiments["get"].function.label == "functools.partial"


def test_a_partial_in_a_class_body_stays_a_function(desk):
    """It binds no object, so none may be left out of its arguments."""

    class Api:
        get = desk.experiment("get", key="content_id")(functools.partial("{}{}".format, "id "))

    assert Api().get("c-1") == "id c-1"
    assert desk.arguments(desk.job) == [["c-1"], {}]


def test_an_object_that_can_be_called_is_recorded(desk):
    """Somebody's adapter may be one."""

    class Fetch:
        def __call__(self, content_id):
            return content_id

    recorded = desk.experiment("get", key="content_id")(Fetch())

    assert recorded("c-1") == "c-1"
    assert desk.arguments(desk.job) == [["c-1"], {}]


def test_a_builtin_without_a_signature_is_recorded(desk):
    """There is nothing to look the key up in."""
    recorded = desk.experiment("max")(max)

    assert recorded(1, 2) == 2
    assert desk.arguments(desk.job) == [[1, 2], {}]


def test_below_a_cache_only_true_calls_are_recorded(desk):
    """A cached answer sends nothing; and B must be asked, so the worker finds the function below the cache."""
    asked = []

    class Api:
        @functools.cache
        @desk.experiment("api.get", key="content_id")
        def get(self, content_id):
            asked.append(content_id)
            return content_id

    api = Api()
    assert [api.get("c-1"), api.get("c-1")] == ["c-1", "c-1"]

    assert desk.arguments(desk.job) == [["c-1"], {}]
    on_b = desk.sidecar.experiments["api.get"].function.on(Api())
    assert [on_b("c-1"), on_b("c-1"), asked] == ["c-1", "c-1", ["c-1"] * 3]


def test_below_a_cached_property_the_worker_finds_the_function(desk):
    """The first look calls it."""

    class Api:
        @functools.cached_property
        @desk.experiment("api.session")
        def session(self):
            return {"id": 1}

    api = Api()
    assert api.session is api.session

    assert desk.arguments(desk.job) == [[], {}]
    assert desk.sidecar.experiments["api.session"].function.on(Api())() == {"id": 1}


def test_below_somebodys_wrapper_only_the_inner_function_is_registered(desk):
    """``functools.wraps`` copies attributes; what stands above must not be taken for the function."""

    def once(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    @once
    @desk.experiment("get")
    def get(content_id):
        return content_id

    assert get("c-1") == "c-1"
    assert experiment_of(get) is None
    assert desk.job.calls[0].function == "get"


def test_an_inherited_method_is_one_experiment(desk):
    """Whichever class the object is of."""

    class Base:
        @desk.experiment("api.get")
        def get(self, content_id):
            return (type(self).__name__, content_id)

    class Sub(Base):
        pass

    assert (Base().get(1), Sub().get(1)) == (("Base", 1), ("Sub", 1))
    assert [job.experiment for job in desk.jobs] == ["api.get", "api.get"]


def test_a_subclass_that_overrides_is_recorded_where_it_calls_up(desk):
    """The override is not decorated; what it calls is."""

    class Base:
        @desk.experiment("api.get")
        def get(self, content_id):
            return content_id

    class Sub(Base):
        def get(self, content_id):
            return super().get(content_id.lower())

    assert Sub().get("C-1") == "c-1"
    assert desk.arguments(desk.job) == [["c-1"], {}]
    assert desk.sidecar.experiments["api.get"].function.on(Sub())("C-1") == "C-1"


def test_two_experiments_on_one_function_record_the_upper_one(desk):
    """The lower one is part of it."""

    @desk.experiment("upper")
    @desk.experiment("lower")
    def get(content_id):
        return content_id

    get(1)

    assert desk.job.experiment == "upper"


def test_a_context_manager_above_works_as_before(desk):
    """``contextlib.contextmanager`` calls a generator function."""

    @contextlib.contextmanager
    @desk.experiment("lease")
    def lease(name):
        yield name.upper()

    with lease("a") as value:
        assert value == "A"

    assert (desk.decode(desk.job.value), desk.job.exhausted) == (["A"], True)


def test_a_descriptor_below_still_learns_its_name(desk):
    """``__set_name__`` is passed on to what is decorated."""
    told = []

    class Named:
        def __call__(self):
            return "called"

        def __set_name__(self, owner, name):
            told.append((owner.__name__, name))

    class Api:
        get = desk.experiment("get")(Named())

    assert Api.get() == "called"
    assert told == [("Api", "get")]
