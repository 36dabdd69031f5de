"""`sidecar.toml`: what flags and arguments say can stand in a file as well. They win over it, it wins over defaults."""

from __future__ import annotations

import tomllib
from os import PathLike
from pathlib import Path
from typing import Any

import attrs

from sidecar_science.errors import UsageError
from sidecar_science.reports.policy import Policy


@attrs.frozen(kw_only=True)
class Config:
    """What a file says; ``policy`` is its table ``[policy]``."""

    policy: Policy = attrs.field(factory=Policy)


def load_config(path: str | PathLike[str]) -> Config:
    """Read the file at ``path``. Raises `UsageError` for one that cannot be read, is no TOML, or asks for nonsense."""
    try:
        told: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    policy = told.get("policy", {})
    if not isinstance(policy, dict):
        raise UsageError(f"{path}: policy is no table; write [policy] and the demands below it")
    return Config(policy=Policy.from_table(policy, f"{path}, [policy]"))
