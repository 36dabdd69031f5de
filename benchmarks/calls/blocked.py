"""One queue in a process of its own, which can be ended when it hangs: how long does a call block?

Run by `caller.py`: makes one good call, says ``ready``, waits for a line, and tells of each further call as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import attrs

_ROOT = Path(__file__).parents[2]
_CALLS = 3


@attrs.frozen
class Blocking:
    """How long calls took in seconds, what they raised, and whether we lost patience with the last one."""

    took: list[float]
    raised: str
    cut: bool


class Child:
    """The process of one queue."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.calls.blocked", name, url],
            cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the first call of {self._name} failed")

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def told(self, deadline: float) -> Blocking:
        """What came of the calls until ``deadline`` (monotonic seconds); the process is ended then."""
        try:
            text, _ = self._process.communicate(timeout=max(0.01, deadline - time.monotonic()))
            cut = False
        except subprocess.TimeoutExpired:
            self._process.kill()
            text, _ = self._process.communicate()
            cut = True
        calls = [json.loads(line) for line in text.splitlines()]
        return Blocking([call["took"] for call in calls], next((call["raised"] for call in calls), ""), cut)


def _main(name: str, url: str) -> None:
    from benchmarks.calls.payloads import SIZES, loads, payloads
    from benchmarks.calls.queues import QUEUES

    payload = loads(payloads(SIZES["1 KB"], 1)[0])
    send = QUEUES[name](url)
    send(payload)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(_CALLS):
        started, raised = time.perf_counter(), ""
        try:
            send(payload)
        except Exception as error:
            raised = type(error).__name__
        print(json.dumps({"took": time.perf_counter() - started, "raised": raised}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
