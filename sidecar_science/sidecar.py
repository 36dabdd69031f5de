"""The one object that an application makes: its services, its experiments, and the recorder behind them."""

from __future__ import annotations

import codecs
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import attrs

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.codec.classes import Classes
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.verbs import RuleVerbs
from sidecar_science.errors import DeclarationError, UsageError
from sidecar_science.journal.protocol import Log
from sidecar_science.journal.records import check_name
from sidecar_science.recording import options
from sidecar_science.recording.ambient import Ambient
from sidecar_science.recording.configuration import Configuration
from sidecar_science.recording.experiment import Key, SidecarExperiment
from sidecar_science.recording.instrumenting import Instrumented
from sidecar_science.recording.recorder import Recorder
from sidecar_science.recording.science import Science
from sidecar_science.recording.shield import Shield
from sidecar_science.translation.declared import Ids

TIMEOUT = 5.0
Keys = str | Sequence[str] | None


@attrs.frozen(kw_only=True)
class Service:
    """Something behind one or several base URLs; ``build`` makes the adapter for the base URL that it is given."""

    name: str
    base_urls: tuple[str, ...]
    build: Callable[[str], Any] | None = None


class Sidecar(RuleVerbs):
    """Records what API adapters do, off the request path.

    Its rules (`ignore`, `round` and so on) hold for the answers of all experiments.

    ``namespace`` names the application's journal in Redis. Keys are one string or several, newest first: the first
    signs or encrypts, any verifies or decrypts. ``sample`` is the share of entities recorded (0 to 1),
    ``flush_timeout`` is in seconds. Nothing is connected or started before the first recorded call.

    Raises `DeclarationError` for arguments that cannot work.
    """

    def __init__(
        self,
        namespace: str,
        *,
        redis_url: str = "redis://127.0.0.1:6379/0",
        signing_key: Keys = None,
        encryption_key: Keys = None,
        enabled: bool = True,
        sample: float = 1.0,
        partitions: int = 64,
        buffer_bytes: int = 8 * 1024 * 1024,
        max_job_bytes: int = 1024 * 1024,
        flush_timeout: float = 1.0,
        cap_entries: int = 1_000_000,
        cap_bytes: int = 1024 * 1024 * 1024,
        configuration: Configuration | None = None,
        clock: Clock = SYSTEM_CLOCK,
        log: Callable[[], Log] | None = None,
        logger: Any = None,
    ) -> None:
        super().__init__()
        self.configuration = configuration or Configuration()
        self.declared_rules += self.configuration.rules
        try:
            self.namespace = check_name("namespace", namespace)
            self.keyring = Keyring(_keys(signing_key), _keys(encryption_key), namespace)
        except UsageError as error:
            raise DeclarationError(str(error)) from error
        options.check_sidecar(
            redis_url=None if log is not None else redis_url, sample=sample, flush_timeout=flush_timeout,
            partitions=partitions, buffer_bytes=buffer_bytes, max_job_bytes=max_job_bytes,
            cap_entries=cap_entries, cap_bytes=cap_bytes,
        )  # fmt: skip
        if log is None and enabled:
            # Not when they are first needed: a short program may be ending by then, too late to import redis-py; and a
            # fork amid an import by our thread would leave the child with half a module, such as that of host names.
            importlib.import_module("sidecar_science.journal.redis")
            codecs.lookup("idna")
        self.redis_url = redis_url
        self.partitions = partitions
        self.clock = clock
        self.shield = Shield(logger)
        self.classes = Classes()
        self.codec = Codec(max_bytes=max_job_bytes, classes=self.classes)
        self._services: dict[str, Service] = {}
        self._experiments: dict[str, SidecarExperiment] = {}
        self.recorder = Recorder(
            namespace=namespace,
            partitions=partitions,
            log=log or self._redis_log,
            keyring=self.keyring,
            codec=self.codec,
            clock=clock,
            enabled=enabled,
            sample=sample,
            buffer_bytes=buffer_bytes,
            flush_timeout=flush_timeout,
            cap_entries=cap_entries,
            cap_bytes=cap_bytes,
            shield=self.shield,
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **more: Any) -> Sidecar:
        """A sidecar set up by a ``sidecar.toml``; arguments in ``more`` win over it.

        Raises `DeclarationError` for a file that cannot be read.
        """
        configuration = Configuration.read(path)
        given = {**configuration.options, **more, "configuration": configuration}
        if "namespace" not in given:
            raise DeclarationError(f'{os.fspath(path)} has no namespace; write namespace = "...", or give namespace=')
        return cls(**given)

    @classmethod
    def from_env(cls, namespace: str, environ: Mapping[str, str] | None = None, **more: Any) -> Sidecar:
        """A sidecar set up by ``SIDECAR_*`` variables; arguments in ``more`` win over them.

        Reads ``SIDECAR_REDIS_URL``, ``_SIGNING_KEY`` and ``_ENCRYPTION_KEY`` (comma-separated, newest first),
        ``_ENABLED``, ``_SAMPLE``, ``_BUFFER_BYTES`` and ``_FLUSH_TIMEOUT``; they win over the file that
        ``SIDECAR_CONFIG`` names. Raises `DeclarationError` for a variable or file that cannot be read.
        """
        environ = os.environ if environ is None else environ
        variables = options.from_variables(environ)
        if path := environ.get("SIDECAR_CONFIG", "").strip():
            variables["configuration"] = Configuration.read(path)
            variables = {**variables["configuration"].options, **variables}
        return cls(**{**variables, **more, "namespace": namespace})

    # -- declaring -----------------------------------------------------------------------------------------------

    @property
    def services(self) -> Mapping[str, Service]:
        return self._services

    @property
    def experiments(self) -> Mapping[str, SidecarExperiment]:
        return self._experiments

    def configure(self, configuration: Configuration) -> None:
        """Take the rules of a file too, for experiments that are declared already and for those to come."""
        self.configuration = configuration
        self.declared_rules += configuration.rules
        for name, experiment in self._experiments.items():
            experiment.declared_rules += configuration.experiment(name).rules

    def service(
        self, name: str, base_url: str | Sequence[str] | None = None, build: Callable[[str], Any] | None = None
    ) -> Service:
        """Declare a service: its A base URL or URLs, and how the worker makes an adapter for B's.

        Without ``base_url`` it is what the file says that the sidecar was set up by.

        Raises `DeclarationError` for a name in use and for a base URL that cannot be read.
        """
        if not isinstance(name, str) or not name:
            raise DeclarationError(f"a service needs a name, and was given {name!r}; write what routes will call it")
        if name in self._services:
            raise DeclarationError(f"service {name!r} is declared twice; give the second one a name of its own")
        if build is not None and not callable(build):
            raise DeclarationError(f"service {name!r}: build takes a function of a base URL, and was given {build!r}")
        base_url = self.configuration.base_urls.get(name, ()) if base_url is None else base_url
        urls = tuple(base_url) if isinstance(base_url, list | tuple | set | frozenset) else (base_url,)
        if not all(isinstance(url, str) for url in urls):
            raise DeclarationError(f"service {name!r}: base_url={base_url!r} is no URL; write one, or a list of them")
        if not urls:
            raise DeclarationError(f"service {name!r} has no base URL; give the one that production calls")
        try:
            Origins({name: urls}, {name: urls[0]})
        except DeclarationError as error:
            raise DeclarationError(f"service {name!r}: {error}") from error
        self._services[name] = Service(name=name, base_urls=urls, build=build)
        return self._services[name]

    def experiment(
        self,
        name: str,
        *,
        service: str | None = None,
        key: Key = None,
        effect: Literal["read", "write"] = "write",
        sample: float | None = None,
        timeout: float | None = None,
        secrets: Sequence[str] = (),
        project: Callable[[Any], Any] | None = None,
        idempotent: bool = False,
        heals: bool = False,
        reconcile: Callable[..., bool] | None = None,
        ids: Mapping[str, str] | None = None,
        drop: Sequence[str] = (),
    ) -> SidecarExperiment:
        """Declare an experiment: a decorator for its control, and the place of its rules.

        ``key`` names the parameter (or is a function with the control's signature) that tells what must stay in
        order. ``timeout`` is in seconds, 5 unless told. ``secrets`` are names of parameters, dict keys, headers and
        query keys, or paths. ``project`` turns a result into plain data. ``ids`` says where ids stand that B makes
        under other numbers, a path in the result (``$.id``) or a place in the call (``subscriber_id``,
        ``payload.list_id``), and of what kind of thing each is one; ``drop`` names places in the call of which B hears
        nothing.

        Of a write: ``idempotent`` says that B honors the ``Idempotency-Key``, ``heals`` that it sets all of its key
        anew, and ``reconcile(adapter, *args, **kwargs)`` asks B whether it happened when nobody knows. Raises
        `DeclarationError` for what cannot work.
        """
        if name in self._experiments:
            raise DeclarationError(
                f"two experiments are named {name!r}; a job finds its code by that name: give each its own"
            )
        settings = self.configuration.experiment(name)
        sample = settings.sample if sample is None else sample
        timeout = next((given for given in (timeout, settings.timeout) if given is not None), TIMEOUT)
        options.check_experiment(
            name, service=service, key=key, effect=effect, sample=sample, timeout=timeout, secrets=secrets,
            project=project, reconcile=reconcile,
        )  # fmt: skip
        declared_ids = Ids.declare(f"experiment {name!r}", ids, drop)
        experiment = SidecarExperiment(
            name,
            recorder=self.recorder,
            registry=self._experiments,
            fingerprint=self.keyring.fingerprint,
            service=service,
            key=key,
            effect=effect,
            sample=sample,
            timeout=timeout,
            secrets=secrets,
            project=project,
            idempotent=idempotent,
            heals=heals,
            reconcile=reconcile,
            shared_rules=self.declared_rules,
            ids=declared_ids,
        )
        experiment.declared_rules += settings.rules
        self._warn_of_uneven_rates(experiment)
        self._experiments[name] = experiment
        return experiment

    def ambient(
        self, name: str, *, capture: Callable[[], Any], restore: Callable[[Any], AbstractContextManager[Any]]
    ) -> Ambient:
        """Declare something that surrounds calls, such as the current user, the request's id or the time.

        ``capture()`` gives it as plain data, on A, in the caller's thread, before each recorded call;
        ``restore(value)`` gives a context manager that is entered around the call on B. Raises `DeclarationError`.
        """
        return self.recorder.ambients.declare(name, capture, restore)

    @property
    def ambients(self) -> Mapping[str, Ambient]:
        return self.recorder.ambients.declared

    def instrument(self, cls: type, method: str, *, name: str, **declared: Any) -> Instrumented:
        """Record ``method`` of a class that belongs to someone else. Takes the options of `experiment`.

        Raises `DeclarationError` when the class has no such method, or it is recorded already.
        """
        return Instrumented(self._experiments, cls, method, lambda: self.experiment(name, **declared))

    def science(self, name: str) -> Science:
        """A ``with`` block that runs its control once and records it under ``name``."""
        experiment = self._experiments.get(name)
        if experiment is None:
            # No error of ours may surface here: the control runs and is recorded, and B will say that it is unknown.
            self.shield.tell("unknown_experiment", DeclarationError(name), experiment=name)
            experiment = self._undeclared(name)
        return Science(experiment)

    def register(self, cls: type) -> type:
        """Let instances of an attrs class or dataclass be arguments of recorded calls. A class decorator too."""
        self.classes.register(cls)
        return cls

    def check(self) -> None:
        """Raise `DeclarationError` unless every experiment's service is declared, and every experiment of the file.

        The worker and ``doctor`` ask it.
        """
        for name in self.configuration.experiments:
            if name not in self._experiments:
                known = ", ".join(sorted(self._experiments)) or "none"
                raise DeclarationError(
                    f"the configuration speaks of experiment {name!r}, which is not declared (declared: {known})"
                )
        for experiment in self._experiments.values():
            if experiment.service is not None and experiment.service not in self._services:
                known = ", ".join(sorted(self._services)) or "none"
                raise DeclarationError(
                    f"experiment {experiment.name!r} belongs to service {experiment.service!r}, which is not declared "
                    f"(declared: {known}); add sidecar.service({experiment.service!r}, base_url=..., build=...)"
                )

    @property
    def rules_as_text(self) -> Mapping[str, Sequence[str]]:
        """Every experiment's rules of comparison, as reports name them."""
        return {name: [rule.id for rule in each.rule_set.rules] for name, each in self._experiments.items()}

    # -- running -------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> bool:
        """Ship what is buffered; whether all of it arrived within ``timeout`` seconds (default: flush_timeout)."""
        return self.recorder.flush(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Ship what is buffered within ``timeout`` seconds (default: flush_timeout), and record nothing more.

        A normal end of the process does the same. Whether all of it arrived.
        """
        return self.recorder.close(timeout)

    def stats(self) -> dict[str, Any]:
        """This process's counts: called, sampled_out, recorded, dropped by reason, buffered, and our own errors."""
        return self.recorder.stats()

    def _redis_log(self) -> Log:
        from sidecar_science.journal.redis import open_log

        return open_log(self.redis_url, self.namespace, partitions=self.partitions, clock=self.clock)

    def _undeclared(self, name: str) -> SidecarExperiment:
        return SidecarExperiment(
            name, recorder=self.recorder, registry=self._experiments, fingerprint=self.keyring.fingerprint,
            service=None, key=None, effect="write", sample=None, timeout=TIMEOUT, secrets=(), project=None,
            idempotent=False, heals=False, reconcile=None, ids=Ids(),
        )  # fmt: skip

    def _warn_of_uneven_rates(self, new: SidecarExperiment) -> None:
        if new.effect != "write" or new.service is None:
            return
        for other in self._experiments.values():
            if other.service == new.service and other.effect == "write" and other.sample != new.sample:
                self.shield.warn(
                    "declaration.uneven_sampling", service=new.service, experiments=[other.name, new.name],
                    remedy="writes of one service need one rate, or B misses some of an entity's history",
                )  # fmt: skip
                return


def _keys(keys: Keys) -> tuple[str, ...]:
    if keys is None:
        return ()
    return (keys,) if isinstance(keys, str) else tuple(keys)
