"""One app, one journal, one B-branch and any number of workers, in a folder of their own."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.redis import Link, RedisJournal, connect
from sidecar_science.journal.scripts import load
from tests.faults.history import History, read_history
from tests.faults.processes import Process, RedisServer, until
from tests.faults.proxy import Proxy

NAMESPACE: Final = "faults"
ASKED_LEASE: Final = 3.0
"""What a worker is asked to take for a lease; what it takes is seen in the journal."""

PATIENT: Final = {"FAULTS_TIMEOUT": "2"}
"""What a worker is told that must be met in the middle of a replay: its deadline must not come first."""

Wish = tuple[str, str, str]
"""The effect of a call (a method of the adapter), its key, and how B is to answer it."""


def script_word(name: str) -> bytes:
    """What is said on the wire when the journal's script ``name`` is called."""
    return load(name).sha.encode()


class Rig:
    """Everything that a fault needs. Leaving the block ends every process, however it stands."""

    def __init__(
        self,
        directory: Path,
        *,
        valkey: bool = False,
        partitions: int = 8,
        environment: str = "b",
        beside: Rig | None = None,
        **redis_options: str,
    ) -> None:
        """``beside`` another rig: its apps and its journal, and an environment of one's own."""
        self.directory = directory
        self.partitions = partitions
        self.environment = environment
        self._beside = beside
        self.redis: RedisServer = (
            beside.redis if beside else RedisServer(directory / "redis", valkey=valkey, **redis_options)
        )
        self._look_into(self.redis)
        self.control = directory / "control"
        self.workers: list[Process] = []
        self.apps: list[Process] = []
        self._branches: list[Process] = []
        self._numbers = itertools.count(1)
        self._lease = 0.0
        self.b_port = 0

    def _look_into(self, redis: RedisServer) -> None:
        self.link: Link = connect(redis.url, socket_timeout=5.0)
        self.journal = RedisJournal(self.link, NAMESPACE, self.environment, partitions=self.partitions)

    def fail_over(self, replica: RedisServer) -> None:
        """The server dies, and ``replica`` becomes what everybody should ask."""
        self.redis.kill()
        self.redis = replica
        self._look_into(replica)
        self.link.command("REPLICAOF", "NO", "ONE")

    def __enter__(self) -> Rig:
        try:
            self.start_b()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.apps, *self.workers, *self._branches):
            process.close()
        self.link.close()
        if self._beside is None:
            self.redis.close()

    # -- processes -----------------------------------------------------------------------------------------------

    def start_b(self) -> None:
        """Start B; where it was, if it ran before."""
        arguments = ["-m", "tests.faults.b_server", "--executions", str(self.directory / "executions.jsonl")]
        arguments += ["--control", str(self.control), "--port", str(self.b_port)]
        self.b = Process(arguments, self.directory / "b.log", {})
        self._branches.append(self.b)
        port = self.b.first_line()
        assert port, self.b.log.read_text()
        self.b_port = int(port)

    def wish(self, text: str) -> None:
        """How B answers from now on; "" as each call wishes."""
        self.control.write_text(text)

    def start_app(
        self,
        *arguments: str,
        redis_url: str | None = None,
        script: Sequence[Wish] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Process:
        """An app that makes calls and ends; ``script`` says which."""
        name = f"app{next(self._numbers)}"
        options = ["-m", "tests.faults.app", "--calls", str(self.directory / f"calls-{name}.jsonl"), "--name", name]
        options += ["--script", json.dumps([list(wish) for wish in script])] if script else []
        app = Process(
            [*options, *arguments], self.directory / f"{name}.log", {**self._environ(redis_url), **(environ or {})}
        )
        self.apps.append(app)
        return app

    def record(self, *script: Wish, rate: float = 200.0) -> list[str]:
        """Have an app make these calls, and wait for its end; the jobs' ids."""
        app = self.start_app("--rate", str(rate), script=script)
        assert app.ended() == 0, app.log.read_text()
        name = app.log.stem
        return [call.job for call in self.history().calls if call.app == name]

    def start_worker(
        self,
        *arguments: str,
        redis_url: str | None = None,
        b_port: int | None = None,
        ready: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> Process:
        """A worker; ``ready`` waits until it holds a partition."""
        number = next(self._numbers)
        options = ["-m", "sidecar_science.cli", "run", "tests.faults.declarations:sidecar"]
        options += ["--environment", self.environment, "--route", f"b=http://127.0.0.1:{b_port or self.b_port}"]
        options += ["--allow-writes", "b", "--processes", "1", "--lanes", "4", "--lease", str(ASKED_LEASE)]
        options += ["--log-level", "debug", *arguments]
        told = {**self._environ(redis_url), **(environ or {})}
        worker = Process(options, self.directory / f"worker{number}.log", told)
        self.workers.append(worker)
        if ready:
            self.wait_ready(worker)
        return worker

    def start_textbook(self) -> Process:
        """A consumer as it stands in many books, instead of a worker."""
        number = next(self._numbers)
        arguments = ["-m", "tests.faults.textbook", "--b", f"http://127.0.0.1:{self.b_port}", "--name", f"c{number}"]
        consumer = Process(arguments, self.directory / f"worker{number}.log", self._environ(None))
        self.workers.append(consumer)
        return consumer

    def wait_ready(self, worker: Process) -> None:
        """Wait until ``worker`` holds a partition."""
        until(f"a lease for {worker.log}", lambda: worker.code is not None or self.held_by(worker))
        assert worker.code is None, f"{worker.log.stem} ended with {worker.code}: {worker.log.read_text()}"
        self._look_at_lease()

    def _environ(self, redis_url: str | None) -> dict[str, str]:
        return {
            "SIDECAR_REDIS_URL": redis_url or self.redis.url,
            "SIDECAR_FLUSH_TIMEOUT": "20",
            "FAULTS_PARTITIONS": str(self.partitions),
        }

    @contextlib.contextmanager
    def behind_proxy(self, environ: Mapping[str, str] | None = None) -> Iterator[tuple[Proxy, Process]]:
        """A worker with a proxy between it and Redis; it has settled a job, so that its scripts are known there."""
        with Proxy(self.redis.port) as proxy:
            worker = self.start_worker(redis_url=f"redis://127.0.0.1:{proxy.port}/0", environ=environ)
            self.record(("read", "warm-up", ""))
            self.drain()
            yield proxy, worker

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def lease(self) -> float:
        """How long a lease lasts, in seconds, as it was seen when a worker had just taken one."""
        assert self._lease, "no worker has taken a lease yet"
        return self._lease

    def _look_at_lease(self) -> None:
        left = self.link.batch([("PTTL", self.key(n, "lease")) for n in range(self.partitions)])
        self._lease = max(self._lease, math.ceil(max(left) / 100) / 10)

    def held_by(self, worker: Process) -> list[int]:
        """The partitions that ``worker`` holds, whichever of its processes does."""
        names = {event["worker"] for event in worker.events("worker.started")}
        if not names:
            return []
        tokens = self.link.batch([("GET", self.key(n, "lease")) for n in range(self.partitions)])
        return [n for n, token in enumerate(tokens) if token and token.decode().rpartition(":")[0] in names]

    def key(self, partition: int, what: str) -> str:
        """The key of what the environment keeps about a partition."""
        return Keys(NAMESPACE).of(partition, what, self.environment)

    def jobs(self, partition: int) -> str:
        """The stream of a partition."""
        return Keys(NAMESPACE).jobs(partition)

    def only_stream(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The only partition that holds anything: its number, and its entries with their bytes."""
        streams = self.link.batch([("XRANGE", self.jobs(n), "-", "+") for n in range(self.partitions)])
        [(number, entries)] = [(n, entries) for n, entries in enumerate(streams) if entries]
        return number, [(entry, body[b"e"]) for entry, body in entries]

    def markers(self) -> dict[str, str]:
        """What is kept about entries that are not settled, by entry."""
        hashes = self.link.batch([("HGETALL", self.key(n, "inflight")) for n in range(self.partitions)])
        return {entry.decode(): marker.decode() for each in hashes for entry, marker in each.items()}

    def executed(self, job: str) -> int:
        """How often B was asked to do ``job``."""
        return sum(execution.job == job for execution in self.history().executions)

    def wait_executed(self, job: str) -> None:
        """Wait until B was asked to do ``job``."""
        until(f"job {job} at B", lambda: self.executed(job))

    def pending(self) -> int | None:
        """How many jobs are neither settled nor gone another way; None while Redis does not say."""
        try:
            return self.journal.accounts().pending
        except JournalUnavailable:
            return None

    def age_producers(self, seconds: float) -> None:
        """Let every app have told its counts so much longer ago."""
        key = Keys(NAMESPACE).producers
        for name, told in self.link.command("HGETALL", key).items():
            facts = json.loads(told)
            self.link.command("HSET", key, name, json.dumps({**facts, "at": facts["at"] - seconds}))

    def drain(self, seconds: float = 30.0) -> None:
        """Wait until nothing is pending."""
        until("a drained journal", lambda: self.pending() == 0, seconds)

    def outcomes(self, job: str) -> list[str]:
        """The outcomes of ``job`` in all workers' logs, with their reasons."""
        return [ending.full for ending in self.history().endings if ending.job == job]

    def report(self) -> dict[str, Any]:
        """What ``sidecar-worker report`` prints."""
        arguments = ["-m", "sidecar_science.cli", "report", "tests.faults.declarations:sidecar", "--format", "json"]
        arguments += ["--environment", self.environment]
        process = Process(arguments, self.directory / "report.log", self._environ(None))
        try:
            return json.loads(process.output())  # type: ignore[no-any-return]
        finally:
            process.close()

    def history(self, *, balance: bool = False) -> History:
        """What happened, from the files; with ``balance`` also from the report."""
        history = read_history(self.directory, capture=self.report()["capture"] if balance else None)
        if self._beside is not None:
            recorded = self._beside.history()
            history = attrs.evolve(history, calls=recorded.calls, apps=recorded.apps)
        return history
