"""A's secrets never came along: B's own are put in their places, or nothing is called."""

from __future__ import annotations

import attrs
import pytest

from sidecar_science.codec.markers import Secret
from sidecar_science.worker.endings import Ended
from tests.worker.bench import A_URL, Bench

TAKEN = Secret("0123456789abcdef")


@attrs.frozen
class Login:
    user: str
    password: object


@pytest.fixture
def bench():
    bench = Bench()

    class Shop:
        @bench.sidecar.experiment("shop.log_in", service="shop", effect="read", secrets=("pin",))
        def log_in(self, user, password, pin=None, **more):
            return user

    bench.sidecar.service("shop", A_URL, lambda base_url: Shop())

    return bench


def supply(bench, **values):
    bench.sidecar.experiments["shop.log_in"].supply(lambda: values)


def planned(bench, *args, **kwargs):
    call = bench.call("shop.log_in", *args, **kwargs)
    [planned] = bench.plan(bench.job("shop.log_in", calls=[call])).calls
    return planned


def reason(bench, *args, **kwargs):
    with pytest.raises(Ended) as info:
        planned(bench, *args, **kwargs)
    assert info.value.reason == "not_replayable"
    return info.value.detail


def test_a_call_without_secrets_needs_no_hook(bench):
    """Nothing was taken out."""
    assert planned(bench, "ada").args == ["ada"]


def test_a_secret_by_place_is_supplied_by_its_parameters_name(bench):
    """``password`` and the experiment's own ``pin`` were passed by position."""
    supply(bench, password="b-password", pin=4711)

    call = planned(bench, "ada", TAKEN, TAKEN)

    assert call.args == ["ada", "b-password", 4711]


def test_a_secret_by_name_and_deep_inside_is_supplied_by_the_name_it_stands_under(bench):
    """Keywords, dicts in lists in dicts, and tuples."""
    supply(bench, password="b-password", token="b-token")

    call = planned(bench, {"users": [{"token": TAKEN}, {"pair": ("x", {"token": TAKEN})}]}, password=TAKEN)

    assert call.args == [{"users": [{"token": "b-token"}, {"pair": ("x", {"token": "b-token"})}]}]
    assert call.kwargs == {"password": "b-password"}


def test_a_secret_in_a_registered_record_is_supplied(bench):
    """Redaction goes into records, and so does this."""
    bench.sidecar.register(Login)
    supply(bench, password="b-password")

    assert planned(bench, Login("ada", TAKEN)).args == [Login("ada", "b-password")]


def test_the_texts_of_what_was_supplied_are_remembered(bench):
    """They must be scrubbed from what B answers."""
    supply(bench, password="b-password", pin={"code": "b-pin-code"})

    assert {"b-password", "b-pin-code"} <= planned(bench, "ada", TAKEN, TAKEN).secrets


def test_without_a_hook_a_secret_is_not_replayable(bench):
    """B's value has to come from somewhere."""
    assert "no supply hook" in reason(bench, "ada", TAKEN)


def test_a_secret_that_the_hook_does_not_know_is_not_replayable(bench):
    """The detail names it."""
    supply(bench, token="b-token")

    assert "'password'" in reason(bench, "ada", TAKEN)


def test_a_secret_without_a_name_is_not_replayable(bench):
    """A bare one in a list of arguments has no name that anything could be supplied under."""
    supply(bench, password="b-password")

    assert "None" in reason(bench, TAKEN)


def test_a_hook_that_raises_is_told_and_not_replayable(bench):
    """Its message stays out of the reason: it may hold a secret."""

    def broken():
        raise RuntimeError("vault: hunter2 is wrong")

    bench.sidecar.experiments["shop.log_in"].supply(broken)

    assert reason(bench, "ada", TAKEN) == "the supply hook raised RuntimeError"
    assert bench.sidecar.shield.errors["supply"] == 1


def test_a_hook_that_gives_no_mapping_is_not_replayable(bench):
    """A list of values has no names."""
    bench.sidecar.experiments["shop.log_in"].supply(lambda: 5)

    assert "raised TypeError" in reason(bench, "ada", TAKEN)


def test_a_block_without_a_hook_uses_that_of_the_function_it_calls(bench):
    """The experiment of the function knows what its function needs."""
    bench.sidecar.experiment("checkout", service="shop", effect="read")
    supply(bench, password="b-password")

    call = bench.call("shop.log_in", "ada", password=TAKEN)
    [planned] = bench.plan(bench.job("shop.log_in", experiment="checkout", calls=[call])).calls

    assert planned.kwargs == {"password": "b-password"}
