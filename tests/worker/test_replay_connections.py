"""An attempt that brought no answer is no observation of B: it is tried again, or nobody knows what it did."""

from __future__ import annotations

import socket
import threading
import urllib.request

import httpx
import pytest
import requests

from sidecar_science.routing.connecting import Connecting
from sidecar_science.worker.endings import Broken, NotSent
from sidecar_science.worker.replay import Ticket
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

    def test_a_refused_connection_after_another_one_is_no_proof(self, bench):
        """A client that nobody has heard of: what it sent before, nobody knows, but that it had a connection is seen."""
        refused = RefusedPort()
        connecting = Connecting(bench.current)
        with Service(lambda heard: Answer()) as service:

            def get():
                socket.create_connection(("127.0.0.1", service.port)).close()
                urllib.request.urlopen(refused.url)

            declared(bench, get)
            connecting.install()
            try:
                with pytest.raises(Broken):
                    bench.replayed(bench.job("shop.get"))
            finally:
                connecting.undo()
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


class TestHalfAnAnswer:
    def serving(self, bench, catch=()):
        """A service whose answers break off, and an adapter that reads them."""
        heads = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(10_000)
                    connection.sendall(heads)

        threading.Thread(target=serve, daemon=True).start()

        def get():
            try:
                return requests.get(f"http://127.0.0.1:{listener.getsockname()[1]}/").json()
            except catch as error:
                raise LookupError("no tea") from error

        declared(bench, get)
        return listener

    @pytest.mark.parametrize("catch", [(), requests.RequestException])
    def test_it_is_none(self, bench, catch):
        """Also where the adapter has made an error of its own of it."""
        with self.serving(bench, catch), pytest.raises(Broken):
            bench.replayed(bench.job("shop.get", value=1))

    def test_it_is_one_where_it_broke_off_on_a(self, bench):
        """The same kind of error is what there was to be seen."""
        error = {"type": "requests.exceptions.ChunkedEncodingError", "message": "", "status": None, "body": None}
        with self.serving(bench):
            found = bench.replayed(bench.job("shop.get", error=error))

        assert ending(found) in ("matched", "mismatched")


class TestFailing:
    @pytest.mark.parametrize(
        ("of_a", "of_b", "failing"), [(200, 200, False), (200, 503, True), (503, 503, False), (200, 404, False)]
    )
    def test_an_error_of_the_server_is_told_where_a_had_none(self, bench, of_a, of_b, failing):
        """Whoever protects B has to know; what A answered as well is no outage."""
        told = []
        with Service(lambda heard: Answer(of_b, {"n": 1})) as service:
            declared(bench, lambda: requests.get(service.url).json())
            seen = {"method": "GET", "origin": service.url, "path": "/", "query": "", "status": of_a, "body": None}
            job = bench.job("shop.get", value={"n": 1}, exchanges=[{**seen, "sent": True}])

            bench.replay().replay(Ticket(job=job, answered=told.append), lambda plan: None)

        assert told == [failing]
