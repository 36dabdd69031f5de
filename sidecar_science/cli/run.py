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
from sidecar_science.cli.opening import open_for
from sidecar_science.cli.soundness import FLAG, check_server
from sidecar_science.cli.target import adopt, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.routing.current import Current
from sidecar_science.routing.guard import Guard
from sidecar_science.routing.routes import Origin
from sidecar_science.sidecar import Sidecar
from sidecar_science.worker.assembly import Settings, assemble, prepare_process
from sidecar_science.worker.joining import join
from sidecar_science.worker.worker import Worker

DRAIN_SECONDS: Final = 15.0


def add(commands: Any) -> None:
    parser = commands.add_parser("run", help="replay recorded calls against a B-branch")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--route", action="append", default=[], metavar="SERVICE=URL", help="where B's SERVICE is")
    parser.add_argument(
        "--allow-writes", action="append", default=[], metavar="SERVICE", help="let calls that write reach B's SERVICE"
    )
    parser.add_argument(
        "--from", dest="start", default="earliest", metavar="earliest|latest|TIME",
        help="where an environment begins that the journal does not know yet (default earliest)",
    )  # fmt: skip
    parser.add_argument("--epoch", metavar="NAME", help="which data and deploy B has now")
    parser.add_argument("--lanes", type=_lanes, default=16, metavar="N", help="replays at a time (default 16)")
    parser.add_argument("--rate", type=_rate, metavar="N", help="at most N replays a second")
    parser.add_argument("--burst", action="store_true", help="end when the journal is drained")
    parser.add_argument(FLAG, action="store_true", help="start though the server may lose jobs in silence")
    parser.add_argument("--log-level", choices=logs.LEVELS, default="info")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    log = logs.configure(arguments.log_level)
    # There is no answer to print, and what adapters print is none.
    with contextlib.redirect_stdout(sys.stderr):
        worker = _worker(arguments, log)
        return _run(worker, arguments.burst, log)


def _worker(arguments: argparse.Namespace, log: Any) -> Worker:
    """A worker as the command line asks for it. From here on this process reaches B and nothing else."""
    start = common.position(arguments.start)
    settings = Settings(
        environment=arguments.environment,
        targets=common.routes(arguments.route),
        allow_writes=common.names(arguments.allow_writes),
        lanes=arguments.lanes,
        rate=arguments.rate,
        epoch=arguments.epoch,
    )
    current = Current()
    sidecar = _declarations(arguments, settings, current)
    place = prepare_process(
        services=sidecar.services, redis_url=sidecar.redis_url, settings=settings, current=current, log=log
    )
    check_server(sidecar.redis_url, log, own=place.guard.own, forced=arguments.force_unsafe_redis)
    journal = open_for(sidecar, settings.environment, own=place.guard.own)
    joined = join(journal, start, epoch=settings.epoch, routes=settings.targets, log=log)
    if not sidecar.keyring.signs:
        log.warning("journal.unsigned", remedy="set SIDECAR_SIGNING_KEY on both sides: then nobody else's jobs run")
    name = _name()
    worker = assemble(sidecar, journal, settings, place, name=name, clock=SYSTEM_CLOCK, log=log)
    log.info(
        "worker.started", worker=name, environment=settings.environment, new=joined.new, routes=dict(settings.targets)
    )
    return worker


def _declarations(arguments: argparse.Namespace, settings: Settings, current: Current) -> Sidecar:
    """The application's, imported under a guard: what connects at import would connect to A."""
    allowed = [Origin.parse(url, what=f"the route of service {name!r}").endpoint
               for name, url in settings.targets.items()]  # fmt: skip
    guard = Guard(allowed=allowed, current=current)
    guard.install()
    try:
        return adopt(load(arguments.target), arguments.redis_url)
    finally:
        guard.undo()


def _run(worker: Worker, burst: bool, log: Any) -> int:
    signals = _Signals(worker)
    signals.listen()
    drained = False
    try:
        drained = worker.run(burst=burst)
    finally:
        log.info("worker.ending", signal=signals.first)
        finished = worker.stop(SYSTEM_CLOCK.monotonic() + DRAIN_SECONDS)
        log.info("worker.ended", settled=worker.settled, outcomes=dict(worker.outcomes), finished=finished)
    return Exit.OK if drained else Exit.NOT_DRAINED


class _Signals:
    """The first signal ends the worker in good order; the second at once."""

    def __init__(self, worker: Worker) -> None:
        self.first: str | None = None
        self._worker = worker

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)

    def _told(self, number: int, _: Any) -> None:
        # It interrupts the main thread anywhere, a lock in its hands perhaps: so no event is set and no log written.
        if self.first is not None:
            os._exit(Exit.UNEXPECTED)
        self.first = signal.Signals(number).name
        self._worker.quiet()


def _name() -> str:
    """A name that no other worker has, not even this one's predecessor on the same host: leases go by it."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


def _lanes(text: str) -> int:
    return common.whole_number(text, 1, 1000)


def _rate(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no rate; expected a number above 0")
    return number
