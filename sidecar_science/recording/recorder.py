"""The A side's engine: a buffer, one daemon thread that drains it, and endings that keep to their time.

Nothing starts before the first call, so importing an application opens no connection and starts no thread. A forked
child starts afresh: what its parent holds, its parent ships.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from sidecar_science.checks.exchanges import Watch, watching
from sidecar_science.clock import Clock
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.errors import UsageError
from sidecar_science.journal.partitions import sample_point
from sidecar_science.journal.protocol import Log
from sidecar_science.recording.ambient import Ambients
from sidecar_science.recording.buffer import Buffer
from sidecar_science.recording.capture import Capture
from sidecar_science.recording.hosts import forbids_threads, forks_later
from sidecar_science.recording.lifetime import watch_over
from sidecar_science.recording.rates import Rates
from sidecar_science.recording.sealing import Sealing
from sidecar_science.recording.shield import Shield
from sidecar_science.recording.shipping import Shipper
from sidecar_science.recording.standing import Standing
from sidecar_science.recording.vocabulary import Vocabulary

INTERVAL: Final = 0.03
_PATIENCE: Final = 0.002
_THREAD_EVERY: Final = 1.0

OURS: Final = Watch()
"""The context of our own code: a recorded call in it would be recorded for ever."""


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
        self.ambients = Ambients(codec=codec, shield=shield)
        self.buffer = Buffer(buffer_bytes)
        self._make_log = log
        self._has_forked = False
        self._vocabulary = Vocabulary(keyring, shield)
        sealing = Sealing(
            namespace=namespace, partitions=partitions, keyring=keyring, codec=codec, vocabulary=self._vocabulary
        )
        self._new_shipper: Callable[[str], Shipper] = lambda producer: Shipper(
            producer=producer, sealing=sealing, buffer=self.buffer, log=self._make_log, clock=clock, shield=shield,
            cap_entries=cap_entries, cap_bytes=cap_bytes,
        )  # fmt: skip
        self._begin()
        watch_over(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._in_uwsgi = "uwsgi" in sys.modules
        self.producer = secrets.token_hex(8)
        self._ids = map(f"{self.producer}%016x".__mod__, itertools.count(1))
        self.rates = Rates()
        self._thread: threading.Thread | None = None
        self._thread_at = 0.0
        self._starting = threading.Lock()
        self._shipper = self._new_shipper(self.producer)
        self._make_locks()
        self._stopping = False
        self._hurry_until = 0.0
        self._standing = Standing(
            shipper=self._shipper, buffer=self.buffer, vocabulary=self._vocabulary, clock=self.clock, shield=self.shield
        )

    def _make_locks(self) -> None:
        """Anew with every thread: gevent may have replaced both kinds since, and they have to be of one kind."""
        self._shipping = threading.Lock()
        # A plain lock as a bell: letting go of it never waits, whoever is interrupted meanwhile.
        self._bell = threading.Lock()
        self._bell.acquire()

    def after_fork(self) -> None:
        """In the child: a new producer with an empty buffer, no thread and no connection."""
        self.buffer.reset_after_fork()
        self.recording = self.enabled
        self._has_forked = True
        self._begin()

    def new_id(self) -> str:
        """A job's id: 32 hex digits, of which the first half names the producer."""
        return next(self._ids)

    def wake(self) -> None:
        """Make sure that the drain thread runs, where it can."""
        # uWSGI forks without running Python's fork hooks; elsewhere they have seen to it.
        if self._thread is None or (self._in_uwsgi and self._pid != os.getpid()):
            self._start()

    def put(self, capture: Capture) -> None:
        """Take a call that has ended. One that began before a fork belongs to the parent, in both processes."""
        if capture.id[:16] == self.producer:
            self.buffer.put(capture)

    def rate(self, experiment: Any) -> float:
        """The share of entities that is recorded: run-time settings first, then the declaration, then the default."""
        rates = self.rates
        if experiment.name in rates.of:
            return rates.of[experiment.name]
        if rates.default is not None:
            return rates.default
        return self.sample if experiment.sample is None else experiment.sample

    def chooses(self, rate: float, text: str) -> bool:
        """Whether what has the key ``text`` is in the sample at ``rate``: decided by it alone, the same everywhere."""
        return rate > 0.0 and sample_point(self.namespace, text) < rate

    def _start(self) -> None:
        if self._pid != os.getpid():
            self.after_fork()
        if self.clock.monotonic() < self._thread_at or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._start_thread()
        finally:
            self._starting.release()

    def _start_thread(self) -> None:
        if forbids_threads():
            self.recording = self.enabled = False
            self.buffer.close("no_thread")
            self.shield.tell("no_thread", UsageError("uWSGI runs no threads here: give it --enable-threads"))
            return
        if not self._has_forked and forks_later():
            # What is called here waits for a flush, or for the end.
            return
        if not self._shipping.acquire(blocking=False):
            # Somebody ships by himself, since no thread could be started: the next call tries again.
            return
        self._make_locks()
        thread = threading.Thread(target=self._drain, name="sidecar-drain", daemon=True)
        # Before it runs: one that fails at once must leave this empty.
        self._thread = thread
        try:
            thread.start()
        except BaseException as error:
            # One that never ran must not be taken for the thread.
            if thread.ident is None:
                self._thread = None
            if not isinstance(error, RuntimeError):
                raise
            # The interpreter is ending, or the host allows no more threads.
            self._thread_at = self.clock.monotonic() + _THREAD_EVERY
            self.shield.tell("thread", error)

    def _drain(self) -> None:
        watching.set(OURS)
        try:
            while not self._stopping:
                if not self._round():
                    self._bell.acquire(timeout=INTERVAL)
        finally:
            if not self._stopping:
                # Something has killed this thread; the next call starts another one.
                self._thread = None

    def _round(self) -> bool:
        """Do what there is to do; whether there may be more at once."""
        shipping = self._shipping
        if not shipping.acquire(blocking=False):
            return False
        try:
            hurry = self.clock.monotonic() < self._hurry_until
            self._listen()
            more = self._shipper.ship(hurry=hurry)
            self._standing.tell(hurry=hurry)
        except Exception as error:  # noqa: BLE001 - the drain thread must outlive whatever goes wrong in it
            self.shield.tell("drain", error)
            return False
        finally:
            shipping.release()
        return more

    def _listen(self) -> None:
        """Before anything is shipped: who switches us off means what was called a moment ago as well."""
        rates = self._standing.listen()
        if rates is not None:
            if rates.enabled and not self.rates.enabled:
                self.buffer.lose_track()
            self.rates = rates
            self.recording = self.enabled and rates.enabled
        if not self.rates.enabled:
            self.buffer.abandon("switched_off")

    def flush(self, timeout: float | None = None) -> bool:
        """Ship what is buffered now; whether it arrived within ``timeout`` seconds (default: flush_timeout)."""
        if not self.enabled:
            return True
        return self._flush(self.flush_timeout if timeout is None else timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Ship what is buffered, say goodbye, and stop; whether all of it arrived. A second call does nothing."""
        if not self.enabled or self._pid != os.getpid():
            return True
        timeout = self.flush_timeout if timeout is None else timeout
        deadline = self.clock.monotonic() + timeout
        self.recording = self.enabled = False
        shipped = self._flush(timeout)
        self.buffer.close("shutdown")
        self._stopping = True
        self._ring()
        if self.buffer.called:
            self._say_goodbye(deadline)
        return shipped

    def _flush(self, timeout: float) -> bool:
        deadline = self.clock.monotonic() + timeout
        entered, called = self.buffer.entered, self.buffer.called
        self._hurry_until = max(self._hurry_until, deadline)
        # Steps are counted too: a clock of a test may stand still.
        for _ in range(int(timeout / _PATIENCE) + 1):
            if self._standing.has_told(called=called, left=entered):
                return True
            if self.clock.monotonic() >= deadline:
                break
            self._work_now()
            time.sleep(_PATIENCE)
        return self.buffer.left >= entered

    def _work_now(self) -> None:
        if self._thread is None:
            self._start()
        if self._thread is not None and self._thread.is_alive():
            self._ring()
            return
        # No thread can be started while the interpreter ends: then the caller ships by itself.
        token = watching.set(OURS)
        try:
            self._round()
        finally:
            watching.reset(token)

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is ringing already
            self._bell.release()

    def _say_goodbye(self, deadline: float) -> None:
        # The drain thread may be stuck in a hung Redis: then we leave without a word, and are listed `unclean`.
        shipping = self._shipping
        if not shipping.acquire(timeout=max(0.0, deadline - self.clock.monotonic()) + 0.02):
            self.shield.silence()
            self.buffer.abandon("shutdown")
            return
        try:
            self._shipper.give_up()
            self.buffer.abandon("shutdown")
            if self.clock.monotonic() < deadline:
                self._standing.tell(ended=True)
            self._shipper.close()
        finally:
            shipping.release()

    def redirect(self, log: Callable[[], Log]) -> Callable[[], Log]:
        """Write to another journal from here on, as a new producer; what made the one before. For tests."""
        self.flush()
        before, self._make_log = self._make_log, log
        self._stopping = True
        self._ring()
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
