"""Coroutines and async generators: awaited as before, cancelled as before, and recorded."""

from __future__ import annotations

import asyncio
import contextvars
import logging

import pytest


def outcome(desk):
    job = desk.job
    error = desk.decode(job.error)
    return desk.decode(job.value), job.consumed, job.exhausted, error and error["type"]


def test_cancelling_cancels_the_control_and_is_recorded(desk):
    """As an error of the control."""
    ended = []

    @desk.experiment("slow")
    async def slow():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def main():
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ended == [True]
    assert desk.decode(desk.job.error)["type"].endswith("CancelledError")


def test_a_timeout_around_it_is_the_callers_own(desk):
    """``asyncio.timeout`` cancels what it waits for."""

    @desk.experiment("slow")
    async def slow():
        await asyncio.sleep(60)

    async def main():
        async with asyncio.timeout(0.01):
            await slow()

    with pytest.raises(TimeoutError):
        asyncio.run(main())

    assert desk.decode(desk.job.error)["type"].endswith("CancelledError")


def test_one_that_nobody_awaits_makes_no_call(desk):
    """Python warns of it under the function's own name."""

    @desk.experiment("get")
    async def get():
        return 1

    with pytest.warns(RuntimeWarning, match=r"coroutine '.*get' was never awaited"):
        get()

    assert desk.accounts == (0, 0, {}, 0)


def test_recording_awaits_nothing_of_its_own(desk):
    """The control takes the very steps of the loop that it would have taken."""
    steps = []

    async def raw():
        steps.append("raw")
        await asyncio.sleep(0)
        return 1

    recorded = desk.experiment("get")(raw)

    def count(coroutine):
        n = 0
        try:
            while True:
                coroutine.send(None)
                n += 1
        except StopIteration as stop:
            return n, stop.value

    assert count(recorded()) == count(raw()) == (1, 1)


def test_tasks_at_the_same_time_do_not_hide_each_other(desk):
    """Each task has a context of its own: a thousand calls are a thousand jobs."""

    @desk.experiment("get", key="n")
    async def get(n):
        await asyncio.sleep(0)
        return await inner(n)

    @desk.experiment("inner")
    async def inner(n):
        await asyncio.sleep(0)
        return n

    async def main():
        return await asyncio.gather(*(get(n) for n in range(1000)))

    assert asyncio.run(main()) == list(range(1000))

    jobs = desk.jobs
    assert {job.experiment for job in jobs} == {"get"}
    assert sorted(desk.decode(job.value) for job in jobs) == list(range(1000))
    assert desk.accounts == (1000, 1000, {}, 0)


def test_calls_inside_are_part_of_it(desk):
    """Also of a synchronous one below, and of a task that it waits for."""

    @desk.experiment("sync")
    def sync():
        return 1

    @desk.experiment("inner")
    async def inner():
        return sync()

    @desk.experiment("outer")
    async def outer():
        return await inner() + await asyncio.create_task(inner()) + await asyncio.to_thread(sync)

    assert asyncio.run(outer()) == 3
    assert desk.job.experiment == "outer"


def test_a_task_that_outlives_its_call_makes_calls_of_its_own(desk):
    """A refresher that was started inside the first call would otherwise never be seen again."""

    @desk.experiment("get")
    async def get(n):
        return n

    @desk.experiment("start")
    async def start():
        return asyncio.create_task(refresh())

    async def refresh():
        await asyncio.sleep(0)
        return [await get(n) for n in range(2)]

    async def main():
        return await (await start())

    assert asyncio.run(main()) == [0, 1]
    assert [job.experiment for job in desk.jobs] == ["start", "get", "get"]


def test_a_coroutine_that_is_driven_in_several_contexts_is_recorded(desk):
    """Whoever steps it may do so from wherever he is."""

    @desk.experiment("get")
    async def get():
        await asyncio.sleep(0)
        return 1

    coroutine = get()
    contextvars.copy_context().run(coroutine.send, None)
    with pytest.raises(StopIteration) as stop:
        contextvars.copy_context().run(coroutine.send, None)

    assert stop.value.value == 1
    assert desk.accounts[0] == 1


def test_a_coroutine_that_is_closed_half_way_is_recorded(desk):
    """As when its loop is torn down."""

    @desk.experiment("get")
    async def get():
        await asyncio.sleep(0)

    coroutine = get()
    coroutine.send(None)
    coroutine.close()

    assert desk.decode(desk.job.error)["type"].endswith("GeneratorExit")


def test_a_coroutine_with_wrong_arguments_fails_as_before(desk):
    """Nothing was called then."""

    @desk.experiment("get")
    async def get(content_id):
        return content_id

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        asyncio.run(get())


def numbers(desk, ended=None):
    @desk.experiment("numbers")
    async def numbers(n):
        try:
            for i in range(n):
                await asyncio.sleep(0)
                answer = yield i
                while answer is not None:
                    answer = yield answer * 10
        except KeyError:
            yield "after"
        finally:
            await asyncio.sleep(0)
            if ended is not None:
                ended.append(True)

    return numbers


def test_an_async_generator_that_is_left_is_recorded_with_what_was_taken(desk):
    """Closing it ends the control."""
    ended = []
    generate = numbers(desk, ended)

    async def main():
        generator = generate(3)
        first = await anext(generator)
        await generator.aclose()
        return first

    assert asyncio.run(main()) == 0
    assert ended == [True]
    assert outcome(desk) == ([0], 1, False, None)


def test_an_async_generator_that_is_forgotten_is_recorded(desk):
    """The loop ends it when nobody holds it any more."""
    ended = []
    generate = numbers(desk, ended)

    async def main():
        async for item in generate(3):
            if item == 0:
                break
        for _ in range(10):
            await asyncio.sleep(0)
        return item

    assert asyncio.run(main()) == 0
    assert ended == [True]
    assert outcome(desk) == ([0], 1, False, None)


def test_values_and_exceptions_go_into_an_async_generator(desk):
    """``asend`` and ``athrow`` as before."""
    generate = numbers(desk)

    async def main():
        generator = generate(3)
        taken = [await anext(generator), await generator.asend(4), await generator.athrow(KeyError())]
        return taken + [item async for item in generator]

    assert asyncio.run(main()) == [0, 40, "after"]
    assert outcome(desk) == ([0, 40, "after"], 3, True, None)


def test_an_async_generator_that_raises_is_recorded_with_its_error(desk):
    """The same object comes out."""
    error = ValueError()

    @desk.experiment("broken")
    async def broken():
        yield 1
        raise error

    async def main():
        with pytest.raises(ValueError) as caught:
            async for _ in broken():
                pass
        return caught.value

    assert asyncio.run(main()) is error
    assert outcome(desk) == ([1], 1, False, "ValueError")


def test_an_async_generator_that_is_cancelled_is_recorded(desk):
    """In the middle of a step."""

    @desk.experiment("slow")
    async def slow():
        yield 1
        await asyncio.sleep(60)

    async def consume():
        async for _ in slow():
            pass

    async def main():
        task = asyncio.create_task(consume())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    taken, consumed, exhausted, error = outcome(desk)
    assert (taken, consumed, exhausted) == ([1], 1, False)
    assert error.endswith("CancelledError")


def test_an_async_generator_inside_a_call_is_part_of_it(desk):
    """What is called inside the iteration as well."""

    @desk.experiment("get")
    async def get(n):
        return n

    @desk.experiment("numbers")
    async def generate():
        yield await get(1)

    @desk.experiment("all")
    async def everything():
        return [item async for item in generate()]

    async def main():
        return [item async for item in generate()], await everything()

    assert asyncio.run(main()) == ([1], [1])
    assert sorted(job.experiment for job in desk.jobs) == ["all", "numbers"]


def test_the_loop_is_not_held_up(desk):
    """Its own watch over slow callbacks finds nothing of ours worth a word."""

    @desk.experiment("get", key="n")
    async def get(n):
        await asyncio.sleep(0)
        return {"n": n}

    slow = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 2.0
        loop.set_debug(True)
        await asyncio.gather(*(get(n) for n in range(300)))

    handler = logging.Handler()
    handler.emit = lambda record: slow.append(record.getMessage()) if "took" in record.getMessage() else None
    logging.getLogger("asyncio").addHandler(handler)
    try:
        asyncio.run(main())
    finally:
        logging.getLogger("asyncio").removeHandler(handler)

    assert [line for line in slow if "sidecar" in line] == []
    assert len(desk.jobs) == 300
