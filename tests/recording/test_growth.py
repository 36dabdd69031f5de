"""Memory stays where it is: nothing of a call is kept once it has been shipped."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import tracemalloc

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.memory import MemoryLog
from tests.desk import Desk, until

# Two hundred thousand are as flat, and take half a minute.
CALLS = int(os.environ.get("SIDECAR_TEST_CALLS", "3000"))


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


def test_calls_leave_nothing_behind():
    """With a key each of their own, errors, generators and secrets among them."""
    desk, api = make()

    def work(numbers):
        call(api, numbers)
        for n in numbers[:100]:
            list(api.pages(n * 10 + 1))

    work(range(2_000))
    tracemalloc.start()
    try:
        before = held(desk)
        for part in range(1, CALLS // 1_000 + 1):
            work(range(part * 1_000, part * 1_000 + 1_000))
            held(desk)
        after = held(desk)
    finally:
        tracemalloc.stop()

    # Ten bytes kept of each call would be more.
    assert after - before < 10 * CALLS
    called, recorded, dropped, buffered = desk.accounts
    assert (recorded + sum(dropped.values()), buffered) == (called, 0)
    assert len(desk.sidecar.experiments["get"].redactor._harmless) < 5_000
    desk.sidecar.close()


def test_threads_that_come_and_go_leave_nothing_behind():
    """A thread for every request, as some servers do: it leaves no more than one that calls nothing of ours."""
    desk, api = make()

    def growth(work):
        """Bytes that five hundred threads leave."""
        before = held(desk)
        for n in range(500):
            thread = threading.Thread(target=work, args=([n * 10 + 1],))
            thread.start()
            thread.join()
        return held(desk) - before

    def record(numbers):
        call(api, numbers)

    tracemalloc.start()
    try:
        growth(record)
        ours, theirs = growth(record), growth(sum)
    finally:
        tracemalloc.stop()

    # A context or a capture for each of them would be more.
    assert ours - theirs < 200_000
    desk.sidecar.close()


def test_what_is_lost_is_bounded_as_well():
    """Redis is down for hours: the buffer holds what it may hold, and of the rest no more than ten thousand keys."""
    desk, api = make(buffer_bytes=100_000)
    desk.server.trouble = JournalUnavailable("down")
    call(api, range(2_000))
    # From here on what it holds stays as it is: the batch that is under way, the buffer, and the keys that were lost.
    assert until(lambda: desk.sidecar.recorder._shipper._batch is not None)
    call(api, range(2_000, 14_000))
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call(api, range(14_000, 24_000))
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert after - before < 100_000
    assert desk.accounts[0] == 24_000
    desk.server.trouble = None
    assert until(lambda: desk.accounts[3] == 0)
    desk.sidecar.close()
