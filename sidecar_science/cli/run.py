"""``sidecar-worker run``: replays what the journal holds against a B-branch."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
from typing import Any, Final

from sidecar_science.cli import logs
from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import ids_for, open_for, open_of
from sidecar_science.cli.soundness import FLAG, check_server
from sidecar_science.cli.target import adopt, load, read_configuration
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Position
from sidecar_science.routing.current import Current
from sidecar_science.routing.guard import Guard
from sidecar_science.routing.routes import Origin
from sidecar_science.sidecar import Sidecar
from sidecar_science.worker.assembly import LEASE, MAX_BODY, Settings, assemble, prepare_process
from sidecar_science.worker.failpoints import Failpoint, failpoints
from sidecar_science.worker.joining import join
from sidecar_science.worker.supervising import Duty, Standing, Supervisor
from sidecar_science.worker.supervising.duty import ChildExit
from sidecar_science.worker.worker import Worker

DRAIN_SECONDS: Final = 15.0
MEMORY: Final = 1024
_MIB: Final = 1024 * 1024
GIVE_UP: Final = 60.0
LANES: Final = 16
_NEVER: Final = float("inf")


def add(commands: Any) -> None:
    parser = commands.add_parser("run", help="replay recorded calls against a B-branch")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--route", action="append", default=[], metavar="SERVICE=URL", help="where B's SERVICE is")
    parser.add_argument(
        "--allow-writes", action="append", default=[], metavar="SERVICE", help="let calls that write reach B's SERVICE"
    )
    parser.add_argument(
        "--from", dest="start", metavar="earliest|latest|TIME",
        help="where an environment begins that the journal does not know yet (default earliest)",
    )  # fmt: skip
    parser.add_argument("--epoch", metavar="NAME", help="which data and deploy B has now")
    parser.add_argument(
        "--processes", type=_processes, default=cores(), metavar="N", help="worker processes (default: one per core)"
    )
    parser.add_argument("--lanes", type=_lanes, metavar="N", help="replays at a time in each process (default 16)")
    parser.add_argument("--rate", type=_rate, metavar="N", help="at most N replays a second, all processes together")
    parser.add_argument(
        "--lease", type=_seconds, default=LEASE, metavar="SECONDS",
        help=f"how long a partition waits for a worker that is gone with its host (default {LEASE:g})",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=_mebibytes, default=MEMORY, metavar="MIB",
        help=f"the most memory that a process may take, in MiB (default {MEMORY})",
    )  # fmt: skip
    parser.add_argument(
        "--max-body", type=_mebibytes, default=MAX_BODY // _MIB, metavar="MIB",
        help=f"the most that one replay may read of B's answers, in MiB (default {MAX_BODY // _MIB})",
    )  # fmt: skip
    parser.add_argument("--burst", action="store_true", help="end when the journal is drained")
    parser.add_argument(FLAG, action="store_true", help="start though the server may lose jobs in silence")
    parser.add_argument(
        "--no-ids", action="store_true", help="do not translate the ids that experiments declare; only tell of them"
    )
    parser.add_argument("--log-level", choices=logs.LEVELS, default="info")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    log = logs.configure(arguments.log_level)
    _fill_in(arguments)
    settings = _settings(arguments)
    start = common.position(arguments.start)
    failpoint = failpoints(os.environ.get("SIDECAR_FAILPOINT", ""), SYSTEM_CLOCK)

    def work(duty: Duty) -> int:
        # There is no answer to print, and what adapters print is none.
        with contextlib.redirect_stdout(sys.stderr):
            worker, standing = _worker(arguments, settings, start, duty, failpoint, log)
            return _run(worker, standing, duty, arguments.burst, log)

    return Supervisor(
        processes=arguments.processes, lanes=arguments.lanes, work=work, open_journal=open_of,
        memory=arguments.memory * _MIB, drain=DRAIN_SECONDS, burst=arguments.burst, clock=SYSTEM_CLOCK, log=log,
    ).run()  # fmt: skip


def _fill_in(arguments: argparse.Namespace) -> None:
    """What the flags leave open, from what the configuration says of this environment, or else the defaults."""
    told = read_configuration(arguments.config).environment(arguments.environment)
    named = common.routes(arguments.route)
    arguments.route += [f"{service}={url}" for service, url in told.routes.items() if service not in named]
    arguments.allow_writes = arguments.allow_writes or list(told.allow_writes)
    arguments.start = arguments.start or told.start or "earliest"
    arguments.epoch = arguments.epoch or told.epoch
    try:
        arguments.lanes = arguments.lanes or _lanes(str(LANES if told.lanes is None else told.lanes))
        arguments.rate = arguments.rate or (None if told.rate is None else _rate(str(told.rate)))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"[environments.{arguments.environment}] of the configuration: {error}") from error


def _settings(arguments: argparse.Namespace) -> Settings:
    """What each process is asked to do."""
    return Settings(
        environment=arguments.environment,
        targets=common.routes(arguments.route),
        allow_writes=common.names(arguments.allow_writes),
        lanes=arguments.lanes,
        rate=arguments.rate / arguments.processes if arguments.rate else None,
        epoch=arguments.epoch,
        lease=arguments.lease,
        max_body=arguments.max_body * _MIB,
    )


def _worker(
    arguments: argparse.Namespace,
    settings: Settings,
    start: Position,
    duty: Duty,
    failpoint: Failpoint,
    log: Any,
) -> tuple[Worker, Standing]:
    """A worker as the command line asks for it, and who it is. From here on this process reaches B and nothing else."""
    current = Current()
    sidecar = declarations(arguments, settings, current)
    place = prepare_process(
        services=sidecar.services, redis_url=sidecar.redis_url, settings=settings, current=current, log=log
    )
    if duty.first:
        check_server(sidecar.redis_url, log, own=place.guard.own, forced=arguments.force_unsafe_redis)
    journal = open_for(sidecar, settings.environment, own=place.guard.own)
    joined = join(journal, start, epoch=settings.epoch, routes=settings.targets, log=log)
    if not sidecar.keyring.signs and duty.first:
        log.warning("journal.unsigned", remedy="set SIDECAR_SIGNING_KEY on both sides: then nobody else's jobs run")
    name = _name()
    ids = None if arguments.no_ids else ids_for(sidecar, settings.environment, own=place.guard.own)
    if ids is not None:
        ids.begin(settings.epoch)
    worker = assemble(
        sidecar,
        journal,
        settings,
        place,
        name=name,
        clock=SYSTEM_CLOCK,
        log=log,
        duty=duty,
        failpoint=failpoint,
        ids=ids,
    )
    log.info(
        "worker.started", worker=name, pid=os.getpid(), quarantine=duty.quarantine, environment=settings.environment,
        new=joined.new, routes=dict(settings.targets),
    )  # fmt: skip
    standing = Standing(
        name=name, redis_url=sidecar.redis_url, namespace=sidecar.namespace, environment=settings.environment,
        partitions=sidecar.partitions, lease=worker.lease,
    )  # fmt: skip
    return worker, standing


def declarations(arguments: argparse.Namespace, settings: Settings, current: Current) -> Sidecar:
    """The application's, imported under a guard: what connects at import would connect to A."""
    allowed = [Origin.parse(url, what=f"the route of service {name!r}").endpoint
               for name, url in settings.targets.items()]  # fmt: skip
    guard = Guard(allowed=allowed, current=current)
    guard.install()
    try:
        return adopt(load(arguments.target), arguments.redis_url, arguments.config)
    finally:
        guard.undo()


def _run(worker: Worker, standing: Standing, duty: Duty, burst: bool, log: Any) -> int:
    signals = _Signals(worker)
    signals.listen()
    duty.ready(standing)
    drained = False
    try:
        # What is in quarantine waits for B as long as B is away, unless all of this is to end: nobody else may have it.
        drained = worker.run(burst=burst or duty.quarantine, give_up_after=GIVE_UP if burst else _NEVER)
    finally:
        log.info("worker.ending", signal=signals.first)
        finished = worker.stop(SYSTEM_CLOCK.monotonic() + DRAIN_SECONDS)
        log.info("worker.ended", settled=worker.settled, outcomes=dict(worker.outcomes), finished=finished)
    if worker.is_worn_out:
        return ChildExit.WORN_OUT
    return Exit.OK if drained else Exit.NOT_DRAINED


class _Signals:
    """A signal ends the worker in good order, however often it comes: a terminal sends it to the supervisor and to each
    process, and so do others. To end it at once is the supervisor's to decide."""

    def __init__(self, worker: Worker) -> None:
        self.first: str | None = None
        self._worker = worker

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)

    def _told(self, number: int, _: Any) -> None:
        # It interrupts the main thread anywhere, a lock in its hands perhaps: so no event is set and no log written.
        self.first = self.first or signal.Signals(number).name
        self._worker.quiet()


def _name() -> str:
    """A name that no other worker has, not even this one's predecessor on the same host: leases go by it."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processes(text: str) -> int:
    return common.whole_number(text, 1, 1000)


def _mebibytes(text: str) -> int:
    return common.whole_number(text, 1, 1024 * 1024)


def _lanes(text: str) -> int:
    return common.whole_number(text, 1, 1000)


def _rate(text: str) -> float:
    return _above_zero(text, "rate")


def _seconds(text: str) -> float:
    return _above_zero(text, "time")


def _above_zero(text: str, what: str) -> float:
    number = float(text)
    if not 0 < number < _NEVER:
        raise argparse.ArgumentTypeError(f"{text} is no {what}; expected a number above 0")
    return number
