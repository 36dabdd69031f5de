"""What the worker needs to know of an application's declarations, so that it need not import the recording side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sidecar_science.codec.keys import Fingerprint, Keyring
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec
from sidecar_science.comparison.sieve import RuleSet
from sidecar_science.scientist.rules import Rules
from sidecar_science.translation.declared import Ids


class DeclaredFunction(Protocol):
    """The control, below every decorator that stands above ours."""

    @property
    def shape(self) -> str: ...

    @property
    def needs_adapter(self) -> bool: ...

    @property
    def label(self) -> str: ...

    def on(self, adapter: Any) -> Callable[..., Any]:
        """The function bound to ``adapter``, or to its class, or as it is."""
        ...


class DeclaredExperiment(Protocol):
    """A named question with its rules, as both sides import it."""

    name: str
    service: str | None
    effect: Any
    timeout: float
    idempotent: bool
    heals: bool
    reconcile: Callable[..., bool] | None
    rules: Rules
    ids: Ids
    candidates: dict[str, Callable[..., Any]]
    supplier: Callable[..., Mapping[str, Any]] | None
    publisher: Callable[..., Any] | None

    @property
    def function(self) -> DeclaredFunction | None: ...

    @property
    def rule_set(self) -> RuleSet: ...

    def redactor_with(self, fingerprint: Fingerprint) -> Redactor: ...

    def secret_places(self, function: str) -> tuple[tuple[int, str], ...]: ...

    def parameters(self, function: str) -> tuple[str, ...]: ...

    def encode_value(self, value: Any) -> bytes: ...

    def encode_error(self, error: BaseException) -> bytes: ...

    def join_values(self, items: Sequence[bytes]) -> bytes: ...

    def told(self, operation: str, error: BaseException) -> None: ...

    def before(self) -> None: ...

    def after(self, result: Any) -> None: ...


class DeclaredService(Protocol):
    """Something behind base URLs, and how an adapter for another base URL is made."""

    @property
    def name(self) -> str: ...

    @property
    def base_urls(self) -> tuple[str, ...]: ...

    @property
    def build(self) -> Callable[[str], Any] | None: ...


class DeclaredAmbient(Protocol):
    """Something that surrounds calls, and how it is put back around one on B."""

    @property
    def name(self) -> str: ...

    @property
    def restore(self) -> Callable[[Any], AbstractContextManager[Any]]: ...


class Declarations(Protocol):
    """An application's sidecar, as far as the worker looks at it."""

    namespace: str
    keyring: Keyring
    codec: Codec

    @property
    def experiments(self) -> Mapping[str, Any]: ...

    @property
    def services(self) -> Mapping[str, Any]: ...

    @property
    def ambients(self) -> Mapping[str, DeclaredAmbient]: ...
