"""Forking a process that ends with its supervisor, within bounds."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from sidecar_science.errors import JournalUnavailable, SidecarError
from sidecar_science.worker.supervising.child import Child
from sidecar_science.worker.supervising.duty import Duty
from sidecar_science.worker.supervising.slots import Slots

Work = Callable[[Duty], int]

FAILED: Final = 3
UNEXPECTED: Final = 1

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_SET_PDEATHSIG: Final = 1
_STACK: Final = 8 * 1024 * 1024
_SPARE_THREADS: Final = 16


def fork(
    work: Work, slots: Slots, *, quarantine: bool, memory: int, born: float, threads: int, first: bool = True
) -> Child:
    """Start a process that does ``work``.

    ``memory`` bounds its own data, in bytes, on top of the stacks of so many ``threads``, where the system can. Raises
    OSError when there is no room for another process.
    """
    reading, writing = os.pipe()
    duty = Duty(slots=slots, supervisor=os.getpid(), quarantine=quarantine, first=first, pipe=writing)
    # What is asked of the supervisor in this moment must not be taken for asked of the child.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os._exit(_live(work, duty, memory + (threads + _SPARE_THREADS) * _stack()))
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Child(pid, reading, slots, quarantine=quarantine, born=born)


def _live(work: Work, duty: Duty, memory: int) -> int:
    """All of a child's life; its exit code. Nothing is raised: what called `fork` is the supervisor's."""
    code = UNEXPECTED
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        atexit._clear()  # what the supervisor's process has to do at its end is not this one's
        gc.enable()
        _tie(duty)
        _bound(memory)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        code = _work(work, duty)
    except BaseException:  # noqa: BLE001 - shown as Python shows it, and no way back into the supervisor's code
        with contextlib.suppress(BaseException):
            sys.excepthook(*sys.exc_info())
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _work(work: Work, duty: Duty) -> int:
    try:
        code = work(duty)
    except SidecarError as error:
        duty.failed(str(error), passing=isinstance(error, JournalUnavailable))
        return FAILED
    duty.ended(code)
    return code


def _tie(duty: Duty) -> None:
    """On Linux the kernel ends this process with its supervisor; elsewhere it looks for it by itself."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if duty.is_orphaned:
        os._exit(UNEXPECTED)


def _bound(memory: int) -> None:
    """Have whatever asks for more get a `MemoryError`, where the system counts a process's own data."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _stack() -> int:
    """How much a thread's stack counts for, used or not."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return _STACK if soft in (resource.RLIM_INFINITY, -1) else soft
