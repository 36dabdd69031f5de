"""The adapters for B: made by the service's build, one for each lane."""

from __future__ import annotations

import urllib.request

import pytest
import requests

from sidecar_science.worker.endings import Ended, NotSent
from tests.story.world import RefusedPort
from tests.worker.bench import A_URL
from tests.worker.calls import answered, built, value


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

    built(bench, build)
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

    built(bench, lambda base_url: made.append(1) or Shop())
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

    built(bench, build)

    with pytest.raises(Ended) as info:
        answered(bench, bench.job("shop.get"))
    assert (info.value.outcome, info.value.reason) == ("failed", "worker_error")
    assert info.value.detail == "build of 'shop' raised KeyError"


@pytest.mark.parametrize("get", [requests.get, urllib.request.urlopen])
def test_a_build_that_cannot_reach_b_has_sent_nothing_of_the_call(bench, get):
    """Some clients connect when they are made: that is B being down, and is tried again."""
    refused = RefusedPort()

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self):
            return 1

    built(bench, lambda base_url: get(refused.url))

    with pytest.raises(NotSent):
        answered(bench, bench.job("shop.get"))
    refused.close()
