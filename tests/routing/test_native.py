"""Which libraries connect where Python does not see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_science.errors import UsageError
from sidecar_science.routing.native import check, loaded_clients, refuse_uvloop

MAPS = """\
7f00-7f01 r--p 00000000 00:1f 1 /venv/lib/psycopg_binary.libs/libpq-9b38f5e3.so.5.16
7f02-7f03 r--p 00000000 00:1f 2 /usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0
7f02-7f03 r-xp 00000000 00:1f 2 /usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0
7f04-7f05 r--p 00000000 00:1f 3 /usr/lib/x86_64-linux-gnu/libpqxyz/libc.so.6
7f06-7f07 r--p 00000000 00:1f 4 /usr/lib/x86_64-linux-gnu/libcurling.so.1
7f08-7f09 rw-p 00000000 00:00 0 [heap]
"""


def test_clients_are_found_by_module_and_by_library(tmp_path: Path) -> None:
    """Imported modules and mapped libraries are named, each once; what only sounds like one is not."""
    maps = tmp_path / "maps"
    maps.write_text(MAPS)

    assert loaded_clients({"psycopg2": 1, "json": 1, "psycopg2.extras": 1}, maps) == [
        "libcurl",
        "libpq",
        "psycopg2 (libpq)",
    ]


def test_without_a_map_modules_are_still_found(tmp_path: Path) -> None:
    """Other systems have no /proc; what was imported is known everywhere."""
    assert loaded_clients({"pycurl": 1}, tmp_path / "none") == ["pycurl (libcurl)"]


def test_this_process_has_none() -> None:
    """The tests' own process answers from what it really has loaded."""
    assert "psycopg2 (libpq)" not in loaded_clients()


def test_a_client_without_a_floor_stops_the_worker() -> None:
    """The error names what was found and the two ways out."""
    with pytest.raises(UsageError) as raised:
        check(False, ["pycurl (libcurl)", "libpq"])

    text = str(raised.value)
    assert text.startswith("libpq, pycurl (libcurl) loaded; ")
    assert "keep it out of what declares the experiments" in text
    assert "with B on ports that A does not use" in text


def test_a_floor_that_separates_is_enough() -> None:
    """Where the kernel keeps A's ports closed, native clients may be there."""
    check(True, ["pycurl (libcurl)"])


def test_without_clients_no_floor_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard sees everything then."""
    monkeypatch.setattr("sidecar_science.routing.native.loaded_clients", list)

    check(False)


def test_uvloop_is_refused_in_any_case() -> None:
    """A floor does not help: the guard could name nothing, and refuse no host."""
    refuse_uvloop({"asyncio": 1})
    with pytest.raises(UsageError, match="uvloop is loaded"):
        refuse_uvloop({"uvloop": 1})
