"""One watched process, as its supervisor sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Final

from sidecar_science.worker.supervising.duty import Standing
from sidecar_science.worker.supervising.slots import Slots

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Child:
    """A process that was forked as ``pid``, with the reading end of its pipe.

    ``standing`` is known once it is ready, ``ended`` is the exit code that it announced, ``failed`` why it could not
    do its work, ``status`` how it ended as the system tells it: an exit code, or a signal as a negative number.
    """

    def __init__(self, pid: int, pipe: int, slots: Slots, *, quarantine: bool, born: float) -> None:
        self.pid = pid
        self.pipe = pipe
        self.slots = slots
        self.quarantine = quarantine
        self.born = born
        self.standing: Standing | None = None
        self.ended: int | None = None
        self.failed: str | None = None
        self.passing = False
        self.status: int | None = None
        self.silent_for = 0.0
        self.killed = False
        self._beats = 0
        self._said = b""
        os.set_blocking(pipe, False)

    def listen(self) -> None:
        """Take in what it has told."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.pipe, 65536):
                self._said += piece
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            self._hear(line)

    def reap(self) -> bool:
        """Whether it has ended; what it told before that is known then."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.listen()
                os.close(self.pipe)
        return self.status is not None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it is not reaped yet, so nobody else can have its number."""
        if self.status is None:
            os.kill(self.pid, number)

    def age(self, seconds: float) -> None:
        """So much time has passed for the supervisor: see whether the process has moved since."""
        beats = self.slots.beats
        self.silent_for = 0.0 if beats != self._beats or not beats else self.silent_for + seconds
        self._beats = beats

    def memory(self) -> int:
        """How many bytes of memory it holds; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):
            return 0

    def _hear(self, line: bytes) -> None:
        # A candidate can write to any descriptor: what is no word of ours is passed over.
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            told = json.loads(line)
            if "ready" in told:
                self.standing = Standing(**told["ready"])
            if "ended" in told:
                self.ended = int(told["ended"])
            if "failed" in told:
                self.failed, self.passing = str(told["failed"]), bool(told["passing"])
