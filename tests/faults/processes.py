"""The rig's processes: tied to the test run, so that nothing outlives it, and each with a log of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from sidecar_science.journal.embedded import EmbeddedServer, tied
from tests.servers import start_redis, start_valkey

ROOT: Final = Path(__file__).resolve().parents[2]

Seen = TypeVar("Seen")


def until(what: str, look: Callable[[], Seen], seconds: float = 20.0) -> Seen:
    """What ``look`` gives as soon as it gives anything; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s (last seen: {seen!r})"
        time.sleep(0.02)


class Process:
    """A program of ours, with its standard error in the file ``log``."""

    def __init__(self, arguments: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                tied([sys.executable, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                cwd=ROOT,
                env={**os.environ, **environ},
            )
        self.is_stopped = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """The processes that it has started and that still run."""
        return [pid for pid, parent in _processes() if parent == self.pid]

    @property
    def code(self) -> int | None:
        """How it ended, if it has."""
        return self._process.poll()

    def first_line(self) -> str:
        """The first line of its standard output; waits for it."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def output(self, timeout: float = 60.0) -> str:
        """All of its standard output, once it has ended."""
        return self._process.communicate(timeout=timeout)[0].decode()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.code is None:
            os.kill(self.pid, number)
            self.is_stopped = number == signal.SIGSTOP or (self.is_stopped and number != signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, stopped or not; what it has started ends with it, since it is tied to it."""
        children = self.children if self.code is None else []
        self.send(signal.SIGKILL)
        self._process.wait()
        until("the end of its children", lambda: not any(pid in children for pid, _ in _processes()))

    def stop(self) -> None:
        """Stop it and all that it has started."""
        self.send(signal.SIGSTOP)
        self._send_children(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send_children(signal.SIGCONT)
        self.send(signal.SIGCONT)

    def _send_children(self, number: signal.Signals) -> None:
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def terminate(self) -> None:
        """Ask it to end; one that is stopped hears it when it goes on."""
        self.send(signal.SIGTERM)
        self.go_on()

    def ended(self, timeout: float = 30.0) -> int:
        """Its exit code; waits for its end."""
        return self._process.wait(timeout)

    def peak_memory(self) -> int:
        """The most memory that it, or one of those that it has started, has used, in bytes."""
        told = [Path(f"/proc/{pid}/status").read_text() for pid in (self.pid, *self.children)]
        return max(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) for status in told) * 1024  # type: ignore[index]

    def close(self) -> None:
        """Kill it, and let go of its pipe."""
        self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def events(self, name: str | None = None) -> Iterator[dict[str, Any]]:
        """What it has logged, those called ``name`` or all; the last line may be half written."""
        for line in self.log.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and name in (None, event.get("event")):
                    yield event

    def has(self, name: str, **facts: Any) -> bool:
        """Whether it has logged such an event."""
        return any(facts.items() <= event.items() for event in self.events(name))


def _processes() -> Iterator[tuple[int, int]]:
    """All processes that run, each with the one that started it."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(path.parent.name), int(parent)


class RedisServer:
    """A server that can be stopped, killed, and started again where it was, with what it had on disk."""

    def __init__(self, directory: Path, *, valkey: bool = False, **options: str) -> None:
        directory.mkdir(exist_ok=True)
        self._starting = start_valkey if valkey else start_redis
        self._options = {
            "dir": str(directory), "appendonly": "yes", "appendfsync": "everysec", "repl-diskless-sync-delay": "0",
            **options,
        }  # fmt: skip
        self._server: EmbeddedServer = self._starting(port=None, **self._options)
        self.port = self._server.port
        self.url = self._server.url

    def stop(self) -> None:
        os.kill(self._server.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._server.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; what it had written is on disk."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()

    def lose_tail(self, share: float) -> None:
        """Cut that share off the end of what it has on disk, as when the power fails; between `kill` and `start`."""
        [log] = (Path(self._options["dir"]) / "appendonlydir").glob("*.incr.aof")
        os.truncate(log, int(log.stat().st_size * (1 - share)))

    def start(self) -> None:
        """Start it again after `kill`."""
        self._server = self._starting(port=self.port, **self._options)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.kill()
