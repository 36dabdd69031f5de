"""The questions that `doctor` asks of the journal: who records, what waits, who works, do the books balance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sidecar_science.cli.finding import Finding, ago, span
from sidecar_science.clock import Clock
from sidecar_science.errors import Undecodable
from sidecar_science.journal.dictionaries import Dictionaries
from sidecar_science.journal.job import unseal
from sidecar_science.journal.layout import ENVIRONMENT_TTL, IDLE
from sidecar_science.journal.protocol import Environment, Journal, Producer, Waiting
from sidecar_science.recording.rates import Rates
from sidecar_science.reports.records import Capture
from sidecar_science.reports.render.words import account, counted, imbalance
from sidecar_science.reports.store import report_of
from sidecar_science.sidecar import Sidecar

_LOOKED_AT: Final = 20
_NAMED: Final = 3
_IDLE: Final = 3600.0


class Traffic:
    """Looks into a journal without changing anything in it."""

    def __init__(self, sidecar: Sidecar, journal: Journal, *, environment: str | None, clock: Clock) -> None:
        self._sidecar = sidecar
        self._journal = journal
        self._environment = environment
        self._clock = clock

    def findings(self) -> Iterator[Finding]:
        """Raises `JournalError` where the journal does not answer."""
        yield from self._settings()
        yield from self._producers()
        yield from self._entries()
        yield from self._environments()

    def _settings(self) -> Iterator[Finding]:
        rates = Rates.read(self._journal.settings())
        for name in rates.unreadable:
            yield Finding(
                "bad",
                f"the run-time setting {name} means nothing, so nothing is recorded by it",
                f"sidecar-worker settings MODULE:SIDECAR '{name}=', or another value",
            )
        if not rates.enabled and "enabled" not in rates.unreadable:
            yield Finding(
                "note",
                "recording is switched off at run time",
                "sidecar-worker settings MODULE:SIDECAR enabled=on, when it is to go on",
            )

    def _producers(self) -> Iterator[Finding]:
        producers = self._journal.producers()
        if not producers:
            yield Finding(
                "bad",
                "no app has ever recorded anything here",
                "is this the app's namespace and Redis? call sidecar.stats() in the app after a decorated call",
            )
            return
        recorded = sum(producer.recorded for producer in producers)
        last = ago(self._clock.wall() - max(producer.at for producer in producers))
        yield Finding("good", f"{len(producers)} app processes recorded {recorded:,} jobs, the last {last}")
        if unclean := [producer for producer in producers if producer.unclean]:
            yield self._unclean(unclean)

    def _unclean(self, producers: list[Producer]) -> Finding:
        now = self._clock.wall()
        named = "; ".join(
            f"{one.host}:{one.pid}, {ago(now - one.at)}, with {counted(max(0, one.outstanding), 'call')} in its buffer"
            for one in sorted(producers, key=lambda each: -each.at)[:_NAMED]
        )
        more = f"; and {len(producers) - _NAMED:,} more" if len(producers) > _NAMED else ""
        return Finding(
            "note",
            f"{len(producers)} app processes went silent without a goodbye ({named}{more})",
            "they were killed, or cannot reach Redis: at most what their buffers held is lost, and what they called in "
            "their last moments. Let them end by a signal, and with time to ship",
        )

    def _entries(self) -> Iterator[Finding]:
        """Whether what waits can be read with the keys that are configured here."""
        waiting, dictionaries = self._journal.peek(_LOOKED_AT), Dictionaries(self._journal, self._sidecar.keyring)
        unread = [error for entry in waiting if (error := self._unread(entry, dictionaries)) is not None]
        if unread:
            yield Finding(
                "bad",
                f"{len(unread)} of the {len(waiting)} oldest entries cannot be read, and a worker would bury them: "
                f"{unread[0]}",
                "give the worker the app's own SIDECAR_SIGNING_KEY and SIDECAR_ENCRYPTION_KEY, the newest first",
            )

    def _unread(self, entry: Waiting, dictionaries: Dictionaries) -> Undecodable | None:
        try:
            unseal(entry.data, self._sidecar.keyring, entry.partition, dictionaries.get)
        except Undecodable as error:
            return error
        return None

    def _environments(self) -> Iterator[Finding]:
        known = {environment.name: environment for environment in self._journal.environments()}
        if self._environment is None:
            for environment in known.values():
                yield from self._beats(environment)
            return
        if self._environment not in known:
            names = ", ".join(sorted(known)) or "none"
            yield Finding(
                "bad", f"no worker ever ran in {self._environment} (known: {names})", "sidecar-worker run ..."
            )
            return
        yield from self._beats(known[self._environment])
        yield from self._dead()
        yield from self._books()

    def _beats(self, environment: Environment) -> Iterator[Finding]:
        now, name = self._clock.wall(), environment.name
        if environment.workers:
            yield Finding("good", f"{environment.workers} workers are at work in {name}")
            return
        idle = now - (environment.seen or environment.created)
        seen = ago(idle) if environment.seen is not None else "never"
        if environment.expired is not None:
            yield Finding(
                "bad",
                f"environment {name} expired {ago(now - environment.expired)}; its last worker was seen {seen}: "
                "what it had not read by then is counted expired",
                "reset it to an instant (sidecar-worker environment reset) with a fresh copy of the data, then run it",
            )
            return
        yield Finding("note", f"no worker is at work in {name}; the last was seen {seen}", "sidecar-worker run ...")
        left = float(self._journal.settings().get(IDLE, ENVIRONMENT_TTL)) - idle
        if idle > _IDLE:
            yield Finding(
                "note",
                f"environment {name} is idle, and Redis keeps every job for it; "
                + (f"it expires in {span(left)}" if left > 0 else "it expires as soon as another one is worked in"),
                "run a worker in it, or let it expire sooner: sidecar-worker settings MODULE:SIDECAR "
                "environment_ttl=SECONDS",
            )

    def _dead(self) -> Iterator[Finding]:
        letters = self._journal.dead(_LOOKED_AT)
        if letters:
            many = f"{len(letters)}" if len(letters) < _LOOKED_AT else f"at least {len(letters)}"
            yield Finding(
                "note",
                f"{many} dead letters lie in {self._environment}; the last: {letters[0].name}, {letters[0].reason}",
                "sidecar-worker journal dead shows them; once mended, journal requeue tries again, drop deletes",
            )

    def _books(self) -> Iterator[Finding]:
        report = report_of(self._journal, namespace=self._sidecar.namespace, generated_at=self._clock.wall())
        capture = report.capture
        seen = {experiment.name for experiment in report.experiments}
        for name in sorted(set(self._sidecar.experiments) - seen):
            waiting = f" ({capture.pending:,} jobs still wait)" if capture.pending else ""
            yield Finding(
                "note",
                f"{name} has never been replayed here{waiting}",
                "is its method called at all, on the decorated class? is it sampled out, or behind a cache?",
            )
        yield from _lost(capture)
        if capture.balanced:
            yield Finding("good", "the books balance: every call is accounted for")
        for one in (capture.calls, capture.jobs):
            if not one.balanced:
                yield Finding(
                    "bad",
                    f"the books do not balance: {account(one)}; {imbalance(one)}",
                    "that is a defect of sidecar_science: if it stays when you ask again, please report it with "
                    "sidecar-worker report --format json",
                )


def _lost(capture: Capture) -> Iterator[Finding]:
    if capture.lost:
        yield Finding(
            "bad",
            f"{counted(capture.lost, 'job is', 'jobs are')} gone from Redis without having been read",
            "somebody deleted streams, or Redis restarted without an append-only file: CONFIG SET appendonly yes",
        )
    elif capture.expired:
        yield Finding(
            "note",
            f"{counted(capture.expired, 'job', 'jobs')} expired before a worker came to them",
            "run more workers, or reset the environment after a fresh copy of the data",
        )
