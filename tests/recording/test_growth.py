"""Memory stays where it is: nothing of a call is kept once it has been shipped."""

from __future__ import annotations

import contextlib
import gc
import threading
import tracemalloc

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.memory import MemoryLog
from tests.desk import Desk, until


class Forgetful(MemoryLog):
    """A journal that keeps nothing."""

    def append(self, entries):
        with self._server.request(appending=True):
            pass


def held(desk):
    """Bytes in use when nothing is under way."""
    assert desk.sidecar.flush(60.0)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def make(**options):
    desk = Desk(log=lambda: Forgetful(desk.server), **options)

    class Api:
        @desk.experiment("get", key="n", service="s")
        def get(self, n, payload):
            if n % 10 == 0:
                raise ValueError(n)
            return {"n": n, "payload": payload}

        @desk.experiment("pages", effect="read")
        def pages(self, n):
            yield n
            yield self.get(n, {})

    return desk, Api()


def call(api, numbers):
    for n in numbers:
        with contextlib.suppress(ValueError):
            api.get(n, {"token": "tok-12345", "a": ["b"] * 5})


def test_two_hundred_thousand_calls_leave_nothing_behind():
    """With a key each of their own, errors and secrets among them."""
    desk, api = make()
    call(api, range(2_000))
    for n in range(1, 200):
        list(api.pages(n * 10 + 1))
    tracemalloc.start()
    try:
        before = held(desk)
        for part in range(10):
            # The counting of every allocation makes each call ten times as slow: it looks at a part of them.
            call(api, range(part * 1_000, part * 1_000 + 1_000))
            for n in range(50):
                list(api.pages(n * 10 + 1))
            held(desk)
        after = held(desk)
    finally:
        tracemalloc.stop()
    call(api, range(10_000, 200_000 - 10_000))

    assert desk.sidecar.flush(60.0)
    # A hundred bytes kept of each call would be a megabyte.
    assert after - before < 200_000
    called, recorded, dropped, _buffered = desk.accounts
    assert called >= 190_000
    assert recorded + sum(dropped.values()) == called
    assert len(desk.sidecar.experiments["get"].redactor._harmless) < 5_000
    desk.sidecar.close()


def test_threads_that_come_and_go_leave_nothing_behind():
    """A thread for every request, as some servers do."""
    desk, api = make()

    def threads(count):
        for n in range(count):
            thread = threading.Thread(target=call, args=(api, [n * 10 + 1]))
            thread.start()
            thread.join()

    threads(50)
    tracemalloc.start()
    try:
        before = held(desk)
        threads(500)
        after = held(desk)
    finally:
        tracemalloc.stop()

    assert after - before < 100_000
    desk.sidecar.close()


def test_what_is_lost_is_bounded_as_well():
    """Redis is down for hours: the buffer holds what it may hold, and of the rest no more than ten thousand keys."""
    desk, api = make(buffer_bytes=100_000)
    desk.server.trouble = JournalUnavailable("down")
    call(api, range(12_000))
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call(api, range(12_000, 20_000))
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert after - before < 100_000
    assert desk.accounts[0] == 20_000
    desk.server.trouble = None
    assert until(lambda: desk.accounts[3] == 0)
    desk.sidecar.close()
