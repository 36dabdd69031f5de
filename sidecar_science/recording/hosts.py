"""What the process that hosts us allows."""

from __future__ import annotations

import sys
from typing import Any

_OFF = frozenset(("", "0", "false", "no", "off", "none"))


def forbids_threads() -> bool:
    """Whether threads never run here: in uWSGI they need ``--enable-threads`` (or ``--threads``)."""
    options: Any = getattr(sys.modules.get("uwsgi"), "opt", None)
    if not isinstance(options, dict):
        return False
    return not any(_is_on(options, name) for name in ("threads", "enable-threads"))


def forks_later() -> bool:
    """Whether this is uWSGI's master, or is to become it: the process that loads the application and forks its workers.

    It forks them in C, without waiting for the interpreter's lock. If a thread holds that at this moment, nobody in the
    worker ever gets it again, and the worker answers no request.
    """
    worker_id: Any = getattr(sys.modules.get("uwsgi"), "worker_id", None)
    return callable(worker_id) and worker_id() == 0


def _is_on(options: dict[Any, Any], name: str) -> bool:
    value = options.get(name, options.get(name.encode(), False))
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.lower() not in _OFF
