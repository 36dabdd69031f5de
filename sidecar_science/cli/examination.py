"""The questions that `doctor` asks, in the order in which a set-up is made: declarations, Redis, routes, traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import DeclarationError, JournalError, SidecarError, Undecodable
from sidecar_science.journal.health import Health, look
from sidecar_science.journal.job import unseal
from sidecar_science.journal.protocol import Environment, Journal, Waiting
from sidecar_science.journal.redis import open_journal
from sidecar_science.reports.store import report_of
from sidecar_science.routing.routes import Routes
from sidecar_science.sidecar import Sidecar

_ANY_ENVIRONMENT = "doctor"
_STALE = 60.0
_SKEW = 0.2
_OLDEST_SERVER = 7
_LOOKED_AT = 20


@attrs.frozen
class Finding:
    """One thing that was looked at: how it stands, and what to do about it."""

    state: Literal["good", "note", "bad"]
    what: str
    remedy: str = ""


class Examination:
    """Looks at a set-up without changing anything in it."""

    def __init__(self, sidecar: Sidecar, *, environment: str | None, targets: Mapping[str, str], clock: Clock) -> None:
        self._sidecar = sidecar
        self._environment = environment
        self._targets = targets
        self._clock = clock

    def run(self) -> list[Finding]:
        """All findings. What cannot be asked because something before it failed is left out."""
        findings = [*self._declarations(), *self._keys(), *self._routes()]
        try:
            health = look(self._sidecar.redis_url, self._clock)
        except SidecarError as error:
            remedy = "start it, or say where it is: SIDECAR_REDIS_URL for the app, --redis-url here"
            return [*findings, Finding("bad", f"Redis cannot be used: {error}", remedy)]
        return [*findings, *self._server(health), *self._traffic()]

    def _declarations(self) -> Iterator[Finding]:
        experiments, services = self._sidecar.experiments, self._sidecar.services
        try:
            self._sidecar.check()
        except DeclarationError as error:
            yield Finding("bad", str(error))
            return
        if not experiments:
            yield Finding("bad", "no experiment is declared", "decorate a method with @sidecar.experiment(...)")
            return
        yield Finding("good", f"{len(experiments)} experiments of {len(services)} services are declared")
        for experiment in experiments.values():
            function = experiment.function
            if function is None and not experiment.candidates:
                yield Finding(
                    "note",
                    f"{experiment.name} has no function: only a science block can record it",
                    "apply the experiment to the adapter's method, or use it in sidecar.science(...)",
                )
            elif function is not None and function.kind == "method" and experiment.service is None:
                yield Finding(
                    "bad",
                    f"{experiment.name} is a method of no service: the worker cannot make its adapter",
                    "give the experiment service=..., and that service a build=...",
                )
        for service in services.values():
            if service.build is None:
                yield Finding(
                    "note",
                    f"service {service.name} has no build=: its methods are not replayed, only functions are",
                    "give it build=lambda base_url: YourAdapter(base_url)",
                )

    def _keys(self) -> Iterator[Finding]:
        if self._sidecar.keyring.signs:
            yield Finding("good", "jobs are signed")
        else:
            yield Finding(
                "note",
                "jobs are not signed: whoever can write to Redis can make the worker call B",
                "set SIDECAR_SIGNING_KEY to the same value for the app and the worker",
            )

    def _routes(self) -> Iterator[Finding]:
        if not self._targets:
            yield Finding("note", "no routes were given, so they were not looked at", "give them as to run: --route")
            return
        try:
            bases = {name: service.base_urls for name, service in self._sidecar.services.items()}
            Routes(bases, self._targets).check_separate()
        except SidecarError as error:
            yield Finding("bad", str(error))
            return
        yield Finding("good", "B is not A, by name and by address")
        for name in sorted(set(self._sidecar.services) - set(self._targets)):
            yield Finding("note", f"service {name} has no route: its jobs are skipped", f"--route {name}=URL")

    def _server(self, health: Health) -> Iterator[Finding]:
        yield Finding("good", f"Redis {health.version or '(unknown)'} answers in {health.round_trip * 1000:.1f} ms")
        major = health.version.partition(".")[0]
        if major.isdigit() and int(major) < _OLDEST_SERVER:
            yield Finding("bad", f"Redis {health.version} is too old", "the journal needs Redis 7.0 or Valkey 8")
        if health.policy and health.policy != "noeviction":
            yield Finding(
                "bad",
                f"maxmemory-policy is {health.policy}: under pressure Redis throws jobs and leases away in silence",
                "CONFIG SET maxmemory-policy noeviction",
            )
        if health.append_only == "no":
            yield Finding(
                "note",
                "Redis keeps no append-only file: a restart loses what has not been replayed",
                "CONFIG SET appendonly yes",
            )
        if abs(health.clock_ahead) > _SKEW:
            yield Finding(
                "note",
                f"Redis's clock and ours are {health.clock_ahead:+.2f} s apart: order across hosts may suffer",
                "keep clocks in step (NTP), closer than the reorder window of 0.25 s",
            )

    def _traffic(self) -> Iterator[Finding]:
        journal = open_journal(
            self._sidecar.redis_url,
            self._sidecar.namespace,
            self._environment or _ANY_ENVIRONMENT,
            partitions=self._sidecar.partitions,
        )
        try:
            for question in (self._producers, self._entries, self._environments):
                yield from question(journal)
        except JournalError as error:
            yield Finding("bad", f"the journal cannot be read: {error}")
        finally:
            journal.close()

    def _producers(self, journal: Journal) -> Iterator[Finding]:
        producers = journal.producers()
        if not producers:
            yield Finding(
                "bad",
                "no app has ever recorded anything here",
                "is this the app's namespace and Redis? call sidecar.stats() in the app after a decorated call",
            )
            return
        now = self._clock.wall()
        recorded = sum(producer.recorded for producer in producers)
        last = max(producer.at for producer in producers)
        yield Finding("good", f"{len(producers)} app processes recorded {recorded:,} jobs, the last {_ago(now - last)}")
        silent = [one for one in producers if not one.ended and now - one.at > _STALE]
        if silent:
            names = ", ".join(f"{one.host}:{one.pid}" for one in silent[:3])
            yield Finding(
                "note",
                f"{len(silent)} app processes went silent without a goodbye ({names})",
                "they were killed, or cannot reach Redis: up to what their buffer held is lost",
            )

    def _entries(self, journal: Journal) -> Iterator[Finding]:
        """Whether what waits can be read with the keys that are configured here."""
        waiting = journal.peek(_LOOKED_AT)
        unread = [error for entry in waiting if (error := self._unread(entry)) is not None]
        if unread:
            yield Finding(
                "bad",
                f"{len(unread)} of the {len(waiting)} oldest entries cannot be read, and a worker would bury them: "
                f"{unread[0]}",
                "give the worker the app's own SIDECAR_SIGNING_KEY and SIDECAR_ENCRYPTION_KEY, the newest first",
            )

    def _unread(self, entry: Waiting) -> Undecodable | None:
        try:
            unseal(entry.data, self._sidecar.keyring, entry.partition)
        except Undecodable as error:
            return error
        return None

    def _environments(self, journal: Journal) -> Iterator[Finding]:
        known = {environment.name: environment for environment in journal.environments()}
        if self._environment is None:
            for environment in known.values():
                yield self._beats(environment)
            return
        if self._environment not in known:
            names = ", ".join(sorted(known)) or "none"
            yield Finding(
                "bad", f"no worker ever ran in {self._environment} (known: {names})", "sidecar-worker run ..."
            )
            return
        yield self._beats(known[self._environment])
        yield from self._never_recorded(journal)

    def _beats(self, environment: Environment) -> Finding:
        if environment.workers:
            return Finding("good", f"{environment.workers} workers are at work in {environment.name}")
        since = _ago(self._clock.wall() - environment.seen) if environment.seen is not None else "never"
        return Finding(
            "note", f"no worker is at work in {environment.name}; the last was seen {since}", "sidecar-worker run ..."
        )

    def _never_recorded(self, journal: Journal) -> Iterator[Finding]:
        report = report_of(journal, namespace=self._sidecar.namespace, generated_at=self._clock.wall())
        accounts = journal.accounts()
        seen = {experiment.name for experiment in report.experiments}
        for name in sorted(set(self._sidecar.experiments) - seen):
            waiting = f" ({accounts.pending:,} jobs still wait)" if accounts.pending else ""
            yield Finding(
                "note",
                f"{name} has never been replayed here{waiting}",
                "is its method called at all, on the decorated class? is it sampled out, or behind a cache?",
            )
        if report.capture.balanced:
            yield Finding("good", "every call is accounted for")
        else:
            yield Finding("bad", "the accounts do not add up", "sidecar-worker report shows both sums")


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} seconds ago"
