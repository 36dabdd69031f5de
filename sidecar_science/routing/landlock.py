"""The kernel's floor under the guard: a list of TCP ports that this process may connect to, for good.

Landlock sees what no hook in Python does: native clients, child processes, foreign functions. It tells
ports apart and no hosts, knows no UDP, and needs Linux 6.7 (its ABI 4).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import attrs

from sidecar_science.routing.routes import Routes

NEEDED_ABI: Final = 4
_MACHINES: Final = frozenset({"x86_64", "aarch64"})
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_RULE_NET_PORT: Final = 2
_CONNECT_TCP: Final = 1 << 1
_SET_NO_NEW_PRIVS: Final = 38
_TASKS: Final = Path("/proc/self/task")


class Kernel(Protocol):
    """What is asked of the operating system."""

    def syscall(self, number: int, *arguments: int | bytes | None) -> int:
        """The result of a system call; raises OSError."""
        ...

    def forbid_new_privileges(self) -> None:
        """No program started from here gains rights from its file; raises OSError."""
        ...

    def threads(self) -> int:
        """How many threads this process has, those that Python does not know included."""
        ...


class Linux:
    """The system that this runs on."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def syscall(self, number: int, *arguments: int | bytes | None) -> int:
        passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
        return self._checked(self._libc.syscall(ctypes.c_long(number), *passed))

    def forbid_new_privileges(self) -> None:
        self._checked(self._libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))

    def threads(self) -> int:
        return len(list(_TASKS.iterdir()))

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


@attrs.frozen(kw_only=True)
class Floor:
    """Whether the kernel holds the process to ``ports``; ``why`` says why not, or not wholly.

    True when ``applied`` and no thread was ``loose``: a thread that ran before is not bound by it.
    """

    applied: bool
    why: str = ""
    ports: frozenset[int] = frozenset()
    loose: int = 0

    def __bool__(self) -> bool:
        return self.applied and not self.loose


def abi(kernel: Kernel | None = None) -> int:
    """The version of Landlock that the kernel has; 0 when there is none, or none that this can speak to."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return 0
    try:
        return (kernel or Linux()).syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def confine(ports: Iterable[int], kernel: Kernel | None = None) -> Floor:
    """Let this thread, and all threads and processes that it starts from now on, connect by TCP to
    ``ports`` alone.

    It cannot be taken back. Name resolution over TCP needs port 53 among ``ports``. Raises nothing: where
    it cannot be applied, the floor that comes back says why.
    """
    version = abi(kernel)
    if version < NEEDED_ABI:
        have = f"its Landlock ABI is {version}" if version else "it has no Landlock"
        return Floor(
            applied=False,
            why=f"no floor: this kernel cannot hold connections to ports ({have}; Linux 6.7 can)",
        )
    kernel = kernel or Linux()
    allowed = frozenset(ports)
    try:
        loose = kernel.threads() - 1
        _restrict(allowed, kernel)
    except OSError as error:
        return Floor(applied=False, why=f"no floor: the kernel refused Landlock ({error.strerror})")
    why = f"{loose} thread(s) ran before the floor was laid, and it does not bind them" if loose else ""
    return Floor(applied=True, why=why, ports=allowed, loose=loose)


def _restrict(ports: frozenset[int], kernel: Kernel) -> None:
    ruleset = struct.pack("=QQ", 0, _CONNECT_TCP)  # nothing of the file system, of the net: connecting
    rules = kernel.syscall(_CREATE_RULESET, ruleset, len(ruleset), 0)
    try:
        for port in ports:
            kernel.syscall(_ADD_RULE, rules, _RULE_NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0)
        kernel.forbid_new_privileges()
        kernel.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def separates(routes: Routes, also: Iterable[int] = ()) -> bool:
    """Whether a list of B's ports, and of those that are ``also`` let through, keeps everything from A's
    origins."""
    through = {port for _, port in routes.endpoints()} | set(also)
    return not through & {port for _, port in routes.control_endpoints()}
