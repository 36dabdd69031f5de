"""What stands in a ``sidecar.toml``: settings that the app and the worker share, read once and checked as a whole."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from sidecar_science.comparison.rules import Rule, rule_from
from sidecar_science.errors import DeclarationError

_SETTINGS: Final[dict[str, type | tuple[type, ...]]] = {
    "namespace": str, "redis_url": str, "enabled": bool, "sample": (int, float), "partitions": int,
    "buffer_bytes": int, "max_job_bytes": int, "flush_timeout": (int, float), "cap_entries": int, "cap_bytes": int,
}  # fmt: skip
_KEYS: Final = ("signing_key", "encryption_key")
_TABLES: Final = ("rules", "services", "experiments", "environments", "policy")


@attrs.frozen(kw_only=True)
class ExperimentSettings:
    """What a file says of one experiment; None where it says nothing. ``timeout`` is in seconds."""

    rules: tuple[Rule, ...] = ()
    sample: float | None = None
    timeout: float | None = None


@attrs.frozen(kw_only=True)
class EnvironmentSettings:
    """What a file says of one B-branch; None where it says nothing. ``rate`` is in replays a second."""

    routes: Mapping[str, str] = attrs.field(factory=dict)
    allow_writes: tuple[str, ...] = ()
    lanes: int | None = None
    rate: float | None = None
    epoch: str | None = None
    start: str | None = None


@attrs.frozen(kw_only=True)
class Configuration:
    """A file's settings: ``options`` are arguments of a `Sidecar`, ``rules`` hold for all experiments, and ``policy``
    is the table ``[policy]`` as it stands there, for whoever judges."""

    options: Mapping[str, Any] = attrs.field(factory=dict)
    rules: tuple[Rule, ...] = ()
    base_urls: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    experiments: Mapping[str, ExperimentSettings] = attrs.field(factory=dict)
    environments: Mapping[str, EnvironmentSettings] = attrs.field(factory=dict)
    policy: Mapping[str, Any] = attrs.field(factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Configuration:
        """The file at ``path``. Raises `DeclarationError`, which names the file and the place in it."""
        try:
            with open(path, "rb") as file:
                tables = tomllib.load(file)
            return _configuration(tables)
        except OSError as error:
            raise DeclarationError(f"{os.fspath(path)} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DeclarationError(f"{os.fspath(path)} is no TOML: {error}") from error
        except DeclarationError as error:
            raise DeclarationError(f"{os.fspath(path)}: {error}") from error

    def experiment(self, name: str) -> ExperimentSettings:
        """What is said of the experiment ``name``."""
        return self.experiments.get(name, ExperimentSettings())

    def environment(self, name: str) -> EnvironmentSettings:
        """What is said of the environment ``name``."""
        return self.environments.get(name, EnvironmentSettings())


def _configuration(tables: Mapping[str, Any]) -> Configuration:
    if held := [key for key in _KEYS if key in tables]:
        variable = f"SIDECAR_{held[0].upper()}"
        raise DeclarationError(f"{held[0]} does not belong into a file that is shared; set {variable}")
    _check_known("the file", tables, [*_SETTINGS, *_TABLES])
    options = {name: _typed(name, tables, kind, None) for name, kind in _SETTINGS.items() if name in tables}
    return Configuration(
        options=options,
        rules=_rules("rules", tables),
        base_urls={name: _base_urls(name, table) for name, table in _named("services", tables)},
        experiments={name: _experiment(name, table) for name, table in _named("experiments", tables)},
        environments={name: _environment(name, table) for name, table in _named("environments", tables)},
        policy=_typed("policy", tables, dict, {}),
    )


def _base_urls(name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    where = f"[services.{name}]"
    _check_known(where, table, ["base_url"])
    urls = table.get("base_url")
    return _texts(f"{where} base_url", [urls] if isinstance(urls, str) else urls)


def _experiment(name: str, table: Mapping[str, Any]) -> ExperimentSettings:
    where = f'[experiments."{name}"]'
    _check_known(where, table, [field.name for field in attrs.fields(ExperimentSettings)])
    return ExperimentSettings(
        rules=_rules(f"{where} rules", table),
        sample=_typed(f"{where} sample", table, (int, float), None),
        timeout=_typed(f"{where} timeout", table, (int, float), None),
    )


def _environment(name: str, table: Mapping[str, Any]) -> EnvironmentSettings:
    where = f"[environments.{name}]"
    _check_known(where, table, ["routes", "allow_writes", "lanes", "rate", "epoch", "from"])
    routes = _typed(f"{where} routes", table, dict, {})
    _texts(f"{where} routes", list(routes.values()))
    return EnvironmentSettings(
        routes=routes,
        allow_writes=_texts(f"{where} allow_writes", table.get("allow_writes", [])),
        lanes=_typed(f"{where} lanes", table, int, None),
        rate=_typed(f"{where} rate", table, (int, float), None),
        epoch=_typed(f"{where} epoch", table, str, None),
        start=_typed(f"{where} from", table, str, None),
    )


def _named(section: str, tables: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    found = _typed(section, tables, dict, {})
    for name, table in found.items():
        if not isinstance(table, dict):
            raise DeclarationError(f"[{section}] {name} = {table!r} is no table; write [{section}.{name}]")
        yield name, table


def _rules(where: str, table: Mapping[str, Any]) -> tuple[Rule, ...]:
    given = table.get("rules", [])
    if not isinstance(given, list):
        raise DeclarationError(f"{where} is no list of rules; write [[rules]], or rules = [{{rule = ..., path = ...}}]")
    found = []
    for number, one in enumerate(given, 1):
        try:
            found.append(rule_from(one))
        except DeclarationError as error:
            raise DeclarationError(f"{where}, rule {number}: {error}") from error
    return tuple(found)


def _typed(where: str, table: Mapping[str, Any], kind: type | tuple[type, ...], default: Any) -> Any:
    name = where.split()[-1]
    found = table.get(name, default)
    fits = isinstance(found, kind) and (kind is bool or not isinstance(found, bool))
    if found is not default and not fits:
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise DeclarationError(f"{where} = {found!r} cannot be used; expected {' or '.join(k.__name__ for k in kinds)}")
    return found


def _texts(where: str, found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise DeclarationError(f"{where} = {found!r} cannot be used; expected texts")
    return tuple(found)


def _check_known(where: str, table: Mapping[str, Any], known: list[str]) -> None:
    if unknown := [key for key in table if key not in known]:
        raise DeclarationError(f"{where} has {', '.join(unknown)}, which nobody reads; known are {', '.join(known)}")
