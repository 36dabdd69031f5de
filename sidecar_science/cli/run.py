"""``sidecar-worker run``: replays what the journal holds against a B-branch."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from typing import Any

from sidecar_science.cli import logs
from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.opening import open_for
from sidecar_science.cli.target import adopt, load
from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.routing.current import Current
from sidecar_science.routing.guard import Guard
from sidecar_science.routing.routes import Origin
from sidecar_science.worker.assembly import Settings, assemble, prepare_process
from sidecar_science.worker.worker import Worker

DRAIN_SECONDS = 15.0


def add(commands: Any) -> None:
    parser = commands.add_parser("run", help="replay recorded calls against a B-branch")
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--route", action="append", default=[], metavar="SERVICE=URL", help="where B's SERVICE is")
    parser.add_argument(
        "--allow-writes", action="append", default=[], metavar="SERVICE", help="let calls that write reach B's SERVICE"
    )
    parser.add_argument("--from", dest="start", default="earliest", metavar="earliest|latest|TIME")
    parser.add_argument("--epoch", metavar="NAME", help="which data and deploy B has now")
    parser.add_argument("--lanes", type=_count, default=16, metavar="N", help="replays at a time (default 16)")
    parser.add_argument("--rate", type=_rate, metavar="N", help="at most N replays a second")
    parser.add_argument("--burst", action="store_true", help="end when the journal is drained")
    parser.add_argument("--log-level", choices=logs.LEVELS, default="info")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    log = logs.configure(arguments.log_level)
    targets = common.routes(arguments.route)
    current = Current()
    # The application is imported under the guard: what connects at import would connect to A.
    early = Guard(allowed=[Origin.parse(url).endpoint for url in targets.values()], current=current)
    early.install()
    sidecar = adopt(load(arguments.target), arguments.redis_url)
    early.undo()
    settings = Settings(
        environment=arguments.environment,
        targets=targets,
        allow_writes=common.names(arguments.allow_writes),
        lanes=arguments.lanes,
        rate=arguments.rate,
    )
    place = prepare_process(
        services=sidecar.services, redis_url=sidecar.redis_url, settings=settings, current=current, log=log
    )
    journal = open_for(sidecar, arguments.environment, own=place.guard.own)
    joined = journal.join(common.position(arguments.start), epoch=arguments.epoch, routes=targets)
    if not sidecar.keyring.signs:
        log.warning("journal.unsigned", remedy="set SIDECAR_SIGNING_KEY on both sides: then nobody else's jobs run")
    name = f"{socket.gethostname()}-{os.getpid()}"
    worker = assemble(sidecar, journal, settings, place, name=name, clock=SYSTEM_CLOCK, log=log)
    log.info("worker.started", worker=name, environment=arguments.environment, new=joined.new, routes=targets)
    return _run(worker, arguments.burst, log)


def _run(worker: Worker, burst: bool, log: Any) -> int:
    _listen(worker, log)
    drained = worker.run(burst=burst)
    finished = worker.stop(SYSTEM_CLOCK.monotonic() + DRAIN_SECONDS)
    log.info("worker.ended", settled=worker.settled, outcomes=dict(worker.outcomes), drained=drained, finished=finished)
    if burst and not drained:
        return Exit.NOT_DRAINED
    return Exit.OK


def _listen(worker: Worker, log: Any) -> None:
    """The first signal ends in good order; the second at once."""

    def told(number: int, _: Any) -> None:
        if worker.is_quiet:
            os._exit(Exit.OK)
        worker.quiet()
        # Not from within the handler: a log call may be what it interrupts.
        threading.Thread(target=log.info, args=("worker.ending",), kwargs={"signal": number}, daemon=True).start()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is out of range; expected 1 to 1000")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is no rate; expected a number above 0")
    return number
