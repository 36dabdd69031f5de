"""The questions that `doctor` asks, in the order in which a set-up is made: declarations, Redis, routes, traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sidecar_science.cli.finding import Finding
from sidecar_science.cli.traffic import Traffic
from sidecar_science.clock import Clock
from sidecar_science.errors import DeclarationError, JournalError, SidecarError
from sidecar_science.journal.health import Health, check, look
from sidecar_science.journal.redis import open_journal
from sidecar_science.routing.routes import Routes
from sidecar_science.sidecar import Sidecar

_ANY_ENVIRONMENT = "doctor"
_SKEW = 0.2


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
        for problem in check(self._sidecar.redis_url, self._clock):
            yield Finding("bad" if problem.fatal else "note", problem.what, problem.remedy)
        if abs(health.clock_ahead) > _SKEW:
            yield Finding(
                "note",
                f"Redis's clock and this host's are {health.clock_ahead:+.2f} s apart: order across hosts may suffer",
                "keep clocks in step (NTP), closer than the reorder window of 0.25 s",
            )
        else:
            yield Finding("good", f"Redis's clock and this host's are {abs(health.clock_ahead):.2f} s apart")

    def _traffic(self) -> Iterator[Finding]:
        journal = open_journal(
            self._sidecar.redis_url,
            self._sidecar.namespace,
            self._environment or _ANY_ENVIRONMENT,
            partitions=self._sidecar.partitions,
        )
        try:
            yield from Traffic(self._sidecar, journal, environment=self._environment, clock=self._clock).findings()
        except JournalError as error:
            yield Finding("bad", f"the journal cannot be read: {error}")
        finally:
            journal.close()
