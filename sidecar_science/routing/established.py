"""Connections that are older than the guard: it sees none of what goes over them."""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sidecar_science.errors import UsageError
from sidecar_science.routing.origins import Endpoint, canonical

_OPEN: Final = frozenset({"01", "02", "08"})  # established, being established, closed by the other side alone
_LISTENING: Final = "0A"
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


def open_connections(process: Path = Path("/proc/self")) -> list[Endpoint]:
    """Where this process has TCP connections to, by whatever library; those that others made to it are left
    out.

    Empty where the system does not tell (anything but Linux).
    """
    inodes = _inodes(process / "fd")
    rows = [row for table in ("tcp", "tcp6") for row in _rows(process / "net" / table) if row[9] in inodes]
    listening = {row[1].rpartition(":")[2] for row in rows if row[3] == _LISTENING}
    return sorted({_endpoint(row[2]) for row in rows if row[3] in _OPEN and row[1].rpartition(":")[2] not in listening})


def check_connections(permit: Callable[[str, int], bool], connections: Iterable[Endpoint] | None = None) -> None:
    """Raise `UsageError` when a connection is open to what ``permit`` (a guard's) does not allow."""
    found = open_connections() if connections is None else connections
    strays = [f"{host}:{port}" for host, port in found if not permit(host, port)]
    if strays:
        raise UsageError(
            f"this process already has connections to {', '.join(strays)}, from before the guard was armed, "
            "and a replay could use them unseen; what declares the experiments must connect to nothing when it "
            "is imported: make clients in `build`, or on first use"
        )


def _inodes(folder: Path) -> set[str]:
    found = set()
    for name in os.listdir(folder) if folder.is_dir() else ():
        try:
            match = _SOCKET.fullmatch(os.readlink(folder / name))
        except OSError:  # closed while we looked
            continue
        if match:
            found.add(match[1])
    return found


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []


def _endpoint(text: str) -> Endpoint:
    """The kernel writes addresses as words of 32 bits in the machine's own byte order."""
    host, _, port = text.rpartition(":")
    words = [int(host[start : start + 8], 16) for start in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return canonical(socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))), int(port, 16)
