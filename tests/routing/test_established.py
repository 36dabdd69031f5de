"""Connections that are older than the guard."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.routing.established import check_connections, open_connections

from .places import Place

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(local: str, remote: str, state: str, inode: int) -> str:
    return (
        f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 20 4 30 10\n"
    )


@pytest.fixture
def process(tmp_path: Path) -> Path:
    """A process's folder as the kernel shows it, with the sockets 11 to 16."""
    (tmp_path / "fd").mkdir()
    (tmp_path / "net").mkdir()
    for inode in range(11, 17):
        (tmp_path / "fd" / str(inode)).symlink_to(f"socket:[{inode}]")
    (tmp_path / "fd" / "3").symlink_to("/dev/null")
    (tmp_path / "fd" / "4").write_text("closed while we looked")
    return tmp_path


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="the system does not tell its connections")
def test_a_connection_of_this_process_is_found(a: Place) -> None:
    """What is open to A is listed; what A, in this same process, has accepted is not."""
    with socket.create_connection((a.host, a.port)) as connection:
        found = open_connections()

        assert ("127.0.0.1", a.port) in found
        assert ("127.0.0.1", connection.getsockname()[1]) not in found


def test_the_kernels_tables_are_read(process: Path) -> None:
    """Both families, this process's sockets alone, connections that are or may become open, outgoing ones alone."""
    (process / "net" / "tcp").write_text(
        HEADER
        + row("0100007F:1388", "00000000:0000", "0A", 11)
        + row("0100007F:1388", "0100007F:D431", "01", 12)
        + row("0100007F:D432", "0500000A:01BB", "01", 13)
        + row("0100007F:D433", "0600000A:01BB", "06", 14)
        + row("0100007F:D434", "0700000A:01BB", "01", 99)
    )
    (process / "net" / "tcp6").write_text(
        HEADER
        + row("0000000000000000FFFF00000100007F:D435", "0000000000000000FFFF00000800000A:01BB", "08", 15)
        + row("00000000000000000000000001000000:D436", "00000000000000000000000001000000:1F90", "02", 16)
    )

    assert open_connections(process) == [("10.0.0.5", 443), ("10.0.0.8", 443), ("::1", 8080)]


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    """Without /proc the list is empty, and the order of arming is all there is."""
    assert open_connections(tmp_path) == []


def test_a_connection_that_is_not_permitted_stops_the_worker() -> None:
    """The error names the strays, says why they matter, and what to change."""
    with pytest.raises(UsageError) as raised:
        check_connections(lambda host, port: port == 6379, [("10.0.0.5", 443), ("127.0.0.1", 6379)])

    assert "already has connections to 10.0.0.5:443, from before the guard" in str(raised.value)
    assert "make clients in `build`" in str(raised.value)


def test_permitted_connections_do_not() -> None:
    """Redis may be connected already; by default the real list is asked."""
    check_connections(lambda host, port: True)
    check_connections(lambda host, port: False, [])
    assert os.getpid()
