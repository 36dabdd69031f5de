"""What may be declared: wrong options fail where they are written, with a message that says what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from sidecar_science.errors import DeclarationError

_SCHEMES: Final = (
    "redis://", "rediss://", "unix://",
    *(f"{scheme}+{how}://" for scheme in ("redis", "rediss") for how in ("sentinel", "cluster")),
)  # fmt: skip


def check_sidecar(*, redis_url: Any, sample: Any, flush_timeout: Any, **whole_numbers: Any) -> None:
    """Raise `DeclarationError` for arguments of a `Sidecar` that cannot work."""
    if redis_url is not None and not (isinstance(redis_url, str) and redis_url.startswith(_SCHEMES)):
        # Whatever it is, it may hold a password.
        raise DeclarationError("redis_url is no Redis URL; write redis://host:6379/0, rediss://... or unix://...")
    _check_share("sample", sample)
    if not _is_number(flush_timeout) or flush_timeout < 0:
        raise DeclarationError(f"flush_timeout={flush_timeout!r} cannot be used; give seconds, 0 or more")
    for name, number in whole_numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number <= 0:
            raise DeclarationError(f"{name}={number!r} cannot be used; give a whole number above 0")


def check_experiment(
    name: Any,
    *,
    service: Any,
    key: Any,
    effect: Any,
    sample: Any,
    timeout: Any,
    secrets: Any,
    project: Any,
    reconcile: Any = None,
) -> None:
    """Raise `DeclarationError` for arguments of an experiment that cannot work."""
    if not isinstance(name, str) or not name:
        raise DeclarationError(f"an experiment needs a name, and was given {name!r}; write service.operation")
    where = f"experiment {name!r}"
    if service is not None and not isinstance(service, str):
        raise DeclarationError(f"{where}: service={service!r} is no name; write the name of a declared service")
    if key is not None and not isinstance(key, str) and not callable(key):
        raise DeclarationError(f"{where}: key={key!r} is neither a parameter's name nor a function; write one of them")
    if effect not in ("read", "write"):
        raise DeclarationError(f"{where}: effect={effect!r} is unknown; write 'read' or 'write'")
    if sample is not None:
        _check_share(f"{where}: sample", sample)
    if not _is_number(timeout) or timeout <= 0:
        raise DeclarationError(f"{where}: timeout={timeout!r} cannot be used; give seconds above 0")
    if isinstance(secrets, str):
        raise DeclarationError(f"{where}: secrets takes several names; write secrets=({secrets!r},)")
    if not isinstance(secrets, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in secrets):
        raise DeclarationError(f"{where}: secrets={secrets!r} are no names; write secrets=('password', '$.user.pin')")
    if project is not None and not callable(project):
        raise DeclarationError(f"{where}: project={project!r} cannot be called; give a function of a result")
    if reconcile is not None and (not callable(reconcile) or effect != "write"):
        raise DeclarationError(
            f"{where}: reconcile={reconcile!r} cannot be used; give a write a function (adapter, *args, **kwargs) that "
            "asks B whether it happened"
        )


def from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a `Sidecar` in ``SIDECAR_*`` variables. Raises `DeclarationError`."""
    found: dict[str, Any] = {}
    for variable, (option, read, expected) in _VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            found[option] = read(text)
        except ValueError as error:
            raise DeclarationError(f"{variable}={text!r} cannot be read; expected {expected}") from error
    return found


def _check_share(what: str, share: Any) -> None:
    if not _is_number(share) or not 0 <= share <= 1:
        raise DeclarationError(f"{what}={share!r} is no share; give a number from 0 (nothing) to 1 (everything)")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _truth(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(text)


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_VARIABLES: Final[dict[str, tuple[str, Callable[[str], Any], str]]] = {
    "SIDECAR_REDIS_URL": ("redis_url", str, "a URL"),
    "SIDECAR_SIGNING_KEY": ("signing_key", _several, "keys, separated by commas"),
    "SIDECAR_ENCRYPTION_KEY": ("encryption_key", _several, "keys, separated by commas"),
    "SIDECAR_ENABLED": ("enabled", _truth, "1 or 0, true or false"),
    "SIDECAR_SAMPLE": ("sample", float, "a number"),
    "SIDECAR_BUFFER_BYTES": ("buffer_bytes", int, "a whole number"),
    "SIDECAR_FLUSH_TIMEOUT": ("flush_timeout", float, "a number"),
}
