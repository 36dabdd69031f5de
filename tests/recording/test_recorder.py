"""The thread that ships, and how a sidecar starts, flushes and ends."""

from __future__ import annotations

import os
import sys
import threading
import time
import types

import pytest

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.memory import MemoryLog
from sidecar_science.recording.hosts import forbids_threads, forks_later
from sidecar_science.testing import FakeClock
from tests.desk import Desk, until


class Gate:
    """A journal whose appending waits until the gate is opened."""

    def __init__(self, server):
        self.open = threading.Event()
        self.reached = threading.Event()
        self._log = MemoryLog(server)

    def append(self, entries):
        self.reached.set()
        self.open.wait(20)
        self._log.append(entries)

    def __getattr__(self, name):
        return getattr(self._log, name)


@pytest.fixture
def gated():
    """A sidecar in front of a gate."""
    desk = Desk(log=lambda: gate)
    gate = Gate(desk.server)
    desk.gate = gate
    desk.get = desk.experiment("get")(lambda n=0: n)
    yield desk
    gate.open.set()
    desk.sidecar.close(5.0)


def threads():
    return {thread for thread in threading.enumerate() if thread.name == "sidecar-drain"}


def test_nothing_starts_before_the_first_call(desk):
    """Declaring opens no connection and starts no thread; neither does a look at the numbers, or an early end."""
    made = []
    desk = Desk(log=lambda: made.append(1))
    desk.experiment("get")(lambda: 1)
    before = threads()

    assert desk.sidecar.flush()
    assert desk.accounts == (0, 0, {}, 0)
    assert desk.sidecar.close()

    assert (threads() - before, made) == (set(), [])


def test_one_daemon_thread_starts_with_the_first_call(desk):
    """And stays the only one."""
    before = threads()
    get = desk.experiment("get")(lambda: 1)

    callers = [threading.Thread(target=get) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    [new] = threads() - before
    assert new.daemon
    assert desk.accounts[0] == 8


def test_a_disabled_sidecar_starts_no_thread():
    """And cannot be asked to ship or to end."""
    desk = Desk(enabled=False)
    before = threads()

    desk.experiment("get")(lambda: 1)()

    assert threads() - before == set()
    assert desk.sidecar.flush() is True
    assert desk.sidecar.close() is True


def test_flush_says_whether_it_arrived(gated):
    """Within its time, and no later."""
    gated.get()

    in_vain = gated.sidecar.flush(0.02)
    gated.gate.open.set()

    assert in_vain is False
    assert gated.sidecar.flush() is True
    assert len(gated.arrived) == 1


def test_flush_does_not_wait_for_what_is_called_later(gated):
    """An app that never rests could otherwise never be flushed."""
    gated.get(1)
    assert gated.gate.reached.wait(10)
    flushed = []
    flushing = threading.Thread(target=lambda: flushed.append(gated.sidecar.flush(10.0)))
    flushing.start()
    assert until(lambda: gated.sidecar.recorder._hurry_until > 0)
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            gated.get(2)
            time.sleep(0.0005)

    calling = threading.Thread(target=go_on)
    calling.start()
    gated.gate.open.set()
    flushing.join(10)
    stop.set()
    calling.join()

    assert flushed == [True]


def test_flush_ships_in_spite_of_a_pause():
    """The journal rests after an error; whoever flushes is in a hurry."""
    desk = Desk()
    get = desk.experiment("get")(lambda: 1)
    desk.server.trouble = JournalUnavailable("down")
    get()
    assert desk.sidecar.flush(0.2) is False
    desk.server.trouble = None

    assert desk.sidecar.flush(10.0) is True
    desk.sidecar.close()


def test_flush_ends_though_a_tests_clock_stands_still():
    """Its steps are counted as well."""
    desk = Desk(clock=FakeClock())
    desk.server.trouble = JournalUnavailable("down")
    desk.experiment("get")(lambda: 1)()

    assert desk.sidecar.flush(0.05) is False
    desk.server.trouble = None
    desk.sidecar.close(0.05)


def test_many_may_flush_at_once(desk):
    """From any thread, while calls go on."""
    get = desk.experiment("get")(lambda: 1)
    flushed = []

    def work():
        for _ in range(20):
            get()
        flushed.append(desk.sidecar.flush())

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert flushed == [True] * 6
    assert desk.accounts == (120, 120, {}, 0)


def test_close_ships_and_says_goodbye(desk):
    """After that a call is only a call."""
    get = desk.experiment("get")(lambda n: n)
    get(1)

    assert desk.sidecar.close() is True
    assert desk.sidecar.close() is True
    assert get(2) == 2

    [producer] = desk.server.producers.values()
    assert (producer.ended, producer.called, producer.recorded) == (True, 1, 1)
    assert len(desk.arrived) == 1
    assert desk.accounts == (1, 1, {}, 0)
    assert until(lambda: desk.sidecar.recorder._thread not in threading.enumerate())


def test_close_counts_what_could_not_be_shipped():
    """And keeps to its time."""
    desk = Desk()
    get = desk.experiment("get")(lambda: 1)
    get()
    desk.flush()
    desk.server.trouble = JournalUnavailable("down")
    get()
    get()

    assert desk.sidecar.close(0.2) is False

    called, recorded, dropped, buffered = desk.accounts
    assert (called, recorded, buffered) == (3, 1, 0)
    assert sum(dropped.values()) == 2
    assert set(dropped) <= {"gave_up", "shutdown"}
    [producer] = desk.server.producers.values()
    assert producer.ended is False


def test_close_leaves_without_a_word_where_the_thread_is_stuck(gated):
    """In a hung Redis: the process has to end."""
    gated.get()
    assert gated.gate.reached.wait(10)
    gated.get()

    start = time.monotonic()
    assert gated.sidecar.close(0.1) is False
    took = time.monotonic() - start

    # Far from the minute that a client with its usual retries would take.
    assert took < 5.0
    called, recorded, dropped, buffered = gated.accounts
    assert (called, recorded, dropped, buffered) == (2, 0, {"shutdown": 1}, 1)
    gated.gate.open.set()
    assert until(lambda: gated.accounts[1] == 1)


def test_a_call_that_ends_after_the_end_is_counted(desk):
    """It began before it."""
    begun, go_on = threading.Event(), threading.Event()

    @desk.experiment("slow")
    def slow():
        begun.set()
        go_on.wait(10)
        return 1

    values = []
    caller = threading.Thread(target=lambda: values.append(slow()))
    caller.start()
    begun.wait(10)
    desk.sidecar.close()
    go_on.set()
    caller.join()

    assert values == [1]
    assert desk.accounts == (1, 0, {"shutdown": 1}, 0)


def test_producers_tell_their_numbers(desk):
    """Soon after they have changed, and at every flush; the parts add up."""
    get = desk.experiment("get")(lambda: 1)
    big = desk.experiment("big", effect="read")(lambda given: 1)
    out = desk.experiment("out", sample=0.0, effect="read")(lambda: 1)
    get()
    big("x" * 2_000_000)
    out()
    desk.flush()

    [producer] = desk.server.producers.values()
    assert producer.id == desk.stats["producer"]
    assert (producer.called, producer.sampled_out, producer.recorded, producer.dropped) == (3, 1, 1, {"too_large": 1})
    assert producer.ended is False


def test_numbers_are_told_within_a_second_of_their_change_and_now_and_then():
    """A process that is only sampled out is heard of as well."""
    clock = FakeClock()
    reported = []

    class Listening(MemoryLog):
        def report(self, producer, accounts, *, ended=False):
            reported.append((accounts["called"], accounts["pid"], ended))

    desk = Desk(clock=clock, sample=0.0, log=lambda: Listening(desk.server))
    get = desk.experiment("get")(lambda: 1)
    get()
    assert until(lambda: reported == [(1, os.getpid(), False)])
    get()
    time.sleep(0.12)
    at_once = list(reported)
    clock.advance(1.0)
    soon = until(lambda: len(reported) == 2)
    clock.advance(10.0)
    again = until(lambda: len(reported) == 3)
    desk.sidecar.close()

    assert (len(at_once), soon, again) == (1, True, True)
    assert reported[-1] == (2, os.getpid(), True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_replaced_by_the_next_call(desk):
    """Something outside has killed it."""
    get = desk.experiment("get")(lambda n: n)
    get(1)
    desk.flush()
    recorder = desk.sidecar.recorder
    first = recorder._thread

    def die():
        raise SystemExit

    rounds, recorder._round = recorder._round, die
    first.join(10)
    recorder._round = rounds
    get(2)
    desk.flush()

    assert not first.is_alive()
    assert recorder._thread is not first
    assert desk.accounts == (2, 2, {}, 0)


def test_a_round_that_fails_is_not_the_last(desk, monkeypatch):
    """Even a defect of ours: the thread outlives it."""
    get = desk.experiment("get")(lambda n: n)
    get(1)
    desk.flush()
    recorder = desk.sidecar.recorder

    monkeypatch.setattr(recorder._standing, "tell", lambda **how: 1 / 0)
    assert until(lambda: "drain" in desk.stats["errors"])
    monkeypatch.undo()
    get(2)
    desk.flush()

    assert desk.accounts == (2, 2, {}, 0)


def test_where_no_thread_can_be_started_flush_ships_by_itself(desk, monkeypatch):
    """As when the interpreter is ending; it is tried again a second later."""
    clock = FakeClock()
    desk = Desk(clock=clock)
    get = desk.experiment("get")(lambda n: n)
    tried = []

    def refuse(self):
        tried.append(self.name)
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    get(1)
    get(2)
    flushed = desk.sidecar.flush()
    at_first = len(tried)
    clock.advance(1.0)
    get(3)
    monkeypatch.undo()

    assert flushed is True
    assert (at_first, len(tried)) == (1, 2)
    assert desk.stats["errors"]["thread"] == 2
    clock.advance(1.0)
    get(4)
    assert desk.sidecar.close() is True
    assert desk.accounts == (4, 4, {}, 0)


def test_a_thread_that_an_interrupt_kept_from_running_is_started_by_the_next_call(desk, monkeypatch):
    """Ctrl-C is for the program; what records is not to be lost with it."""
    get = desk.experiment("get")(lambda n: n)

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(1)
    monkeypatch.undo()
    get(2)
    desk.flush()

    assert desk.accounts == (1, 1, {}, 0)


def test_a_host_that_runs_no_threads_is_told_and_left_in_peace(monkeypatch):
    """uWSGI without --enable-threads: nothing would ever be shipped."""
    monkeypatch.setitem(sys.modules, "uwsgi", types.SimpleNamespace(opt={"processes": b"4"}))
    desk = Desk()
    get = desk.experiment("get")(lambda n: n)

    assert (get(1), get(2)) == (1, 2)

    assert desk.accounts == (1, 0, {"no_thread": 1}, 0)
    assert desk.stats["errors"] == {"no_thread": 1}


@pytest.mark.parametrize(
    ("options", "forbids"),
    [
        ({}, True),
        ({"enable-threads": False}, True),
        ({"enable-threads": b"false"}, True),
        ({"enable-threads": True}, False),
        ({"enable-threads": b"true"}, False),
        ({b"enable-threads": b"1"}, False),
        ({"threads": b"4"}, False),
        ("not ours to read", False),
    ],
)
def test_what_uwsgi_allows_is_read_from_its_options(monkeypatch, options, forbids):
    """As its module shows them to the application."""
    monkeypatch.setitem(sys.modules, "uwsgi", types.SimpleNamespace(opt=options))

    assert forbids_threads() is forbids


def test_a_process_of_uwsgi_that_forks_later_starts_no_thread(monkeypatch):
    """A worker that is forked while the thread runs would hang: what was called waits for a flush, or for the worker."""
    number = 0
    fake = types.SimpleNamespace(opt={"enable-threads": True}, worker_id=lambda: number)
    monkeypatch.setitem(sys.modules, "uwsgi", fake)
    desk = Desk()
    get = desk.experiment("get")(lambda n: n)

    get(1)
    before = desk.sidecar.recorder._thread
    desk.flush()
    assert (before, desk.sidecar.recorder._thread) == (None, None)
    assert desk.accounts == (1, 1, {}, 0)

    number = 1
    get(2)
    assert desk.sidecar.recorder._thread is not None
    desk.flush()
    assert desk.accounts == (2, 2, {}, 0)


def test_a_fork_of_uwsgi_that_is_no_worker_has_a_thread(monkeypatch):
    """A mule or a spooler has the number 0, too, and forks no more."""
    fake = types.SimpleNamespace(opt={"enable-threads": True}, worker_id=lambda: 0)
    monkeypatch.setitem(sys.modules, "uwsgi", fake)
    desk = Desk()
    get = desk.experiment("get")(lambda n: n)
    get(1)
    pid = os.getpid()

    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    get(2)

    assert desk.sidecar.recorder._thread is not None
    desk.flush()
    assert desk.accounts == (1, 1, {}, 0)
    desk.sidecar.close()


def test_elsewhere_threads_are_allowed():
    """There is no such module."""
    assert forbids_threads() is False
    assert forks_later() is False


def test_a_fork_without_hooks_is_noticed_by_the_next_call(monkeypatch):
    """uWSGI forks without running Python's hooks: the process id tells."""
    monkeypatch.setitem(sys.modules, "uwsgi", types.SimpleNamespace(opt={"enable-threads": True}))
    desk = Desk()
    get = desk.experiment("get")(lambda n: n)
    get(1)
    desk.flush()
    parent = desk.stats["producer"]
    pid = os.getpid()

    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    closed_by_a_stranger = desk.sidecar.close()
    get(2)
    desk.flush()
    child = desk.stats["producer"]

    assert closed_by_a_stranger is True
    assert parent != child
    assert desk.accounts == (1, 1, {}, 0)
    assert [job.id[:16] for job, _ in desk.arrived] == [parent, child]
    assert len({job.id for job, _ in desk.arrived}) == 2
    desk.sidecar.close()


def test_a_call_that_began_before_a_fork_belongs_to_the_parent(desk):
    """In the child it is neither shipped nor counted, or B would do it twice."""

    desk.sidecar.recorder.wake = lambda: None

    @desk.experiment("fork")
    def fork():
        desk.sidecar.recorder.after_fork()

    fork()

    assert desk.accounts == (0, 0, {}, 0)
    assert desk.jobs == []


def test_job_ids_are_unique_and_name_their_producer(desk):
    """32 hex digits."""
    get = desk.experiment("get")(lambda: 1)
    for _ in range(3):
        get()

    ids = [job.id for job in desk.jobs]
    assert len(set(ids)) == 3
    assert all(len(id) == 32 and int(id, 16) and id.startswith(desk.stats["producer"]) for id in ids)


def test_a_retired_recorder_records_nothing(desk):
    """A worker imports the app's declarations, and its calls are replays."""
    get = desk.experiment("get")(lambda: 1)

    desk.sidecar.recorder.retire()

    assert get() == 1
    assert desk.accounts == (0, 0, {}, 0)


def test_redirecting_ships_what_was_recorded_before_to_where_it_belongs(desk):
    """Tests of users write to memory for a while."""
    other = Desk()
    get = desk.experiment("get")(lambda n: n)
    get(1)

    back = desk.sidecar.recorder.redirect(other.log)
    get(2)
    desk.sidecar.flush()
    desk.sidecar.recorder.redirect(back)
    get(3)
    desk.flush()

    assert [desk.arguments(job)[0] for job, _ in desk.arrived] == [[1], [3]]
    assert [desk.arguments(job)[0] for job, _ in other.arrived] == [[2]]


def test_calls_from_our_own_thread_are_counted_and_not_recorded():
    """A logging handler that calls a recorded method would otherwise log for ever."""

    class Calling:
        def warning(self, event, **fields):
            get(event)

        info = warning

    desk = Desk(logger=Calling())
    get = desk.experiment("get")(lambda n: n)
    desk.server.trouble = JournalUnavailable("down")
    get(1)
    assert until(lambda: desk.accounts[2] == {"reentrant": 1})
    desk.server.trouble = None
    desk.flush()

    assert desk.accounts == (3, 1, {"reentrant": 2}, 0)
    desk.sidecar.close()


def test_calls_from_our_own_hooks_are_counted_and_not_recorded(desk):
    """They are ours, whoever wrote the hook."""
    lookup = desk.experiment("lookup")(lambda n: n)
    get = desk.experiment("get", key=lambda n: lookup(n), project=lambda value: lookup(value))(lambda n: n)

    assert get(1) == 1

    assert desk.accounts == (3, 0, {"reentrant": 2}, 1)
    assert desk.decode(desk.job.value) == 1


def test_stats_are_a_copy(desk):
    """Whoever changes them changes nothing."""
    desk.stats["dropped"]["x"] = 1
    desk.stats["errors"]["x"] = 1

    assert (desk.stats["dropped"], desk.stats["errors"]) == ({}, {})
