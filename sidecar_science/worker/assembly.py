"""Putting a worker together: the process first (routes, guard, floor), then the parts that run in it."""

from __future__ import annotations

import functools
import os
import random
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.comparison.origins import Origins
from sidecar_science.errors import UsageError
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.journal.protocol import Journal
from sidecar_science.routing import landlock
from sidecar_science.routing.bounding import Bounding
from sidecar_science.routing.current import Current
from sidecar_science.routing.established import check_connections
from sidecar_science.routing.guard import Guard
from sidecar_science.routing.marking import Marking
from sidecar_science.routing.native import check as check_native
from sidecar_science.routing.rerouting import Rerouting
from sidecar_science.routing.routes import Endpoint, Routes
from sidecar_science.translation.idmap import CachedIds, IdMap
from sidecar_science.worker.attempts import MARGIN
from sidecar_science.worker.calling import Adapters, Caller
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.declared import Declarations, DeclaredService
from sidecar_science.worker.failpoints import Failpoint, no_failpoint
from sidecar_science.worker.intake import Intake
from sidecar_science.worker.joining import join_again
from sidecar_science.worker.judging import Judging
from sidecar_science.worker.pace import Pace
from sidecar_science.worker.plan import Planner
from sidecar_science.worker.quarantine import Quarantine
from sidecar_science.worker.replay import Replay
from sidecar_science.worker.supervising.duty import ChildExit, Duty
from sidecar_science.worker.supervising.slots import Slots
from sidecar_science.worker.surrounding import Surrounding
from sidecar_science.worker.training import Training
from sidecar_science.worker.translating import Translating
from sidecar_science.worker.worker import Worker

LEASE = 10.0
WINDOW = 0.25
MAX_BODY = 32 * 1024 * 1024
_RENEWED: Final = 0.3
"""The share of its lease after which a worker renews it."""
_LONGER = 5.0
_REDIS_PORT = 6379


@attrs.frozen(kw_only=True)
class Settings:
    """What a worker is asked to do. Times are seconds, ``rate`` is in replays a second.

    ``max_body`` is how many bytes of B's answers one replay may read, as they come and unpacked.
    """

    environment: str
    targets: Mapping[str, str]
    allow_writes: frozenset[str] = frozenset()
    lanes: int = 16
    rate: float | None = None
    lease: float = LEASE
    window: float = WINDOW
    epoch: str | None = None
    max_body: int = MAX_BODY

    @property
    def renew_every(self) -> float:
        """Often enough that two renewals may fail before a lease is lost."""
        return self.lease * _RENEWED


@attrs.frozen(kw_only=True)
class Place:
    """A process in which replays may run."""

    routes: Routes
    guard: Guard
    current: Current
    floor: bool


def prepare_process(
    *,
    services: Mapping[str, DeclaredService],
    redis_url: str,
    settings: Settings,
    current: Current,
    log: Any,
    clock: Clock = SYSTEM_CLOCK,
) -> Place:
    """Make this process one that reaches B and nothing else, for good.

    Raises `UsageError` when B is A, when a route names no declared service, or when something is loaded or open that
    the guard cannot hold.
    """
    routes = Routes({name: service.base_urls for name, service in services.items()}, settings.targets)
    _check_names(services, settings)
    routes.check_separate()
    own = redis_endpoint(redis_url)
    floor = _lay_floor(routes, own, log)
    check_native(floor)
    guard = Guard(
        allowed=routes.endpoints(),
        own=[own],
        denied=routes.control_endpoints(),
        floor=floor,
        current=current,
        clock=clock,
    )
    guard.install()
    check_connections(guard.permit)
    Rerouting(routes, current, clock=clock).install()
    Marking(current, clock=clock).install()
    Bounding(current, settings.max_body).install()
    return Place(routes=routes, guard=guard, current=current, floor=floor)


def _check_names(services: Mapping[str, DeclaredService], settings: Settings) -> None:
    for name in sorted(settings.allow_writes - set(services)):
        known = ", ".join(sorted(services)) or "none"
        raise UsageError(f"--allow-writes names {name!r}, which is not declared (declared: {known})")


def redis_endpoint(url: str) -> Endpoint | str:
    """Host and port, or the path of the Unix socket, of a Redis URL."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return parts.hostname or "localhost", parts.port or _REDIS_PORT


def _lay_floor(routes: Routes, own: Endpoint | str, log: Any) -> bool:
    """The kernel's floor, where it has one; whether it keeps A out by itself."""
    ours = () if isinstance(own, str) else (own[1],)
    floor = landlock.confine({*ours, *(port for _, port in routes.endpoints())})
    separates = bool(floor) and landlock.separates(routes, also=ours)
    log.info("guard.floor", applied=floor.applied, why=floor.why, ports=sorted(floor.ports), separates=separates)
    return separates


def assemble(
    declared: Declarations,
    journal: Journal,
    settings: Settings,
    place: Place,
    *,
    name: str,
    clock: Clock,
    log: Any,
    duty: Duty | None = None,
    failpoint: Failpoint = no_failpoint,
    ids: IdMap | None = None,
) -> Worker:
    """A worker for what ``declared`` declares, ready to run in ``place``; with a ``duty``, as a supervisor wants it.

    ``ids`` are those of its environment; None: they are not translated.
    """
    settings = attrs.evolve(settings, lease=lease_for(declared, settings, log))
    duty = duty or Duty(slots=Slots(settings.lanes + 1), supervisor=os.getppid())
    # Whatever connects without a timeout of its own gets one.
    socket.setdefaulttimeout(max([5.0, *(each.timeout for each in declared.experiments.values())]))
    deadlines = Deadlines(clock, pulse=duty.slots.beat)
    dictionaries = Dictionaries(journal, declared.keyring, clock)
    training = Training(dictionaries, clock=clock, log=log, chance=random.Random())  # noqa: S311 - guards nothing
    intake = Intake(
        journal=journal, keyring=declared.keyring, clock=clock, log=log, slot=duty.slots.slot(0),
        dictionaries=dictionaries, training=None if duty.quarantine else training,
    )  # fmt: skip
    quarantine = (
        Quarantine(
            journal=journal, intake=intake, worker=name, lease=settings.lease, renew_every=settings.renew_every,
            clock=clock, log=log,
        )
        if duty.quarantine
        else None
    )  # fmt: skip
    return Worker(
        name=name,
        journal=journal,
        intake=quarantine or intake,
        ownership=quarantine,
        drained=quarantine.is_drained if quarantine is not None else None,
        replay=replay_factory(declared, settings, place.current, clock, deadlines, failpoint, ids),
        lanes=1 if duty.quarantine else settings.lanes,
        lease=settings.lease,
        renew_every=settings.renew_every,
        window=settings.window,
        clock=clock,
        log=log,
        pace=Pace(settings.rate, clock) if settings.rate else None,
        deadlines=deadlines,
        join_again=lambda why: join_again(journal, why, epoch=settings.epoch, routes=settings.targets, log=log),
        slots=duty.slots,
        failpoint=failpoint,
        exhausted=functools.partial(os._exit, ChildExit.OUT_OF_MEMORY) if duty.pipe >= 0 else lambda: None,
        orphaned=lambda: duty.is_orphaned,
        # What is stuck there goes on beside the next suspect, which must be alone.
        most_stuck=1 if duty.quarantine else None,
    )


def replay_factory(
    declared: Declarations,
    settings: Settings,
    current: Current,
    clock: Clock,
    deadlines: Deadlines | None = None,
    failpoint: Failpoint = no_failpoint,
    ids: IdMap | None = None,
) -> Callable[[], Replay]:
    """What makes one lane's `Replay`: the parts that lanes share are made here, once."""
    bases = {name: service.base_urls for name, service in declared.services.items()}
    origins = Origins(bases, settings.targets)
    planner = Planner(
        experiments=declared.experiments,
        targets=settings.targets,
        allow_writes=settings.allow_writes,
        codec=declared.codec,
    )
    translating = Translating(declared.experiments.values(), None if ids is None else CachedIds(ids), clock)
    judging = Judging(codec=declared.codec, keyring=declared.keyring, origins=origins, translating=translating)

    def make() -> Replay:
        return Replay(
            environment=settings.environment,
            planner=planner,
            caller=Caller(Adapters(declared.services, settings.targets), clock),
            judging=judging,
            translating=translating,
            surrounding=Surrounding(declared.ambients, declared.codec),
            current=current,
            codec=declared.codec,
            clock=clock,
            deadline=deadlines.bound if deadlines is not None else None,
            failpoint=failpoint,
        )

    return make


def lease_for(declared: Declarations, settings: Settings, log: Any) -> float:
    """A lease must outlast a replay: one that ends in the middle of it lets a second worker begin."""
    longest = max((each.timeout for each in declared.experiments.values()), default=0.0)
    if settings.lease >= longest + MARGIN + settings.renew_every:
        return settings.lease
    log.info("worker.longer_lease", timeout=longest, lease=longest + _LONGER)
    return longest + _LONGER
