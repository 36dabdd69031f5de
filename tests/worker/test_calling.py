"""A call on B is the call that A made, by the same kind of function; whatever it raises is its answer."""

from __future__ import annotations

import asyncio

import pytest

from sidecar_science.errors import DeadlineExceeded, EgressRefused
from tests.worker.bench import A_URL, B_URL
from tests.worker.calls import answered, built, error, value


def test_a_method_is_called_on_the_adapter_for_b(bench):
    """The adapter is made by ``build`` for the route's URL."""

    class Shop:
        def __init__(self, base_url):
            self.base_url = base_url

        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item, size="s"):
            return [self.base_url, item, size]

    built(bench, Shop)

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

    built(bench, lambda base_url: Shop())

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

    built(bench, lambda base_url: Shop())
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

    built(bench, lambda base_url: Shop())
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

    built(bench, Shop)
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
