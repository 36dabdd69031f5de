"""A call on B is the call that A made: the same kind of function, as many items, and nothing of ours in its time."""

from __future__ import annotations

import asyncio
import threading

import pytest
import requests

from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.worker.endings import Ended, NotSent
from tests.story.world import Answer, RefusedPort, Service
from tests.worker.bench import A_URL, B_URL, Bench


@pytest.fixture
def bench():
    return Bench()


def declare(bench, cls, **services):
    """Have ``cls`` made by the service's build."""
    bench.sidecar.service("shop", A_URL, cls)
    return cls


def answered(bench, job, caller=None):
    """The answer to the only call of ``job``."""
    plan = bench.plan(job)
    caller = caller or bench.caller()
    return caller.call(plan, plan.calls[0])


def value(bench, answer):
    return None if answer.value is None else bench.sidecar.codec.decode(answer.value)


def error(bench, answer):
    return None if answer.error is None else bench.sidecar.codec.decode(answer.error)


# -- kinds of functions ----------------------------------------------------------------------------------------------


def test_a_method_is_called_on_the_adapter_for_b(bench):
    """The adapter is made by ``build`` for the route's URL."""

    class Shop:
        def __init__(self, base_url):
            self.base_url = base_url

        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item, size="s"):
            return [self.base_url, item, size]

    declare(bench, Shop)

    call = bench.call("shop.get", "tea", size="l")
    answer = answered(bench, bench.job("shop.get", calls=[call]))

    assert value(bench, answer) == [B_URL, "tea", "l"]
    assert answer.error is None


def test_a_classmethod_is_called_on_the_adapters_class(bench):
    """An adapter of a subclass brings its own class."""

    class Shop:
        flavor = "plain"

        @classmethod
        @bench.sidecar.experiment("shop.kind", service="shop", effect="read")
        def kind(cls, item):
            return [cls.flavor, item]

    declare(bench, lambda base_url: Shop())

    assert value(bench, answered(bench, bench.job("shop.kind", "tea"))) == ["plain", "tea"]


def test_staticmethods_and_functions_are_called_as_they_are(bench):
    """They need no adapter, so none is made."""

    class Shop:
        @staticmethod
        @bench.sidecar.experiment("shop.price", service="shop", effect="read")
        def price(item):
            return f"the price of {item}"

    @bench.sidecar.experiment("price", service="shop", effect="read")
    def price(item):
        return f"price of {item}"

    bench.sidecar.service("shop", A_URL)

    assert value(bench, answered(bench, bench.job("shop.price", "tea"))) == "the price of tea"
    assert value(bench, answered(bench, bench.job("price", "tea"))) == "price of tea"


def test_a_coroutine_function_is_awaited(bench):
    """One event loop serves all calls of a lane."""
    loops = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        async def get(self, item):
            await asyncio.sleep(0)
            loops.append(asyncio.get_running_loop())
            return item

    declare(bench, lambda base_url: Shop())
    caller = bench.caller()

    answers = [answered(bench, bench.job("shop.get", item), caller) for item in ("tea", "coffee")]
    caller.close()

    assert [value(bench, answer) for answer in answers] == ["tea", "coffee"]
    assert loops[0] is loops[1]
    assert loops[0].is_closed()


def test_tasks_that_a_call_leaves_behind_are_cancelled(bench):
    """What one job left running must not send anything in the next one's time."""
    ran = []

    async def later():
        await asyncio.sleep(0.01)
        ran.append("later")

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        async def get(self):
            self.task = asyncio.ensure_future(later())

        @bench.sidecar.experiment("shop.wait", service="shop", effect="read")
        async def wait(self):
            await asyncio.sleep(0.03)
            return self.task.cancelled()

    declare(bench, lambda base_url: Shop())
    caller = bench.caller()
    answered(bench, bench.job("shop.get"), caller)

    answer = answered(bench, bench.job("shop.wait"), caller)

    assert (value(bench, answer), ran) == (True, [])


def test_a_candidate_is_given_the_adapter_first(bench):
    """A registered function stands for a method."""

    class Shop:
        def __init__(self, base_url):
            self.base_url = base_url

        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item):
            raise AssertionError("the control is not called")

    def in_bulk(adapter, item):
        return [adapter.base_url, item]

    declare(bench, Shop)
    bench.sidecar.experiments["shop.get"].try_(in_bulk, name="bulk")

    answer = answered(bench, bench.job("shop.get", "tea"))

    assert (answer.behavior, value(bench, answer)) == ("bulk", [B_URL, "tea"])


def test_a_candidate_for_a_plain_function_is_given_no_adapter(bench):
    """There is none to give."""

    @bench.sidecar.experiment("price", effect="read")
    def price(item):
        return item

    def another(adapter, item):
        return [adapter, item]

    bench.sidecar.experiments["price"].try_(another)

    assert value(bench, answered(bench, bench.job("price", "tea"))) == [None, "tea"]


# -- adapters --------------------------------------------------------------------------------------------------------


def test_an_adapter_is_made_once_for_each_lane(bench):
    """No cookie and no token is shared between lanes, nor with A."""
    made = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return made.index(self)

    def build(base_url):
        made.append(Shop())
        return made[-1]

    declare(bench, build)
    first, second = bench.caller(), bench.caller()

    seen = [value(bench, answered(bench, bench.job("shop.get"), caller)) for caller in (first, second, first)]

    assert seen == [0, 1, 0]


def test_after_a_reset_the_lane_has_new_adapters(bench):
    """A call that was ended in the middle leaves its adapter in any state."""
    made = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return len(made)

    declare(bench, lambda base_url: made.append(1) or Shop())
    caller = bench.caller()
    answered(bench, bench.job("shop.get"), caller)

    caller.reset()

    assert value(bench, answered(bench, bench.job("shop.get"), caller)) == 2


def test_without_a_build_a_method_is_not_replayable(bench):
    """The detail says what is missing."""

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return 1

    bench.sidecar.service("shop", A_URL)

    with pytest.raises(Ended, match="has no build=") as info:
        answered(bench, bench.job("shop.get"))
    assert info.value.reason == "not_replayable"


def test_a_build_that_raises_is_our_error_and_not_bs(bench):
    """B was not observed."""

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return 1

    def build(base_url):
        raise KeyError("B_TOKEN of a secret kind")

    declare(bench, build)

    with pytest.raises(Ended) as info:
        answered(bench, bench.job("shop.get"))
    assert (info.value.outcome, info.value.reason) == ("failed", "worker_error")
    assert info.value.detail == "build of 'shop' raised KeyError"


def test_a_build_that_cannot_reach_b_has_sent_nothing_of_the_call(bench):
    """Some clients connect when they are made: that is B being down, and is tried again."""
    refused = RefusedPort()

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return 1

    declare(bench, lambda base_url: requests.get(refused.url))

    with pytest.raises(NotSent):
        answered(bench, bench.job("shop.get"))
    refused.close()


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raised", [ValueError("no tea"), SystemExit(3), asyncio.CancelledError()])
def test_whatever_the_candidate_raises_is_its_answer(bench, raised):
    """Exceptions that end programs included: here they end a call."""

    @bench.sidecar.experiment("price", effect="read")
    def price():
        raise raised

    answer = answered(bench, bench.job("price"))

    assert answer.value is None
    assert error(bench, answer)["type"].rpartition(".")[2] == type(raised).__name__


@pytest.mark.parametrize("raised", [EgressRefused("no"), DeadlineExceeded(), KeyboardInterrupt()])
def test_what_is_not_the_candidates_passes_through(bench, raised):
    """Refusals and deadlines are ours to judge."""

    @bench.sidecar.experiment("price", effect="read")
    def price():
        raise raised

    with pytest.raises(type(raised)):
        answered(bench, bench.job("price"))


def test_an_error_is_not_projected_as_results_are(bench):
    """``project`` is for what the function gives, on A as well."""

    @bench.sidecar.experiment("price", effect="read", project=lambda result: result.data)
    def price():
        raise ValueError("no tea")

    assert error(bench, answered(bench, bench.job("price")))["message"] == "no tea"


def test_an_error_that_cannot_be_described_still_has_a_type(bench):
    """Its properties raise what no ordinary guard catches."""

    class Hostile(Exception):
        def __str__(self):
            raise SystemExit

        @property
        def response(self):
            raise SystemExit

    @bench.sidecar.experiment("price", effect="read")
    def price():
        raise Hostile

    assert error(bench, answered(bench, bench.job("price")))["type"].endswith("Hostile")


# -- generators ------------------------------------------------------------------------------------------------------


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


# -- what is observed ------------------------------------------------------------------------------------------------


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
