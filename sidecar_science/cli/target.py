"""Finding the sidecar that a command line names, ``package.module:attribute``."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from typing import Any

from sidecar_science.errors import DeclarationError, EgressRefused, UsageError
from sidecar_science.recording.configuration import Configuration
from sidecar_science.sidecar import Sidecar


def load(target: str) -> Sidecar:
    """Import the application's declarations. The current directory comes first on the import path.

    Raises `UsageError` for a target that cannot be found or imported, and for one that connects while it is.
    """
    module_name, colon, attribute = target.partition(":")
    if not module_name or not colon or not attribute:
        raise UsageError(f"{target!r} names no sidecar; expected module:attribute, as in publisher.experiments:sidecar")
    here = os.getcwd()
    if here not in sys.path[:1]:
        sys.path.insert(0, here)
    try:
        # Standard output is for answers: what the application prints while it is imported is none.
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{target!r} cannot be imported: there is no module {error.name!r} "
            f"(looked in {here} first); start from the folder that holds it, or install it"
        ) from error
    except DeclarationError as error:
        raise UsageError(f"{module_name} declares something that cannot work: {error}") from error
    except EgressRefused as error:
        raise UsageError(
            f"importing {module_name} opens a connection, which the guard refused: {error}; "
            "connect when the application is used, not when it is imported"
        ) from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"importing {module_name} raised {type(error).__name__}: {error} ({_place(error)})") from error
    return _attribute(found, module_name, attribute)


def _place(error: BaseException) -> str:
    """Where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}, line {frame.lineno}"


def _attribute(module: Any, module_name: str, attribute: str) -> Sidecar:
    found = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            sidecars = [each for each, value in vars(module).items() if isinstance(value, Sidecar)]
            known = ", ".join(f"{module_name}:{each}" for each in sidecars) or "none"
            raise UsageError(f"{module_name} has no {attribute!r}; the sidecars in it: {known}")
        found = getattr(found, name)
    if not isinstance(found, Sidecar):
        raise UsageError(f"{module_name}:{attribute} is a {type(found).__qualname__}, not a Sidecar")
    return found


def adopt(sidecar: Sidecar, redis_url: str | None, config: str | None = None) -> Sidecar:
    """Make ``sidecar`` the worker's: it records nothing, and reads from ``redis_url`` where that is given.

    The rules and environments of the file ``config`` come to those that it has.
    """
    sidecar.recorder.retire()
    configure(sidecar, redis_url, config)
    sidecar.check()
    return sidecar


def configure(sidecar: Sidecar, redis_url: str | None, config: str | None) -> None:
    """Let a file and an address have their say."""
    if config is not None:
        sidecar.configure(Configuration.read(config))
    if redis_url is not None:
        sidecar.redis_url = redis_url


def read_configuration(config: str | None) -> Configuration:
    """The file ``config``, or the one that ``SIDECAR_CONFIG`` names; an empty one where there is neither."""
    path = config or os.environ.get("SIDECAR_CONFIG", "").strip()
    return Configuration.read(path) if path else Configuration()
