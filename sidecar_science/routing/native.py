"""Libraries that open connections by themselves, where Python does not see it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from sidecar_science.errors import UsageError

CLIENTS: Final[Mapping[str, str]] = {
    "uvloop": "libuv",
    "psycopg": "libpq",
    "psycopg2": "libpq",
    "psycopg_binary": "libpq",
    "psycopg_c": "libpq",
    "pycurl": "libcurl",
    "curl_cffi": "libcurl",
    "primp": "its own HTTP client",
    "grpc": "gRPC core",
    "MySQLdb": "libmysqlclient",
    "_mysql_connector": "libmysqlclient",
    "mariadb": "libmariadb",
    "pymssql": "FreeTDS",
    "pyodbc": "ODBC",
    "cx_Oracle": "the Oracle client",
    "confluent_kafka": "librdkafka",
    "zmq": "libzmq",
    "pygit2": "libgit2",
    "ssh2": "libssh2",
}
"""Top-level modules, and what each connects through."""

SYMBOLS: Final = frozenset(
    {
        *("socket", "connect", "send", "sendto", "sendmsg", "sendmmsg", "syscall", "dlopen", "dlmopen", "dlsym"),
        *("getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r", "res_query", "res_search"),
        *("system", "popen", "fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "fexecve"),
        *("execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe"),
    }
)
"""Functions of the C library that connect, resolve names, start processes, or find other functions."""

_LIBRARY: Final = re.compile(r"/(lib(?:pq|curl|mysqlclient|mariadb|rdkafka|grpc|zmq|git2|ssh2|uv))[-.\w]*\.so")
_MAPS: Final = Path("/proc/self/maps")


def loaded_clients(modules: Mapping[str, Any] | None = None, maps: Path = _MAPS) -> list[str]:
    """The native network clients in this process, sorted: imported modules, and mapped libraries (on
    Linux)."""
    loaded = set(sys.modules if modules is None else modules)
    found = {f"{name} ({CLIENTS[name]})" for name in loaded & CLIENTS.keys()}
    return sorted(found | set(_mapped(maps)))


def _mapped(maps: Path) -> Iterable[str]:
    try:
        text = maps.read_text(errors="replace")
    except OSError:
        return ()
    return {match[1] for match in _LIBRARY.finditer(text)}


def refuse_uvloop(modules: Mapping[str, Any] | None = None) -> None:
    """Raise `UsageError` when uvloop is loaded: under it the guard sees no connection, and can name
    nothing."""
    if "uvloop" in (sys.modules if modules is None else modules):
        raise UsageError(
            "uvloop is loaded, and under it the guard sees no connection; what declares the experiments must "
            "not import it: import it where the app's server starts, or leave it out of the worker's environment"
        )


def check(floor_separates: bool, clients: Iterable[str] | None = None) -> None:
    """Raise `UsageError` when a native client is loaded and nothing in the kernel keeps it from A.

    ``floor_separates`` tells whether a floor is in force that lets B's ports through and A's not (see
    `landlock`).
    """
    found = loaded_clients() if clients is None else sorted(clients)
    if found and not floor_separates:
        raise UsageError(
            f"{', '.join(found)} loaded; such a library opens connections that the guard does not see, and no "
            "floor in the kernel keeps it from A; keep it out of what declares the experiments, or run the worker "
            "on Linux 6.7 or later (Landlock) with B on ports that A does not use"
        )
