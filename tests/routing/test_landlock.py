"""The kernel's floor: what is asked of the kernel, what is said when it cannot, and that it holds."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar_science.routing import landlock
from sidecar_science.routing.landlock import Floor, abi, confine, separates
from sidecar_science.routing.routes import Routes

from .places import Place


class Scripted:
    """A kernel that answers as it is told and keeps what it was asked."""

    def __init__(self, version: int = 7, threads: int = 1, failing: int | None = None) -> None:
        self.version = version
        self.running = threads
        self.failing = failing
        self.asked: list[tuple[int | bytes | str | None, ...]] = []

    def syscall(self, number: int, *arguments: int | bytes | None) -> int:
        self.asked.append((number, *arguments))
        if number == self.failing and arguments[0] is not None:
            raise OSError(errno.EPERM, "Operation not permitted")
        if arguments[0] is None:
            if not self.version:
                raise OSError(errno.ENOSYS, "Function not implemented")
            return self.version
        return os.open(os.devnull, os.O_RDONLY) if number == 444 else 0

    def forbid_new_privileges(self) -> None:
        self.asked.append(("no new privileges",))

    def threads(self) -> int:
        return self.running


@pytest.fixture(autouse=True)
def _linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted kernel is one of Linux on a known machine, wherever the tests run."""
    monkeypatch.setattr(landlock.sys, "platform", "linux")
    monkeypatch.setattr(landlock.platform, "machine", lambda: "x86_64")


def test_each_port_becomes_a_rule() -> None:
    """Connecting by TCP is handled, one rule a port, and only then the process is bound."""
    kernel = Scripted()

    floor = confine([6379, 3193, 6379], kernel)

    assert floor == Floor(applied=True, ports=frozenset({6379, 3193}))
    assert floor
    create, *rules, privileges, restrict = kernel.asked[1:]
    assert create == (444, struct.pack("=QQ", 0, 2), 16, 0)
    assert {(rule[0], rule[2], rule[3]) for rule in rules} == {
        (445, 2, struct.pack("=QQ", 2, port)) for port in (6379, 3193)
    }
    assert privileges == ("no new privileges",)
    assert (restrict[0], restrict[2]) == (446, 0)


@pytest.mark.parametrize(("version", "said"), [(0, "it has no Landlock"), (3, "its Landlock ABI is 3")])
def test_an_old_kernel_lays_no_floor_and_says_why(version: int, said: str) -> None:
    """Holding connections to ports came with ABI 4."""
    floor = confine([80], Scripted(version))

    assert not floor
    assert not floor.applied
    assert said in floor.why
    assert "Linux 6.7" in floor.why


@pytest.mark.parametrize(("platform", "machine"), [("darwin", "arm64"), ("linux", "riscv64")])
def test_elsewhere_there_is_no_landlock(platform: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On other systems and machines nothing is tried."""
    monkeypatch.setattr(landlock.sys, "platform", platform)
    monkeypatch.setattr(landlock.platform, "machine", lambda: machine)
    kernel = Scripted()

    assert abi(kernel) == 0
    assert kernel.asked == []


@pytest.mark.parametrize("failing", [444, 445, 446])
def test_a_kernel_that_refuses_is_quoted(failing: int) -> None:
    """A container may forbid the calls: then there is no floor, and no error."""
    floor = confine([80], Scripted(failing=failing))

    assert not floor.applied
    assert floor.why == "no floor: the kernel refused Landlock (Operation not permitted)"


def test_threads_from_before_make_it_no_whole_floor() -> None:
    """Landlock binds the calling thread and what it starts; others are counted, and the floor is not true."""
    floor = confine([80], Scripted(threads=3))

    assert floor.applied
    assert not floor
    assert floor.loose == 2
    assert "2 thread(s) ran before" in floor.why


@pytest.mark.parametrize(
    ("control", "also", "expected"),
    [
        ("http://a:8000", [], True),
        ("http://a:8000", [6379], True),
        ("http://a:3193", [], False),
        ("http://a:6379", [6379], False),
    ],
)
def test_ports_separate_when_none_is_shared(control: str, also: list[int], expected: bool) -> None:
    """B's ports, and what else is let through, must not be those of any origin of A."""
    routes = Routes({"api": ["http://x:1"], "other": [control]}, {"api": "http://b:3193"})

    assert separates(routes, also) is expected


PROGRAM = """
import ctypes, socket, sys, threading
from sidecar_science.routing.landlock import Linux, confine
import sidecar_science.routing.landlock as landlock

allowed, forbidden = int(sys.argv[1]), int(sys.argv[2])
floor = confine([allowed])
assert floor, floor.why
socket.create_connection(("127.0.0.1", allowed), timeout=2).close()
refused = []
def connect():
    try:
        socket.create_connection(("127.0.0.1", forbidden), timeout=2)
    except PermissionError:
        refused.append(True)
connect()
thread = threading.Thread(target=connect)
thread.start()
thread.join()
assert len(refused) == 2
try:
    Linux().syscall(446, -1, 0)
except OSError as error:
    print("bad ruleset:", error.strerror)
"""


@pytest.mark.skipif(abi() < landlock.NEEDED_ABI, reason=f"this kernel's Landlock ABI is {abi()}, and 4 is needed")
def test_the_real_kernel_holds_the_process_to_its_ports(a: Place, b: Place) -> None:
    """A process that confined itself reaches B's port and no other, in no thread; later errors come as errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(b.port), str(a.port)],
        env=environment,
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "bad ruleset: Bad file descriptor\n"), done.stderr
    assert (a.connections, b.connections) == (0, 1)
