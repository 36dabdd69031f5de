"""An attempt that brought no answer is no observation of B: it is tried again, or nobody knows what it did."""

from __future__ import annotations

import socket
import threading
import urllib.request

import httpx
import pytest
import requests

from sidecar_science.worker.endings import Broken, NotSent
from tests.story.world import Answer, RefusedPort, Service, hang_up, reset
from tests.worker.calls import declared, ending, swallowing


def test_a_refused_connection_to_b_has_sent_nothing(bench):
    """That is the lane's to try again, though the adapter swallowed it."""
    refused = RefusedPort()
    declared(bench, swallowing(refused.url))

    with pytest.raises(NotSent):
        bench.replayed(bench.job("shop.get"))
    refused.close()


def test_a_connection_that_broke_may_have_done_something(bench):
    """That is the lane's to judge, by what the call does to B."""
    with Service(lambda heard: reset) as service:
        declared(bench, swallowing(service.url))

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))


def test_a_request_that_was_answered_before_another_was_refused_was_sent(bench):
    """Half of the call has happened."""
    refused = RefusedPort()
    with Service(lambda heard: Answer()) as service:

        def get():
            requests.post(service.url)
            return swallowing(refused.url)()

        declared(bench, get)

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))
    refused.close()


def test_an_attempt_that_comes_to_nothing_on_both_sides_is_how_the_adapter_works(bench):
    """It tells a metrics server that runs nowhere: that keeps no job from being compared."""
    nowhere = RefusedPort()
    with Service(lambda heard: Answer(200, {"n": 1})) as service:

        def get():
            found = requests.get(f"{service.url}/tea").json()
            swallowing(nowhere.url)()
            return found

        declared(bench, get)
        one = {"method": "GET", "origin": service.url, "path": "/tea", "query": "", "status": 200, "body": None}
        other = {"method": "GET", "origin": nowhere.url, "path": "/", "query": "", "status": None, "body": None}

        both = bench.job("shop.get", value={"n": 1}, exchanges=[{**one, "sent": True}, {**other, "sent": False}])
        first = bench.job("shop.get", value={"n": 1}, exchanges=[{**one, "sent": True}])
        as_on_a = bench.replayed(both)
        with pytest.raises(Broken):
            bench.replayed(first)
    nowhere.close()

    assert ending(as_on_a) == "matched"


class TestUnobserved:
    """Clients that do not use urllib3: of their connections only their errors tell."""

    def clients(self, url):
        def by_urllib():
            return urllib.request.urlopen(url).read()

        def by_httpx():
            return httpx.get(url).json()

        async def by_async_httpx():
            async with httpx.AsyncClient() as client:
                return (await client.get(url)).json()

        return by_urllib, by_httpx, by_async_httpx

    @pytest.mark.parametrize("which", range(3))
    def test_a_refused_connection_has_sent_nothing(self, bench, which):
        """B is down, and the lane waits for it."""
        refused = RefusedPort()
        declared(bench, self.clients(refused.url)[which])

        with pytest.raises(NotSent):
            bench.replayed(bench.job("shop.get"))
        refused.close()

    @pytest.mark.parametrize("which", range(3))
    @pytest.mark.parametrize("how", [reset, hang_up])
    def test_a_connection_that_broke_may_have_done_something(self, bench, which, how):
        """The lane judges it by what the call does to B."""
        with Service(lambda heard: how) as service:
            declared(bench, self.clients(service.url)[which])

            with pytest.raises(Broken):
                bench.replayed(bench.job("shop.get"))

    def test_a_refused_connection_after_another_request_is_no_proof(self, bench):
        """What the first request did, nobody knows."""
        refused = RefusedPort()

        def twice():
            bench.current.get().headers("POST", "/orders")
            bench.current.get().headers("POST", "/orders")
            urllib.request.urlopen(refused.url)

        declared(bench, twice)

        with pytest.raises(Broken):
            bench.replayed(bench.job("shop.get"))
        refused.close()

    def test_another_error_is_an_answer(self, bench):
        """It has nothing to do with the connection."""

        def get():
            raise ValueError("no tea")

        declared(bench, get)

        assert ending(bench.replayed(bench.job("shop.get", value=1))) == "mismatched"


def test_an_adapter_that_tries_again_and_is_answered_is_compared(bench):
    """Its own retries are part of what it is."""
    broken = iter([reset])
    with Service(lambda heard: next(broken, Answer(200, {"n": 1}))) as service:

        def get():
            return swallowing(service.url)() or requests.get(service.url).json()

        declared(bench, get)

        replayed = bench.replayed(bench.job("shop.get", value={"n": 1}))

    assert ending(replayed) == "mismatched"
    assert [each["status"] for each in replayed.candidate["exchanges"]] == [None, 200]


def test_no_call_means_no_exchange_and_no_verdict_on_the_connection(bench):
    """An adapter that connects by itself is judged by its answer alone."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()

    def get():
        with socket.create_connection(server.getsockname()) as connection:
            return connection.recv(1)

    declared(bench, get)

    assert ending(bench.replayed(bench.job("shop.get", value=b""))) == "matched"
    server.close()
