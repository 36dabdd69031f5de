"""Servers that people run their applications in: gunicorn, uWSGI, Celery. Each call is recorded once, by its process."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.recording.programs import Journal, told_once
from tests.story.world import ROOT, environment, until

pytestmark = pytest.mark.realserver


class Host:
    """A server's process, with the application of `tests.story.apps.hosted` in it, and what that has noted down."""

    def __init__(self, command, folder: Path, journal: Journal) -> None:
        self.journal = journal
        self.socket = folder / "socket"
        self.notes = folder / "calls"
        self.log = folder / "log"
        self.notes.touch()
        told = {"STORY_NAMESPACE": journal.namespace, "STORY_CALLS": str(self.notes), "HOME": str(folder)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *self._place(command)],
                # Coverage's tracer makes forks many times slower.
                env={k: v for k, v in environment(journal.url, **told).items() if not k.startswith("COVERAGE")},
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _place(self, command):
        return [word.format(socket=self.socket) for word in command.place]

    @property
    def calls(self) -> Counter:
        """Value to how often it was called."""
        return Counter(line.split(" ", 1)[1] for line in self.notes.read_text().splitlines())

    @property
    def processes(self) -> set[int]:
        """Those that have made a call."""
        return {int(line.split()[0]) for line in self.notes.read_text().splitlines()}

    def wait_ready(self) -> None:
        """Wait until it listens."""
        until(lambda: self.socket.exists() or self.process.poll() is not None, "a socket")
        assert self.process.poll() is None, self.log.read_text()

    def ask(self, n) -> None:
        """One request, on a connection of its own."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.socket))
        connection.request("GET", f"/?n={n}")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"done\n"), self.log.read_text()
        connection.close()

    def end(self) -> int:
        """Tell it to end, as its users do; its exit code. One that has just begun may not have heard it."""
        for _ in range(5):
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(6)
        raise AssertionError(f"does not end:\n{self.log.read_text()}")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def has_recorded_each_call_once(self) -> bool:
        """Whether the journal holds what was noted down, and nothing else."""
        jobs = self.journal.jobs
        return told_once(jobs) and Counter(map(str, self.journal.values)) == self.calls


class Command(list):
    """A command line; ``place`` are its last words, where the place of the socket is to be filled in."""

    def __init__(self, program: str, *words: str, place=()) -> None:
        super().__init__([str(Path(sys.executable).with_name(program)), *words])
        self.place = place


@pytest.fixture
def start(tmp_path, valkey_server):
    """Start a host; at the end it is gone."""
    hosts = []

    def started(command):
        hosts.append(Host(command, tmp_path, Journal(valkey_server.url)))
        return hosts[-1]

    yield started
    for host in hosts:
        host.kill()


def gunicorn(*options):
    words = ["gunicorn", "tests.story.apps.hosted:application", "--workers", "2", *options]
    return Command(*words, place=("--bind", "unix:{socket}"))


def accounts(host):
    """Called, recorded, dropped; of all processes."""
    journal = host.journal.journal
    journal.join()
    told = journal.accounts()
    return told.called, told.recorded, told.dropped


def test_gunicorn_loads_the_app_first_and_changes_its_workers(start):
    """``--preload`` and ``--max-requests``: the master's calls and those of every worker, each by its own producer."""
    host = start(gunicorn("--preload", "--max-requests", "8"))
    host.wait_ready()

    for n in range(40):
        host.ask(n)
    assert host.end() == 0

    assert set(host.calls.values()) == {1}
    assert host.has_recorded_each_call_once()
    producers = host.journal.producers
    assert {each.pid for each in producers} == host.processes
    assert len(producers) >= 5
    assert all(each.ended for each in producers)
    assert accounts(host) == (41, 41, {})


def test_gunicorn_loads_the_app_in_each_worker(start):
    """Without ``--preload`` nothing is forked after the app was imported."""
    host = start(gunicorn("--threads", "4"))
    host.wait_ready()

    for n in range(20):
        host.ask(n)
    assert host.end() == 0

    assert host.has_recorded_each_call_once()
    assert {each.pid for each in host.journal.producers} == host.processes
    assert all(each.ended for each in host.journal.producers)


def test_a_worker_that_gunicorn_kills_is_accounted_for(start):
    """What was shipped stays; its successor is another producer."""
    host = start(gunicorn("--preload"))
    host.wait_ready()
    for n in range(10):
        host.ask(n)
    until(host.has_recorded_each_call_once, "all calls in the journal")
    [victim, *_] = host.processes - {host.process.pid}

    os.kill(victim, signal.SIGKILL)
    for n in range(10, 30):
        host.ask(n)
    assert host.end() == 0

    assert host.has_recorded_each_call_once()
    ended = {each.pid: each.ended for each in host.journal.producers}
    assert ended.keys() == host.processes
    assert [pid for pid, clean in ended.items() if not clean] == [victim]
    assert accounts(host)[:2] == (31, 31)


def uwsgi(*options):
    if importlib.util.find_spec("pyuwsgi") is None:
        pytest.skip("there is no wheel of uWSGI for this platform")
    words = ["uwsgi", "--module", "tests.story.apps.hosted:application", "--master", "--processes", "2"]
    # A uWSGI that is to end at SIGTERM has to be told so.
    return Command(*words, "--die-on-term", "--need-app", *options, place=("--http-socket", "{socket}"))


def test_uwsgi_forks_after_the_app_was_loaded(start):
    """It runs no hook of Python at a fork, and waits for no lock: what was called before is flushed."""
    host = start(uwsgi("--enable-threads", "--max-requests", "8", "--min-worker-lifetime", "0"))
    host.wait_ready()

    for n in range(30):
        host.ask(n)
    # A worker that is told twice to end, by its number of requests and by us, is cut off in the middle of its goodbye.
    until(host.has_recorded_each_call_once, "all calls in the journal")
    assert host.end() == 0

    assert set(host.calls.values()) == {1}
    assert host.has_recorded_each_call_once()
    assert {each.pid for each in host.journal.producers} == host.processes
    assert accounts(host) == (31, 31, {})


def test_uwsgi_loads_the_app_in_each_worker(start):
    """With ``--lazy-apps`` nothing is forked after the app was imported."""
    host = start(uwsgi("--enable-threads", "--lazy-apps"))
    host.wait_ready()

    for n in range(20):
        host.ask(n)
    until(host.has_recorded_each_call_once, "all calls in the journal")
    host.end()

    assert host.has_recorded_each_call_once()
    assert {each.pid for each in host.journal.producers} == host.processes
    assert accounts(host)[:2] == (20 + len(host.processes), 20 + len(host.processes))


def test_uwsgi_without_threads_is_told_and_answers_all_the_same(start):
    """Nothing can be shipped: it is counted, and no request suffers."""
    host = start(uwsgi())
    host.wait_ready()

    for n in range(10):
        host.ask(n)
    host.end()

    assert sum(host.calls.values()) == 11
    assert host.journal.jobs == []
    assert "no_thread" in host.log.read_text()


def test_celery_forks_its_pool_and_changes_its_processes(start):
    """Prefork, with few tasks a child: its children leave by ``os._exit``, after a moment."""
    words = ["celery", "-A", "tests.story.apps.tasks", "worker", "--pool", "prefork", "--concurrency", "2"]
    host = start(Command(*words, "--max-tasks-per-child", "8", "--without-gossip", "--without-mingle"))

    send(host, 30)
    until(lambda: sum(host.calls.values()) == 31, "all tasks")
    until(host.has_recorded_each_call_once, "all calls in the journal")
    assert host.end() == 0

    assert set(host.calls.values()) == {1}
    assert host.has_recorded_each_call_once()
    assert {each.pid for each in host.journal.producers} == host.processes
    assert len(host.processes) >= 4
    assert accounts(host)[:2] == (31, 31)


def send(host, times):
    """Tasks, by way of the same server."""
    from celery import Celery

    app = Celery("sender", broker=host.journal.url)
    app.conf.task_default_queue = host.journal.namespace
    for n in range(times):
        app.send_task("story.call", args=[str(n)])
    app.close()
