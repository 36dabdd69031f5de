"""The table of layers in the design, held by reading every import of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sidecar_science"

LAYERS = [
    {"errors", "clock", "_version"},
    {"scientist", "codec", "comparison"},
    {"journal", "translation", "routing", "checks", "reports"},
    {"recording", "worker", "environments", "config"},
    {"sidecar"},
    {"cli", "dashboard", "testing"},
    {"integrations"},
]
LAYER_OF = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}

SAME_LAYER = {
    # Markers stand inside plain data, which comparison compares.
    ("comparison", "codec"),
}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file; those for type checkers alone included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def label(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=label)
def test_an_import_goes_down_only(path):
    """A room knows the layers below its own, and of its own layer itself alone."""
    room = room_of(path)
    if room == "__init__":
        return
    for name in imports_of(path):
        if not name.startswith("sidecar_science"):
            continue
        assert name != "sidecar_science", f"{label(path)} imports from the package root"
        target = name.split(".")[1]
        if target == room or (room, target) in SAME_LAYER:
            continue
        if room == "errors" and target == "scientist":
            # For type checkers alone: a mismatch error carries a result.
            continue
        assert LAYER_OF[target] < LAYER_OF[room], f"{label(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_only_redis_files_import_redis(path):
    """Whatever a client of Redis can do, it does in one file per room."""
    foreign = [name for name in imports_of(path) if name.split(".")[0] == "redis"]

    assert not foreign or path.name == "redis.py", f"{label(path)} imports redis"


def test_every_room_is_in_the_table():
    """A new room has to be given its place."""
    rooms = {room_of(path) for path in FILES} - {"__init__"}

    assert rooms <= set(LAYER_OF)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_is_unpickled_or_evaluated(path):
    """A job carries names and never code: nothing in the package reads pickles or evaluates text."""
    allowed = {"scientist/carrying.py"}  # a mismatch error of the reader's own process, for parallel test runners
    used = {name.split(".")[0] for name in imports_of(path)} & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")
    }

    assert not called
    assert not used or label(path) in allowed
