"""To whoever looks at it, a recorded function is the function."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import types

import pytest

from tests.desk import Desk
from tests.recording import shop


def test_signature_name_and_docstring_are_the_functions_own():
    """Frameworks read all three."""
    assert str(inspect.signature(shop.price)) == "(item: 'str', *, tax: 'float' = 0.2) -> 'float'"
    assert str(inspect.signature(shop.Shop.order)) == "(self, item: 'str', count: 'int' = 1) -> 'str'"
    assert str(inspect.signature(shop.Shop().order)) == "(item: 'str', count: 'int' = 1) -> 'str'"
    assert (shop.price.__name__, shop.price.__qualname__, shop.price.__module__) == ("price", "price", shop.__name__)
    assert shop.price.__doc__ == "What it costs."
    assert inspect.getsource(shop.price).lstrip().startswith("@sidecar.experiment")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("order", inspect.isfunction),
        ("order_later", inspect.iscoroutinefunction),
        ("order_later", asyncio.iscoroutinefunction),
        ("pages", inspect.isgeneratorfunction),
        ("pages_later", inspect.isasyncgenfunction),
    ],
)
def test_inspect_knows_what_it_is(name, is_one):
    """In the class and on an object."""
    assert is_one(getattr(shop.Shop, name))
    if is_one is not inspect.isfunction:
        assert is_one(getattr(shop.Shop(), name))


def test_isinstance_takes_it_for_a_function():
    """And for a method, where it is one."""
    assert isinstance(shop.price, types.FunctionType)
    assert isinstance(shop.Shop().order, types.MethodType)
    assert shop.Shop().order.__self__.__class__ is shop.Shop


def test_what_runs_later_has_the_functions_name():
    """Tasks, warnings and tracebacks show it."""
    api = shop.Shop()
    coroutine, generator, async_generator = api.order_later("tea"), api.pages(1), api.pages_later(1)
    coroutine.close()

    names = [each.__qualname__ for each in (coroutine, generator, async_generator)]

    assert names == ["Shop.order_later", "Shop.pages", "Shop.pages_later"]
    assert generator.__name__ == "pages"


def test_an_object_that_has_no_name_gives_none(desk):
    """Then what runs later keeps ours."""

    class Fetch:
        async def __call__(self):
            return 1

    recorded = desk.experiment("get")(Fetch())

    assert asyncio.run(recorded()) == 1


def test_instances_of_the_class_are_pickled_as_before():
    """Nothing of ours is in them."""
    before = shop.Shop(stock={"tea": 2})

    again = pickle.loads(pickle.dumps(before))

    assert vars(again) == {"stock": {"tea": 2}}
    assert b"sidecar" not in pickle.dumps(before)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_functions_and_methods_are_pickled_by_name(protocol):
    """Process pools and task queues send them so."""
    api = shop.Shop(stock={"tea": 2})

    price, order, opened, parsed, on_class = pickle.loads(
        pickle.dumps([shop.price, api.order, shop.Shop.opened, shop.Shop.parsed, shop.Shop.order], protocol)
    )

    assert price is shop.price
    assert order("tea") == "tea x 1 of 2"
    assert opened("Leeds") == ("Shop", "Leeds")
    assert parsed("a") == "A"
    assert on_class(api, "tea") == "tea x 1 of 2"


def test_copies_are_made_as_of_functions_and_methods():
    """A function is copied as itself, a method with its object; objects that hold one can be copied."""
    api = shop.Shop(stock={"tea": 2})
    api.callback = api.order

    again = copy.deepcopy(api)
    again.stock["tea"] = 5

    assert copy.copy(shop.price) is copy.deepcopy(shop.price) is shop.price
    assert again.callback("tea") == "tea x 1 of 5"
    assert api.callback("tea") == "tea x 1 of 2"
    assert copy.copy(api.order)("tea") == "tea x 1 of 2"
    assert copy.deepcopy(shop.Shop.parsed)("a") == "A"


def test_methods_are_equal_and_hashed_as_methods():
    """Registries of callbacks compare them."""
    api = shop.Shop()

    assert api.order == api.order
    assert api.order != shop.Shop().order
    assert {api.order: 1}[api.order] == 1


def test_attributes_of_the_function_are_read_and_written_through():
    """Frameworks mark functions."""
    shop.price.is_public = True

    assert shop.price.__wrapped__.is_public
    assert vars(shop.price)["is_public"]
    del shop.price.is_public


def test_a_disabled_sidecar_changes_nothing_else():
    """The wrapper is there, and calls straight through."""
    desk = Desk(enabled=False)

    @desk.experiment("add", key="a")
    def add(a, b):
        return a + b

    @desk.experiment("pages")
    def pages():
        yield 1

    assert add(1, 2) == 3
    assert list(pages()) == [1]
    assert desk.accounts == (0, 0, {}, 0)
