"""Recorded calls out of signal handlers, finalizers and logging: no deadlock, no recursion, and each is counted."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sidecar_science.errors import JournalUnavailable
from tests.desk import Desk, until


@pytest.fixture
def calling():
    """A sidecar with a function that many will call."""
    desk = Desk()
    desk.get = desk.experiment("get", key="n")(lambda n: n)
    yield desk
    desk.sidecar.close(5.0)


@contextlib.contextmanager
def interrupted(handle: Callable[[], object], every: float) -> Iterator[None]:
    """Within the block a signal comes ``every`` so many seconds, and ``handle`` is its handler.

    The timer is set again when a handler has ended: where one takes longer than that, a timer that repeats would leave
    no time for anything else. The test's own alarm goes on afterwards.
    """
    over = False

    def handler(*_: object) -> None:
        if not over:
            handle()
            signal.setitimer(signal.ITIMER_REAL, every)

    previous = signal.signal(signal.SIGALRM, handler)
    left, _ = signal.setitimer(signal.ITIMER_REAL, every)
    try:
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, left)


def test_a_signal_handler_may_call_at_any_moment(calling):
    """Every two milliseconds, for two seconds, into a loop that does nothing but record: each call is in the books."""
    by_handler = []

    def handle():
        before = calling.sidecar.recorder.buffer.called
        calling.get("handler")
        by_handler.append(calling.sidecar.recorder.buffer.called - before)

    deadline, calls = time.monotonic() + 2.0, 0
    with interrupted(handle, 0.002):
        while time.monotonic() < deadline or (len(by_handler) <= 100 and time.monotonic() < deadline + 30.0):
            calling.get(calls % 7)
            calls += 1

    calling.flush()
    called, recorded, dropped, buffered = calling.accounts
    assert len(by_handler) > 100
    # One that came inside the control itself is part of that call.
    assert set(by_handler) <= {0, 1}
    assert called == calls + sum(by_handler)
    assert buffered == 0
    assert set(dropped) <= {"reentrant", "buffer_full"}
    assert len(calling.arrived) == recorded


def test_a_signal_handler_may_flush_and_close(calling):
    """As a server's handler does that ends it."""
    done = []

    def handle():
        calling.get("handler")
        done.append(calling.sidecar.flush(0.01))
        if len(done) == 20:
            done.append(calling.sidecar.close(1.0))

    deadline = time.monotonic() + 30
    with interrupted(handle, 0.005):
        while len(done) < 21 and time.monotonic() < deadline:
            calling.get(1)
            calling.sidecar.flush(0.01)

    assert len(done) >= 21
    _called, _recorded, _dropped, buffered = calling.accounts
    assert buffered == 0


def test_a_finalizer_may_call_whenever_the_collector_runs(calling):
    """Also in the middle of our own work."""
    made = []

    class Dying:
        def __init__(self):
            self.me = self
            made.append(1)

        def __del__(self):
            calling.get("dying")

    def collect(value):
        gc.collect()
        return value

    @calling.experiment("leave", project=collect)
    def leave(n):
        Dying()
        return n

    for n in range(20):
        leave(n)
    Dying()
    gc.collect()

    calling.flush()
    assert len(made) == 21
    assert calling.accounts == (41, 21, {"reentrant": 20}, 0)


def test_the_collector_may_run_at_every_allocation(calling):
    """In any thread, whatever is under way: nothing hangs, and the books balance."""
    made = []

    class Dying:
        def __init__(self):
            self.me = self
            made.append(1)

        def __del__(self):
            calling.get("dying")

    thresholds = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for n in range(300):
            Dying()
            calling.get({"n": [n, {"deep": [n]}]} if n % 3 else n)
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()

    calling.flush()
    called, _recorded, dropped, buffered = calling.accounts
    assert (len(made), buffered) == (300, 0)
    assert 300 <= called <= 600
    assert dropped["hook_failed"] == 200


def test_a_logging_handler_may_call(calling):
    """Ours are among the lines that it handles; without a guard, each would bring another one."""

    class Calling(logging.Handler):
        def emit(self, record):
            calling.get("log")

    handler = Calling()
    logging.getLogger().addHandler(handler)
    try:
        desk = Desk(logger=logging.getLogger("somebodys.logger"))
        desk.sidecar.shield._log = None
        get = desk.experiment("get", key=lambda n: 1 / 0)(lambda n: n)
        get(1)
        desk.server.trouble = JournalUnavailable("down")
        desk.experiment("other")(lambda: 1)()
        assert until(lambda: calling.stats["dropped"].get("reentrant", 0) >= 2)
        desk.server.trouble = None
        logging.getLogger("app").warning("the application's own")
    finally:
        logging.getLogger().removeHandler(handler)
        desk.sidecar.close(5.0)

    calling.flush()
    called, recorded, dropped, _ = calling.accounts
    assert recorded == 1
    assert dropped.keys() == {"reentrant"}
    assert called == 1 + dropped["reentrant"] < 10


def test_threads_at_the_same_time_lose_nothing(calling):
    """Eight of them, as fast as they can, while others flush."""
    stop = threading.Event()

    def flush():
        while not stop.is_set():
            calling.sidecar.flush(0.01)

    def call(name):
        for n in range(400):
            calling.get(f"{name}-{n}")

    flushing = threading.Thread(target=flush)
    flushing.start()
    threads = [threading.Thread(target=call, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    flushing.join()

    values = sorted(calling.decode(job.value) for job in calling.jobs)
    assert values == sorted(f"{name}-{n}" for name in range(8) for n in range(400))
    assert calling.accounts == (3200, 3200, {}, 0)
