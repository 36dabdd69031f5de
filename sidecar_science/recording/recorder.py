"""The A side's engine: a buffer, one daemon thread that drains it, and endings that keep to their time.

Nothing starts before the first call, so importing an application opens no connection and starts no thread. A forked
child starts afresh: what its parent holds, its parent ships.
"""

from __future__ import annotations

import atexit
import os
import random
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from sidecar_science.checks import exchanges
from sidecar_science.clock import Clock
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.journal.protocol import Log
from sidecar_science.recording.buffer import Buffer
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.shield import Shield
from sidecar_science.recording.shipping import Shipper

INTERVAL: Final = 0.05
_SETTINGS_EVERY: Final = 2.0
_REPORT_EVERY: Final = 10.0
_REPORT_SOON: Final = 1.0

OURS: Final = "ours"
"""In `exchanges.log`: this context is our own code; a recorded call in it would be recorded for ever."""

NESTED: Final = "nested"
"""In `exchanges.log`: inside a call that is not recorded itself; neither is what it calls."""

_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


class Recorder:
    """Takes captures from callers at once, and ships them to the journal from its own thread."""

    def __init__(
        self,
        *,
        namespace: str,
        partitions: int,
        log: Callable[[], Log],
        keyring: Keyring,
        codec: Codec,
        clock: Clock,
        enabled: bool,
        sample: float,
        buffer_bytes: int,
        flush_timeout: float,
        cap_entries: int,
        cap_bytes: int,
        shield: Shield,
    ) -> None:
        self.namespace = namespace
        self.codec = codec
        self.clock = clock
        self.enabled = enabled
        self.recording = enabled
        self.sample = sample
        self.flush_timeout = flush_timeout
        self.shield = shield
        self.settings: Mapping[str, str] = {}
        self.buffer = Buffer(buffer_bytes)
        self._make_log = log
        self._new_shipper: Callable[[str], Shipper] = lambda producer: Shipper(
            namespace=namespace, partitions=partitions, producer=producer, buffer=self.buffer, log=self._make_log,
            keyring=keyring, codec=codec, clock=clock, shield=shield, cap_entries=cap_entries, cap_bytes=cap_bytes,
        )  # fmt: skip
        self._begin()
        _recorders.add(self)
        atexit.register(_close_at_exit, weakref.ref(self))

    def _begin(self) -> None:
        self._pid = os.getpid()
        self.producer = secrets.token_hex(8)
        # Our own source of chance: tests and applications seed the shared one, and forked children share it.
        self._chance = random.Random(secrets.randbits(128))  # noqa: S311 - names jobs, guards nothing
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._shipper = self._new_shipper(self.producer)
        self._shipping = threading.Lock()
        self._stopping = False
        self._hurry = False
        self._settings_at = 0.0
        self._report_at = 0.0
        self._reported: dict[str, Any] = {}

    def after_fork(self) -> None:
        """In the child: a new producer with an empty buffer, no thread and no connection."""
        self.buffer.reset_after_fork()
        self.recording = self.enabled
        self._begin()

    # -- the caller's side ---------------------------------------------------------------------------------------

    def new_id(self) -> str:
        """A job's id: 32 hex digits."""
        return f"{self._chance.getrandbits(128):032x}"

    def wake(self) -> bool:
        """Make sure that the drain thread runs; False where it cannot."""
        if self._thread is not None and self._pid == os.getpid():
            return True
        return self._start()

    def put(self, capture: Capture) -> None:
        self.wake()
        self.buffer.put(capture)

    def rate(self, experiment: Any) -> float:
        """The share of entities that is recorded: run-time settings first, then the declaration, then the default."""
        settings = self.settings
        if settings:
            asked = settings.get(f"sample|{experiment.name}") or settings.get("sample")
            if asked is not None:
                return _share(asked)
        return self.sample if experiment.sample is None else experiment.sample

    def _start(self) -> bool:
        if self._pid != os.getpid():
            # uWSGI forks without running Python's fork hooks.
            self.after_fork()
        if not self._starting.acquire(blocking=False):
            return True
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._drain, name="sidecar-drain", daemon=True)
                thread.start()
                self._thread = thread
            return True
        except RuntimeError as error:
            # The interpreter is shutting down, or the host allows no more threads.
            self.shield.tell("thread", error)
            return False
        finally:
            self._starting.release()

    # -- the drain thread ----------------------------------------------------------------------------------------

    def _drain(self) -> None:
        exchanges.log.set(OURS)
        pid = self._pid
        while not self._stopping and pid == self._pid:
            self._round()
            time.sleep(INTERVAL)

    def _round(self) -> None:
        with self._shipping:
            try:
                self._shipper.ship(hurry=self._hurry)
                self._refresh_settings()
                self._report()
            except Exception as error:  # noqa: BLE001 - the drain thread must outlive whatever goes wrong in it
                self.shield.tell("drain", error)

    def _refresh_settings(self) -> None:
        now = self.clock.monotonic()
        if now < self._settings_at:
            return
        self._settings_at = now + _SETTINGS_EVERY
        settings = self._shipper.call(lambda log: log.settings())
        if settings is not None:
            self.settings = settings
            self.recording = self.enabled and settings.get("enabled", "1").lower() not in (
                "0",
                "false",
                "off",
                "no",
            )

    def _report(self, *, ended: bool = False) -> None:
        """Tell the journal our counts: soon after they changed, now and then even if they did not."""
        now = self.clock.monotonic()
        counts = {**self.buffer.counts(), "host": socket.gethostname(), "pid": self._pid}
        changed = counts != self._reported
        wait = _REPORT_SOON if changed else _REPORT_EVERY
        if not ended and not (self._hurry and changed) and now < self._report_at + wait:
            return
        self._report_at = now
        if self._shipper.call(lambda log: _told(log, self.producer, counts, ended)):
            self._reported = counts

    # -- endings -------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> bool:
        """Ship what is buffered; whether all of it arrived within ``timeout`` seconds (default: flush_timeout)."""
        if not self.enabled:
            return True
        deadline = self.clock.monotonic() + (self.flush_timeout if timeout is None else timeout)
        self._hurry = True
        try:
            return self._wait_until_empty(deadline)
        finally:
            self._hurry = False

    def close(self, timeout: float | None = None) -> bool:
        """Ship what is buffered, say goodbye, and stop; whether all of it arrived. A second call does nothing."""
        if self._stopping or self._pid != os.getpid():
            return True
        timeout = self.flush_timeout if timeout is None else timeout
        deadline = self.clock.monotonic() + timeout
        shipped = self.flush(timeout)
        self.recording = self.enabled = False
        self._stopping = True
        if self._thread is not None:
            self._say_goodbye(deadline)
        return shipped

    def _wait_until_empty(self, deadline: float) -> bool:
        while not (self.buffer.is_empty and self._shipper.is_idle and self._is_reported()):
            if self.clock.monotonic() >= deadline:
                return self.buffer.is_empty
            # No thread can be started while the interpreter ends: then the caller ships by itself.
            if not self._thread_runs() and not (self.wake() and self._thread_runs()):
                self._round()
            time.sleep(0.002)
        return True

    def _is_reported(self) -> bool:
        told = self._reported
        return (told.get("called", 0), told.get("recorded", 0)) == (self.buffer.called, self.buffer.recorded)

    def _thread_runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _say_goodbye(self, deadline: float) -> None:
        # The drain thread may be stuck in a hung Redis: then we leave without a word, and are listed `unclean`.
        if not self._shipping.acquire(timeout=max(0.0, deadline - self.clock.monotonic()) + 0.02):
            self.buffer.abandon("shutdown")
            return
        try:
            self._shipper.give_up()
            self.buffer.abandon("shutdown")
            if self.clock.monotonic() < deadline:
                self._report(ended=True)
            self._shipper.close()
        finally:
            self._shipping.release()

    def redirect(self, log: Callable[[], Log]) -> Callable[[], Log]:
        """Write to another journal from here on, as a new producer; what made the one before. For tests."""
        before, self._make_log = self._make_log, log
        self.flush()
        self._stopping = True
        if self._thread is not None:
            self._thread.join()
        self.buffer.reset_after_fork()
        self._begin()
        return before

    def retire(self) -> None:
        """Record nothing from here on: this process is a worker, whose calls are replays."""
        self.enabled = self.recording = False

    def stats(self) -> dict[str, Any]:
        """Counts of this process: called, sampled_out, recorded, dropped by reason, buffered, and our own errors."""
        return {**self.buffer.counts(), "producer": self.producer, "errors": dict(self.shield.errors)}


def _share(text: str) -> float:
    """A rate from the settings; one that cannot be read records nothing, since it may have been meant as a brake."""
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _told(log: Log, producer: str, counts: Mapping[str, Any], ended: bool) -> bool:
    log.report(producer, counts, ended=ended)
    return True


def _close_at_exit(reference: weakref.ref[Recorder]) -> None:
    recorder = reference()
    if recorder is not None and recorder.enabled:
        recorder.close()


def _after_fork_in_child() -> None:
    for recorder in list(_recorders):
        recorder.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
