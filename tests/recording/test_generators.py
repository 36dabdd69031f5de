"""A generator is handed on item by item, and recorded with what the caller took of it."""

from __future__ import annotations

import contextvars
import gc
import inspect

import pytest

from sidecar_science.codec.markers import Oversize
from sidecar_science.testing import FakeClock
from tests.desk import Desk


@pytest.fixture
def pages(desk):
    """A generator that takes orders, and tells how it ended."""
    told = []

    @desk.experiment("pages", key="name")
    def pages(name, n=3):
        try:
            for i in range(n):
                answer = yield {"page": i, "of": name}
                while answer is not None:
                    told.append(answer)
                    if answer == "fail":
                        raise ValueError("failed")
                    answer = yield answer.upper()
            return "end"
        except KeyError:
            told.append("key error")
            yield "after"
        finally:
            told.append("closed")

    pages.told = told
    return pages


def outcome(desk):
    """Items, how many, whether all, and the type of error."""
    job = desk.job
    error = desk.decode(job.error)
    return desk.decode(job.value), job.consumed, job.exhausted, error and error["type"]


def test_one_that_is_read_to_its_end_is_exhausted(desk, pages):
    """Its return value comes through ``yield from``."""

    def outer():
        return (yield from pages("a", 2))

    taken, generator = [], outer()
    with pytest.raises(StopIteration) as stop:
        while True:
            taken.append(next(generator))

    assert stop.value.value == "end"
    assert outcome(desk) == (taken, 2, True, None)


def test_one_that_is_left_is_recorded_with_what_was_taken(desk, pages):
    """Closing is no error, and ends the control."""
    generator = pages("a")
    next(generator)
    generator.close()

    assert outcome(desk) == ([{"page": 0, "of": "a"}], 1, False, None)
    assert pages.told == ["closed"]


def test_one_that_is_collected_is_recorded(desk, pages):
    """As when a loop over it is broken off."""
    for _ in pages("a"):
        break
    gc.collect()

    assert outcome(desk) == ([{"page": 0, "of": "a"}], 1, False, None)
    assert pages.told == ["closed"]


def test_one_that_raises_is_recorded_with_its_error(desk, pages):
    """The items before it count as taken; the error is the same object."""
    error = ValueError("why")

    @desk.experiment("broken")
    def broken():
        yield 1
        raise error

    generator = broken()
    next(generator)
    with pytest.raises(ValueError) as caught:
        next(generator)

    assert caught.value is error
    assert outcome(desk) == ([1], 1, False, "ValueError")


def test_one_that_raises_at_once_is_recorded(desk):
    """Nothing was taken."""

    @desk.experiment("broken")
    def broken():
        raise ValueError
        yield

    with pytest.raises(ValueError):
        next(broken())

    assert outcome(desk) == ([], 0, False, "ValueError")


def test_values_are_sent_in(desk, pages):
    """What comes back for them are items too."""
    generator = pages("a")

    taken = [next(generator), generator.send("x"), generator.send("y"), next(generator)]
    generator.close()

    assert taken == [{"page": 0, "of": "a"}, "X", "Y", {"page": 1, "of": "a"}]
    assert outcome(desk) == (taken, 4, False, None)
    assert pages.told == ["x", "y", "closed"]


def test_exceptions_are_thrown_in(desk, pages):
    """What the control makes of them is its own affair."""
    generator = pages("a")
    next(generator)

    assert generator.throw(KeyError()) == "after"
    assert list(generator) == []

    assert outcome(desk) == ([{"page": 0, "of": "a"}, "after"], 2, True, None)
    assert pages.told == ["key error", "closed"]


def test_an_exception_thrown_in_that_nobody_catches_comes_out_again(desk, pages):
    """The same object."""
    error = RuntimeError()
    generator = pages("a")
    next(generator)

    with pytest.raises(RuntimeError) as caught:
        generator.throw(error)

    assert caught.value is error
    assert outcome(desk) == ([{"page": 0, "of": "a"}], 1, False, "RuntimeError")


def test_a_control_that_will_not_close_says_so(desk):
    """Python's own RuntimeError reaches the caller."""

    @desk.experiment("stubborn")
    def stubborn():
        try:
            yield 1
        except GeneratorExit:
            yield 2

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()

    assert outcome(desk) == ([1], 1, False, "RuntimeError")


def test_one_that_nobody_begins_makes_no_call(desk, pages):
    """Neither dropped, closed nor thrown into."""
    pages("a")
    pages("b").close()
    with pytest.raises(KeyError):
        pages("c").throw(KeyError())
    gc.collect()

    assert desk.accounts == (0, 0, {}, 0)
    assert pages.told == []


def test_one_that_is_not_begun_is_not_sampled_out_either(pages):
    """It is decided when it is."""
    desk = Desk(sample=0.0)

    @desk.experiment("pages")
    def numbers():
        yield 1

    numbers()
    assert desk.stats["called"] == 0
    assert list(numbers()) == [1]
    assert desk.stats["sampled_out"] == 1


def test_the_arguments_are_those_that_it_begins_with(desk):
    """The function runs at the first item, and sees what the caller has changed until then."""

    @desk.experiment("pages")
    def pages(filters):
        yield dict(filters)

    filters = {"page": 1}
    generator = pages(filters)
    filters["page"] = 2
    assert list(generator) == [{"page": 2}]

    assert desk.arguments(desk.job) == [[{"page": 2}], {}]


def test_items_are_recorded_as_they_were_when_taken(desk):
    """The caller changes them before it takes the next."""

    @desk.experiment("pages")
    def pages():
        yield {"n": 1}
        yield {"n": 2}

    for item in pages():
        item.clear()

    assert outcome(desk) == ([{"n": 1}, {"n": 2}], 2, True, None)


def test_a_call_with_wrong_arguments_fails_at_once(desk, pages):
    """As without us: before the first item."""
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        pages()

    assert desk.stats["called"] == 0


def test_calls_inside_the_iteration_are_part_of_it(desk):
    """A client's page iterator calls its own decorated method for every page."""

    @desk.experiment("get")
    def get(n):
        return n

    @desk.experiment("iterator")
    def iterator(n):
        for i in range(n):
            yield get(i)

    @desk.experiment("all")
    def everything(n):
        return iterator(n)

    assert list(everything(3)) == [0, 1, 2]

    assert desk.job.experiment == "all"
    assert desk.job.consumed == 3


def test_calls_of_the_caller_between_items_are_its_own(desk):
    """It holds an item, and goes about its business."""

    @desk.experiment("get")
    def get(n):
        return n

    @desk.experiment("iterator")
    def iterator():
        yield 1
        yield 2

    for item in iterator():
        get(item)

    assert sorted(job.experiment for job in desk.jobs) == ["get", "get", "iterator"]


def test_two_that_are_read_in_turn_do_not_hide_each_other(desk):
    """Neither is inside the other."""

    @desk.experiment("iterator")
    def iterator(name):
        for i in range(2):
            yield f"{name}{i}"

    assert list(zip(iterator("a"), iterator("b"), strict=True)) == [("a0", "b0"), ("a1", "b1")]

    assert sorted(desk.decode(job.value) for job in desk.jobs) == [["a0", "a1"], ["b0", "b1"]]


def test_one_that_was_made_inside_a_call_and_is_read_after_it_is_its_own(desk):
    """Its requests leave when the outer call is long over."""
    kept = []

    @desk.experiment("iterator")
    def iterator():
        yield 1

    @desk.experiment("prepare")
    def prepare():
        kept.append(iterator())
        return "ready"

    prepare()
    assert list(kept[0]) == [1]

    assert sorted(job.experiment for job in desk.jobs) == ["iterator", "prepare"]


def test_one_outside_the_sample_hides_what_it_calls():
    """All of a call is in, or nothing of it."""
    desk = Desk()

    @desk.experiment("get")
    def get(n):
        return n

    @desk.experiment("iterator", sample=0.0)
    def iterator():
        yield get(1)

    assert list(iterator()) == [1]
    desk.flush()

    assert desk.stats["sampled_out"] == desk.stats["called"] == 1


def test_time_is_that_of_its_own_steps(desk):
    """And not that of the caller, who may take hours with an item."""
    clock = FakeClock()
    desk = Desk(clock=clock)

    @desk.experiment("pages")
    def pages():
        clock.advance(0.5, cpu=0.25)
        yield 1
        clock.advance(0.25, cpu=0.125)

    @desk.experiment("returned")
    def returned():
        clock.advance(1.0, cpu=1.0)
        return pages.__wrapped__()

    for generator in (pages(), returned()):
        for _ in generator:
            clock.advance(100.0, cpu=100.0)

    by_name = {job.experiment: (job.duration, job.cpu_time) for job in desk.jobs}
    assert by_name == {"pages": (0.75, 0.375), "returned": (1.75, 1.375)}


def test_one_that_is_read_in_several_contexts_is_recorded(desk, pages):
    """A framework may step it and end it wherever it likes."""
    generator = pages("a")
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(generator.close)

    assert outcome(desk)[1:] == (2, False, None)


def test_one_that_is_closed_inside_another_call_is_recorded(desk, pages):
    """It had begun as a call of its own."""

    @desk.experiment("other")
    def other(generator):
        generator.close()

    generator = pages("a")
    next(generator)
    other(generator)

    assert sorted(job.experiment for job in desk.jobs) == ["other", "pages"]


def test_a_large_consumption_is_kept_by_its_digest():
    """The items are let go as soon as they are too many: some generators never end."""
    desk = Desk(max_job_bytes=1000)

    @desk.experiment("pages")
    def pages(first, second):
        for i in range(100):
            yield {first: i, second: "x" * 20}

    list(pages("a", "b"))
    list(pages("b", "a"))
    list(pages("a", "c"))

    one, swapped, other = [desk.decode(job.value) for job in desk.jobs]
    assert type(one) is Oversize
    assert (one.size, one.preview, len(one.digest)) == (swapped.size, "", 64)
    # Which values stand under which names counts, and their order does not.
    assert one.digest != swapped.digest != other.digest
    assert [job.consumed for job in desk.jobs] == [100] * 3


def test_the_digest_of_a_large_consumption_is_that_of_its_items(desk):
    """The order of their keys says nothing, and B takes them in the same form."""
    experiment = desk.experiment("pages")
    desk.sidecar.codec.max_bytes = 100
    forth = [experiment.encode_value({"a": "x" * 20, "b": i}) for i in range(10)]
    back = [experiment.encode_value({"b": i, "a": "x" * 20}) for i in range(10)]

    assert experiment.join_values(forth) == experiment.join_values(back)
    assert experiment.join_values(forth) != experiment.join_values(forth[1:])
    assert desk.decode(experiment.join_values(forth[:2])) == [{"a": "x" * 20, "b": i} for i in range(2)]


def test_many_small_items_that_nobody_could_read_again_are_kept_by_digest(desk):
    """The bounds count parts as well as bytes."""
    experiment = desk.experiment("pages")
    item = experiment.encode_value([None] * 2000)

    assert type(desk.decode(experiment.join_values([item] * 10))) is list
    assert type(desk.decode(experiment.join_values([item] * 60))) is Oversize


@pytest.mark.parametrize("step", ["took", "consumed"])
def test_a_step_for_which_the_stack_has_no_room_is_counted(desk, pages, monkeypatch, step):
    """The items come all the same."""

    def fail(*_):
        raise RecursionError

    monkeypatch.setattr(desk.sidecar.experiments["pages"], step, fail)

    assert len(list(pages("a"))) == 3
    assert desk.accounts == (1, 0, {"hook_failed": 1}, 0)


def test_what_it_looks_like_is_a_generator(desk, pages):
    """``inspect`` and loops know what to do with it."""
    generator = pages("a")

    assert inspect.isgenerator(generator)
    assert inspect.getgeneratorstate(generator) == "GEN_CREATED"
    assert generator.__name__ == "pages"
    generator.close()
