"""What the embedded server's process runs first: it ties the server's life to that of whoever starts it.

Run as a file of its own, so that nothing has to happen between fork and exec in a process that has threads.
On Linux the kernel kills the server when its parent dies, and this program becomes the server; elsewhere it
stays beside the server and watches a pipe that ends with the parent.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:  # pragma: no cover - tested in a process of its own
    """Become ``command``, killed when ``parent`` dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Had the parent died before that call, no signal would ever come.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def watch(command: list[str]) -> None:
    """Run ``command`` until it ends or standard input does."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own server
    while server.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], 0.2)
        if readable:
            server.kill()
    server.wait()


def main(how: str, parent: str, *command: str) -> None:
    if how == "become":  # pragma: no cover
        become(int(parent), list(command))
    else:
        watch(list(command))


if __name__ == "__main__":  # pragma: no cover
    main(*sys.argv[1:])
