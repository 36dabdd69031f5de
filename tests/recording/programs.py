"""Whole programs that record, run as processes of their own, and what the journal holds of them afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterable
from typing import Any

from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.journal.job import Job, unseal
from sidecar_science.journal.redis import RedisJournal, connect

PARTITIONS = 4

PRELUDE = """
import os, signal, sys, threading, time
from sidecar_science import Sidecar

namespace, url = sys.argv[1:3]
sidecar = Sidecar(namespace, redis_url=url, partitions=4)


@sidecar.experiment("get", key="n", service="s", effect="read")
def get(n):
    return n


def say(*words):
    print(*words, flush=True)
"""


class Program:
    """A running program: a prelude that declares ``get(n)``, and then its own lines."""

    def __init__(self, lines: str, namespace: str, url: str, *, prelude: str = PRELUDE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", prelude + textwrap.dedent(lines), namespace, url],
            # Coverage's tracer makes forks and signal handlers many times slower.
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """Its next line."""
        return self.process.stdout.readline().strip()

    def tell(self) -> None:
        """Let it go on where it waits for a line."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.told_at = time.monotonic()

    def end(self, seconds: float = 60.0) -> tuple[int, str, str]:
        """Its exit code, and what else it has printed, to either side."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"still running after {seconds} seconds; it said {out!r} and {err!r}") from None
        return self.process.returncode, out, err


class Journal:
    """A namespace of one's own on a real server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.namespace = f"a-{uuid.uuid4().hex[:12]}"
        self._link = connect(url, socket_timeout=5.0)

    def run(self, lines: str, **how: Any) -> Program:
        return Program(lines, self.namespace, self.url, **how)

    @property
    def journal(self) -> RedisJournal:
        return RedisJournal(self._link, self.namespace, "b", partitions=PARTITIONS)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in the order of their completion."""
        keyring = Keyring(namespace=self.namespace)
        entries = self.journal.peek(100_000)
        return sorted(
            (unseal(each.data, keyring, each.partition)[0] for each in entries), key=lambda job: job.completed_at
        )

    @property
    def values(self) -> list[Any]:
        return [Codec().decode(job.value) for job in self.jobs]

    @property
    def producers(self) -> list[Any]:
        return self.journal.producers()


def told_once(jobs: Iterable[Job]) -> bool:
    """Whether no job is there twice."""
    ids = [job.id for job in jobs]
    return len(ids) == len(set(ids))
