"""As many items as A's caller took, each as it was then; and nothing of ours in the time of a call."""

from __future__ import annotations

import asyncio
import threading

import requests

from tests.story.world import Answer, Service
from tests.worker.bench import Bench
from tests.worker.calls import answered, error, value


def numbers(bench, until=5, *, fail_at=None):
    """A generator that notes what is asked of it."""
    asked = []

    @bench.sidecar.experiment("numbers", effect="read")
    def generate():
        try:
            for number in range(until):
                asked.append(number)
                if number == fail_at:
                    raise ValueError("no more")
                yield number
        finally:
            asked.append("closed")

    return asked


def test_as_many_items_are_taken_as_as_caller_took(bench):
    """A lazy result costs on B what it cost on A, and is closed at once."""
    asked = numbers(bench)

    answer = answered(bench, bench.job("numbers", value=[0, 1], consumed=2, exhausted=False))

    assert value(bench, answer) == [0, 1]
    assert (answer.consumed, answer.exhausted) == (2, False)
    assert asked == [0, 1, "closed"]


def test_one_more_is_asked_for_where_a_came_to_its_end(bench):
    """B might go on."""
    numbers(bench, until=3)

    answer = answered(bench, bench.job("numbers", value=[0, 1], consumed=2, exhausted=True))

    assert value(bench, answer) == [0, 1, 2]
    assert (answer.consumed, answer.exhausted) == (3, False)


def test_both_at_their_end_is_seen(bench):
    """The one more that was asked for is not there."""
    numbers(bench, until=2)

    answer = answered(bench, bench.job("numbers", value=[0, 1], consumed=2, exhausted=True))

    assert (answer.consumed, answer.exhausted) == (2, True)


def test_a_generator_that_ends_early_is_at_its_end(bench):
    """B has fewer."""
    numbers(bench, until=1)

    answer = answered(bench, bench.job("numbers", value=[0, 1], consumed=2, exhausted=False))

    assert (value(bench, answer), answer.exhausted) == ([0], True)


def test_one_more_is_asked_for_where_a_failed(bench):
    """B should fail at the same place."""
    numbers(bench, fail_at=2)
    job = bench.job("numbers", value=[0, 1], error={"type": "ValueError"}, consumed=2, exhausted=False)

    answer = answered(bench, job)

    assert value(bench, answer) == [0, 1]
    assert error(bench, answer)["message"] == "no more"
    assert (answer.consumed, answer.exhausted) == (2, False)


def test_an_async_generator_is_taken_from_in_the_same_way(bench):
    """And closed in its own loop, not some day in somebody else's replay."""
    ends = []

    @bench.sidecar.experiment("numbers", effect="read")
    async def generate(until):
        try:
            for number in range(until):
                await asyncio.sleep(0)
                yield number
        finally:
            ends.append(threading.get_ident())

    some = answered(bench, bench.job("numbers", 5, value=[0, 1], consumed=2, exhausted=False))
    more = answered(bench, bench.job("numbers", 5, value=[0, 1], consumed=2, exhausted=True))
    end = answered(bench, bench.job("numbers", 2, value=[0, 1], consumed=2, exhausted=True))

    assert [value(bench, each) for each in (some, more, end)] == [[0, 1], [0, 1, 2], [0, 1]]
    assert [each.exhausted for each in (some, more, end)] == [False, False, True]
    assert ends == [threading.get_ident()] * 3


def test_any_iterable_stands_for_a_generator(bench):
    """B's version of a function may return a list where A's yielded."""

    @bench.sidecar.experiment("numbers", effect="read")
    def listed():
        return [0, 1, 2]

    answer = answered(bench, bench.job("numbers", value=[0, 1], consumed=2, exhausted=False))

    assert value(bench, answer) == [0, 1]


def test_items_are_kept_as_they_were_when_they_were_taken(bench):
    """A generator that yields one dict over and over, changed each time, gave A three different items."""

    @bench.sidecar.experiment("rows", effect="read")
    def rows():
        row = {}
        for number in range(3):
            row["number"] = number
            yield row

    answer = answered(bench, bench.job("rows", value=[], consumed=3, exhausted=True))

    assert value(bench, answer) == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_a_projection_is_applied_to_each_item(bench):
    """As on A, where ``project`` sees what the caller took, one at a time."""

    @bench.sidecar.experiment("rows", effect="read", project=lambda item: item.number)
    def rows():
        for number in range(3):
            yield type("Row", (), {"number": number})()

    answer = answered(bench, bench.job("rows", value=[0, 1, 2], consumed=3, exhausted=True))

    assert value(bench, answer) == [0, 1, 2]


def test_items_that_are_too_large_together_are_kept_as_a_digest():
    """The bound of one value holds for all items of a generator."""
    bench = Bench(max_job_bytes=1000)

    @bench.sidecar.experiment("rows", effect="read")
    def rows():
        for _ in range(3):
            yield "x" * 500

    answer = answered(bench, bench.job("rows", value=None, consumed=3, exhausted=True))

    assert value(bench, answer).size > 1000


def test_exchanges_and_time_are_the_adapters_own(bench):
    """What our projection asks for, and how long it takes, is no part of the call: it is none on A."""
    with Service(lambda seen: Answer()) as service:

        def lazily(item):
            requests.get(f"{service.url}/projecting")
            bench.clock.advance(7.0)
            return "projected"

        @bench.sidecar.experiment("price", effect="read", project=lazily)
        def price():
            requests.get(f"{service.url}/price")
            bench.clock.advance(1.0, cpu=0.5)
            return object()

        answer = answered(bench, bench.job("price"))

    assert [exchange.target for exchange in answer.exchanges] == ["/price"]
    assert (answer.duration, answer.cpu_time) == (1.0, 0.5)


def test_of_a_generator_only_its_own_steps_count(bench):
    """Each step is observed and timed, and what lies between them is not."""
    with Service(lambda seen: Answer()) as service:

        def slowly(item):
            bench.clock.advance(7.0)
            return item

        @bench.sidecar.experiment("rows", effect="read", project=slowly)
        def rows():
            for number in range(2):
                requests.get(f"{service.url}/{number}")
                bench.clock.advance(1.0)
                yield number

        answer = answered(bench, bench.job("rows", value=[0, 1], consumed=2, exhausted=False))

    assert [exchange.target for exchange in answer.exchanges] == ["/0", "/1"]
    assert answer.duration == 2.0


def test_exchanges_of_a_call_that_raises_are_kept(bench):
    """An error comes with what was sent before it."""
    with Service(lambda seen: Answer(500)) as service:

        @bench.sidecar.experiment("price", effect="read")
        def price():
            requests.get(f"{service.url}/price").raise_for_status()

        answer = answered(bench, bench.job("price"))

    assert [exchange.status for exchange in answer.exchanges] == [500]
    assert error(bench, answer)["status"] == 500
