"""The supervisor with real processes, and a journal in memory that it tells of those that die.

`test_scenes` runs each of these in a process of its own.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import threading
import time

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import JournalUnavailable, UsageError
from sidecar_science.journal.memory import MemoryJournal, MemoryLog, MemoryServer
from sidecar_science.journal.protocol import Entry
from sidecar_science.testing import FakeClock
from sidecar_science.worker.failpoints import failpoints
from sidecar_science.worker.supervising import Slots, Standing, Supervisor, supervisor
from sidecar_science.worker.supervising.duty import ChildExit
from tests.worker.bench import Events

MIB = 1024 * 1024


class Yard:
    """A supervisor's surroundings: a journal with one claimed entry for each of two workers, and a diary that all
    processes write to."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.events = Events()
        self.server = MemoryServer(partitions=2, clock=SYSTEM_CLOCK)
        self.journal = MemoryJournal(self.server, "b")
        self.journal.join()
        MemoryLog(self.server).append([Entry(partition=0, data=b"a")])
        lease = self.journal.acquire(0, "w", 60.0)
        self.journal.acquire(1, "w", 60.0)
        [self.entry] = [each.entry for each in self.journal.claim([lease], 10)]

    def standing(self, name="w", lease=60.0):
        return Standing(
            name=name, redis_url="memory:", namespace="memory", environment="b", partitions=2, lease=lease
        )  # fmt: skip

    def note(self, word):
        """Say that something happened, and how often it has by now."""
        with self.path.open("a") as file:
            file.write(f"{word}\n")
        return self.words.count(word)

    @property
    def words(self):
        return self.path.read_text().split()

    def run(self, work, *, processes=1, burst=True, memory=1024 * MIB, drain=5.0):
        return Supervisor(
            processes=processes, lanes=2, work=work, open_journal=lambda _: MemoryJournal(self.server, "b"),
            memory=memory, drain=drain, burst=burst, clock=SYSTEM_CLOCK, log=self.events,
        ).run()  # fmt: skip


@pytest.fixture
def yard(tmp_path):
    return Yard(tmp_path / "diary")


@pytest.fixture(autouse=True)
def no_children_left():
    """Whatever a test does, its processes are gone afterwards."""
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def wait_for_signal():
    """What a worker does all day."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    return told


def test_every_process_works_and_the_run_ends_with_the_last(yard):
    """Each is a whole worker, and the first one is ready before the others begin."""

    def work(duty):
        yard.note("begun")
        time.sleep(0.2)
        assert yard.words[0] == "begun"
        duty.ready(yard.standing())
        while yard.words.count("begun") < 3:
            time.sleep(0.01)
        return 0

    assert yard.run(work, processes=3) == 0
    assert yard.words == ["begun"] * 3
    assert yard.events.names == []


def test_a_process_that_was_not_drained_gives_the_run_its_code(yard):
    """Somebody has to look at it."""

    def work(duty):
        duty.ready(yard.standing())
        return 4 if yard.note("begun") == 1 else 0

    assert yard.run(work, processes=2) == 4


def test_what_is_wrong_with_the_set_up_is_said_once(yard):
    """No restart would change it, so the first process is the only one."""

    def work(duty):
        yard.note("begun")
        raise UsageError("no service 'shop' is declared")

    with pytest.raises(UsageError, match="no service 'shop' is declared"):
        yard.run(work, processes=3)
    assert yard.words == ["begun"]


def test_a_journal_that_is_away_when_a_process_is_replaced_is_waited_for(yard):
    """The others live through that, too."""

    def work(duty):
        times = yard.note("begun")
        if times == 2:
            raise JournalUnavailable("Redis: connection refused")
        duty.ready(yard.standing())
        return ChildExit.WORN_OUT if times == 1 else 0

    assert yard.run(work) == 0
    assert yard.words == ["begun"] * 3
    assert yard.events.of("process.failed")[0]["detail"] == "Redis: connection refused"


def test_a_process_whose_lanes_are_stuck_is_replaced(yard):
    """It has given everything back; nobody is a suspect."""

    def work(duty):
        duty.ready(yard.standing())
        return ChildExit.WORN_OUT if yard.note("begun") == 1 else 0

    assert yard.run(work) == 0
    assert yard.words == ["begun"] * 2
    assert yard.events.names == ["process.replaced"]


@pytest.mark.parametrize("code", [0, 3, 9])
def test_what_a_dead_process_had_in_hand_is_tried_alone(yard, code):
    """Whatever it exits with, it had not said that it would; what it held besides is free at once."""

    def work(duty):
        if duty.quarantine:
            yard.note("quarantine")
            return 0
        duty.ready(yard.standing())
        if yard.note("begun") == 1:
            duty.slots.slot(1).take(0, yard.entry)
            os._exit(code)
        while "quarantine" not in yard.words:
            time.sleep(0.01)
        return 0

    assert yard.run(work) == 0

    assert sorted(yard.words) == ["begun", "begun", "quarantine"]
    died, begins = yard.events.of("process.died")[0], yard.events.of("quarantine.begins")
    assert (died["worker"], died["code"], died["in_hand"]) == ("w", code, 1)
    assert begins == [{"worker": "w", "partitions": [0]}]
    assert yard.journal.acquire(1, "w2", 1.0) is not None
    [suspect] = yard.journal.recover(yard.journal.acquire(0, "q", 1.0, quarantine=True))
    assert suspect.is_suspect


def test_what_brings_the_quarantine_down_is_guilty(yard):
    """It was alone there."""

    def work(duty):
        name = "q" if duty.quarantine else "w"
        duty.ready(yard.standing(name))
        if duty.quarantine and yard.note("quarantine") > 1:
            return 0
        if duty.quarantine or yard.note("begun") == 1:
            duty.slots.slot(1).take(0, yard.entry)
            while duty.quarantine and "entered" not in yard.words:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def enter():
        while not yard.events.of("quarantine.begins"):
            time.sleep(0.01)
        assert yard.journal.acquire(0, "q", 60.0, quarantine=True) is not None
        yard.note("entered")

    threading.Thread(target=enter, daemon=True).start()
    assert yard.run(work) == 0

    assert [each["signal"] for each in yard.events.of("process.died")] == ["SIGKILL"] * 2
    [guilty] = yard.journal.recover(yard.journal.acquire(0, "w2", 1.0))
    assert guilty.is_guilty


def test_a_process_that_dies_again_and_again_with_nothing_in_hand_waits_longer_each_time(yard):
    """Nobody knows why, so nothing is gained by haste."""
    at = []

    def work(duty):
        if yard.note("begun") > 3:
            return 0
        duty.ready(yard.standing())
        os._exit(9)

    begun = time.monotonic()
    at.append(yard.run(work))

    assert at == [0]
    assert time.monotonic() - begun > 0.5 + 1.0 + 2.0
    assert yard.events.names == ["process.died"] * 3


def test_a_defect_at_the_start_ends_the_run(yard):
    """After a few tries: no process was ever ready."""

    def work(duty):
        yard.note("begun")
        os._exit(7)

    assert yard.run(work, burst=False) == 1
    assert yard.words == ["begun"] * 3


def test_a_process_that_stands_still_is_ended(yard, monkeypatch):
    """As long as it had a lease; a pause of the supervisor's own does not count."""
    monkeypatch.setattr(supervisor, "_SHORTEST_SILENCE", 0.3)

    def work(duty):
        duty.ready(yard.standing(lease=0.5))
        duty.slots.beat()
        if yard.note("begun") == 1:
            time.sleep(60)
        return 0

    assert yard.run(work) == 0
    assert [each["why"] for each in yard.events.of("process.killed")] == ["it stands still"]
    assert yard.events.of("process.died")[0]["signal"] == "SIGKILL"


def test_a_process_that_beats_is_left_alone(yard, monkeypatch):
    """However long it works."""
    monkeypatch.setattr(supervisor, "_SHORTEST_SILENCE", 0.5)

    def work(duty):
        duty.ready(yard.standing(lease=0.5))
        for _ in range(100):
            duty.slots.beat()
            time.sleep(0.02)
        return 0

    assert yard.run(work) == 0
    assert yard.events.names == []


def test_a_process_that_takes_too_much_memory_is_ended(yard):
    """Also memory that the system does not count as its own data."""

    def work(duty):
        duty.ready(yard.standing())
        if yard.note("begun") == 1:
            hoard = mmap.mmap(-1, 400 * MIB)
            for at in range(0, 400 * MIB, 4096):
                hoard[at] = 1
            time.sleep(60)
        return 0

    assert yard.run(work, memory=300 * MIB) == 0
    assert [each["why"] for each in yard.events.of("process.killed")] == ["its memory"]


def test_a_process_cannot_have_more_data_than_it_may(yard):
    """It gets an error instead, before anybody has to end it; its threads' stacks are no data."""

    def work(duty):
        threads = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        with contextlib.suppress(MemoryError):
            bytearray(600 * MIB)
            yard.note("had")
        yard.note("asked")
        return 0

    assert yard.run(work, memory=300 * MIB) == 0
    assert yard.words == ["asked"]


def test_the_first_signal_ends_all_processes_in_order(yard):
    """Each hears it once, finishes, and is not replaced."""

    def work(duty):
        told = wait_for_signal()
        duty.ready(yard.standing())
        if yard.note("begun") == 2:
            os.kill(os.getppid(), signal.SIGTERM)
        assert told.wait(20)
        yard.note("finished")
        return 0

    assert yard.run(work, processes=2, burst=False) == 0
    assert sorted(yard.words) == ["begun", "begun", "finished", "finished"]
    assert yard.events.names == []


def test_the_second_signal_ends_all_at_once(yard):
    """Whatever they are doing."""

    def work(duty):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        duty.ready(yard.standing())
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(0.3)
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(60)
        return 0

    assert yard.run(work, burst=False) == 1
    assert [each["why"] for each in yard.events.of("process.killed")] == ["a second signal"]


def test_the_deadline_ends_what_does_not_end(yard, monkeypatch):
    """It was asked to, and that is how it ended."""
    monkeypatch.setattr(supervisor, "_PATIENCE", 0.1)

    def work(duty):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        duty.ready(yard.standing())
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(60)
        return 0

    assert yard.run(work, burst=False, drain=0.2) == 0
    assert [each["why"] for each in yard.events.of("process.killed")] == ["the deadline"]


def test_a_process_that_somebody_ends_is_replaced(yard):
    """Only the supervisor decides when all is over."""

    def work(duty):
        told = wait_for_signal()
        duty.ready(yard.standing())
        os.kill(os.getpid() if yard.note("begun") == 1 else os.getppid(), signal.SIGTERM)
        assert told.wait(20)
        return 0

    assert yard.run(work, burst=False) == 0
    assert yard.words == ["begun"] * 2


def test_what_a_candidate_writes_to_the_pipe_is_passed_over(yard):
    """It can write to any descriptor."""

    def work(duty):
        os.write(duty.pipe, b"\xff\x00garbage\n[1]\n{}\nnull\n" + b'{"ready": {"name": 1}}\n')
        duty.ready(yard.standing())
        return 0

    assert yard.run(work) == 0


def test_a_process_that_cannot_be_started_now_is_started_later(yard, monkeypatch):
    """The machine has no room for another one at the moment."""
    real, left = os.fork, [2]

    def fork():
        if left[0]:
            left[0] -= 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return real()

    monkeypatch.setattr(os, "fork", fork)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0

    assert yard.run(lambda duty: 0) == 0

    assert yard.events.names == ["process.not_started"] * 2
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_the_supervisors_signal_handlers_are_put_back(yard):
    """It may be a part of something."""
    before = signal.getsignal(signal.SIGTERM)

    yard.run(lambda duty: 0)

    assert signal.getsignal(signal.SIGTERM) is before


def test_the_dead_leave_their_slots_behind():
    """Whoever forked them reads what they wrote last."""
    slots = Slots(1)
    pid = os.fork()
    if pid == 0:
        slots.beat()
        slots.slot(0).take(2, "5-1")
        os._exit(9)
    os.waitpid(pid, 0)

    assert (slots.beats, slots.in_hand()) == (1, {2: ["5-1"]})


@pytest.mark.parametrize(("action", "status"), [("exit", 9), ("kill", -signal.SIGKILL)])
def test_a_process_ends_where_it_is_told_to(action, status):
    """Without a word."""
    pid = os.fork()
    if pid == 0:
        failpoints(f"after_start={action}", FakeClock())("after_start")
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
