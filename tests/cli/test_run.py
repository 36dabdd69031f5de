"""`sidecar-worker run`: what it refuses to begin with, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.run import GIVE_UP, _name, _run, _Signals
from sidecar_science.errors import JournalMisconfigured
from sidecar_science.journal.records import check_worker
from sidecar_science.worker.supervising import Duty, Slots, Standing
from sidecar_science.worker.supervising.duty import ChildExit
from tests.worker.bench import Events

APP = """
from sidecar_science import Sidecar

{before}
sidecar = Sidecar("app", redis_url="redis://127.0.0.1:1/0")

class Shop:
    @sidecar.experiment("shop.get", service={service!r}, effect="read")
    def get(self):
        return 1

sidecar.service("shop", base_url="http://127.0.0.1:8001", build=lambda base_url: Shop())
"""

ROUTE = ("--route", "shop=http://127.0.0.1:8002")


@pytest.fixture
def run(tmp_path):
    """Run a worker on an app of our own; its exit code and what it said, the two streams apart."""

    def run(*arguments, before="", service="shop", target="app:sidecar"):
        (tmp_path / "app.py").write_text(APP.format(before=textwrap.dedent(before), service=service))
        path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [sys.executable, "-m", "sidecar_science.cli", "run", target, "--environment", "b-1", *arguments],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (ROUTE, {"target": "app"}, "names no sidecar"),
        (ROUTE, {"before": "raise KeyError('B_TOKEN')"}, "importing app raised KeyError: 'B_TOKEN'"),
        (ROUTE, {"before": "import sys; sys.exit(5)"}, "importing app raised SystemExit"),
        (ROUTE, {"before": "import socket; socket.create_connection(('127.0.0.1', 8001))"}, "opens a connection"),
        (ROUTE, {"service": "ship"}, "add sidecar.service('ship'"),
        (("--route", "ship=http://127.0.0.1:8002"), {}, "no service 'ship' is declared"),
        (("--route", "shop"), {}, "expected SERVICE=URL"),
        (("--route", "shop=127.0.0.1:8002"), {}, "write http[s]://host[:port][/path]"),
        (("--route", "shop=http://127.0.0.1:8001/b"), {}, "leads to A"),
        ((*ROUTE, "--allow-writes", "ship"), {}, "--allow-writes names 'ship'"),
        ((*ROUTE, "--from", "yesterday"), {}, "--from 'yesterday' cannot be read"),
        (
            ROUTE,
            {"before": "import sys, types; sys.modules['uvloop'] = types.ModuleType('uvloop')"},
            "uvloop is loaded",
        ),
        (ROUTE, {}, "Redis: "),
    ],
)
def test_what_cannot_work_ends_with_usage_and_says_why(run, arguments, options, expected):
    """Exit code 3, one sentence on standard error, nothing on standard output, no traceback."""
    done = run(*arguments, **options)

    assert done.returncode == Exit.USAGE
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("sidecar-worker: ")
    assert expected in last
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_what_an_app_prints_while_it_is_imported_is_no_answer(run):
    """It goes where the log goes."""
    done = run(*ROUTE, before="print('loading the configuration')")

    assert "loading the configuration" in done.stderr
    assert done.stdout == ""


def test_an_app_that_sets_logging_up_for_itself_does_not_take_ours(run):
    """Our events are JSON lines on standard error whatever it does to structlog."""
    before = """
        import structlog, sys
        structlog.configure(processors=[structlog.dev.ConsoleRenderer()],
                            logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    """
    done = run(*ROUTE, before=before)

    assert [json.loads(line)["event"] for line in done.stderr.splitlines() if line.startswith("{")] == ["guard.floor"]


class Worker:
    """Stands where a `Worker` stands, and ends as it is told to."""

    def __init__(self, run):
        self.settled, self.outcomes = 3, {"matched": 3}
        self.deadline = None
        self.quieted = 0
        self.is_worn_out = False
        self.asked = None
        self._run = run

    def run(self, *, burst, give_up_after):
        self.asked = (burst, give_up_after)
        if isinstance(self._run, Exception):
            raise self._run
        return self._run(self) if callable(self._run) else self._run

    def quiet(self):
        self.quieted += 1

    def stop(self, deadline):
        self.deadline = deadline
        return True


STANDING = Standing(
    name="w", redis_url="redis://127.0.0.1:1/0", namespace="app", environment="b-1", partitions=4, lease=10.0
)


class Told(Duty):
    """A duty that keeps what it was told."""

    def _tell(self, **facts):
        self.slots.told.append(next(iter(facts)))


def duty(**facts):
    slots = Slots(1)
    slots.told = []
    return Told(slots=slots, supervisor=os.getppid(), **facts)


def ran(worker, burst=False, events=None, **facts):
    return _run(worker, STANDING, duty(**facts), burst, events or Events())


@pytest.fixture(autouse=True)
def handlers():
    """Signal handlers are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_worker_that_ended_as_asked_ends_with_ok():
    """It has stopped in good order."""
    worker, events = Worker(True), Events()

    assert ran(worker, True, events) == Exit.OK
    assert worker.deadline is not None
    assert events.of("worker.ended") == [{"settled": 3, "outcomes": {"matched": 3}, "finished": True}]


def test_a_burst_that_gave_up_has_an_exit_code_of_its_own():
    """The journal was not drained."""
    assert ran(Worker(False), True) == Exit.NOT_DRAINED == 4


def test_a_worker_whose_lanes_are_stuck_asks_for_another_process():
    """By an exit code that the supervisor understands."""
    worker = Worker(True)
    worker.is_worn_out = True

    assert ran(worker) == ChildExit.WORN_OUT


NEVER = float("inf")


@pytest.mark.parametrize(
    ("quarantine", "burst", "asked"),
    [
        (False, False, (False, NEVER)),
        (False, True, (True, GIVE_UP)),
        (True, False, (True, NEVER)),
        (True, True, (True, GIVE_UP)),
    ],
)
def test_a_quarantine_ends_when_all_suspects_were_tried_and_gives_up_in_a_burst_alone(quarantine, burst, asked):
    """Nobody else may have what it waits for."""
    worker = Worker(True)

    ran(worker, burst, quarantine=quarantine)

    assert worker.asked == asked


def test_a_worker_says_who_it_is_before_it_takes_anything():
    """Or nobody could tell what died with it."""
    told = duty()
    worker = Worker(lambda worker: told.slots.told == ["ready"])

    assert _run(worker, STANDING, told, False, Events()) == Exit.OK


def test_a_worker_whose_journal_cannot_be_used_any_more_stops_first():
    """Its lanes settle what they can; then whoever started it is told."""
    worker = Worker(JournalMisconfigured("the journal was flushed"))

    with pytest.raises(JournalMisconfigured):
        ran(worker)
    assert worker.deadline is not None


def test_the_first_signal_makes_it_quiet_and_is_told():
    """The handler does no more than that: it may have interrupted anything."""
    events = Events()

    worker = Worker(lambda worker: os.kill(os.getpid(), signal.SIGTERM) or True)
    code = ran(worker, False, events)

    assert (code, worker.quieted) == (Exit.OK, 1)
    assert events.of("worker.ending") == [{"signal": "SIGTERM"}]


def test_a_signal_that_comes_twice_ends_nothing_at_once():
    """A terminal tells the supervisor and every process, and the supervisor tells every process as well."""
    worker = Worker(True)
    signals = _Signals(worker)
    signals.listen()

    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)

    assert worker.quieted == 2
    assert signals.first == "SIGINT"


def test_every_worker_has_a_name_of_its_own(monkeypatch):
    """Leases go by it: a restarted worker is another one, and any host name will do."""
    monkeypatch.setattr("socket.gethostname", lambda: "höst name." + "x" * 300)

    names = {_name() for _ in range(20)}

    assert len(names) == 20
    assert all(check_worker(name) == name for name in names)
