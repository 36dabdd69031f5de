"""The room as a whole: what it offers, and what it needs."""

from __future__ import annotations

import ast
import pathlib

import sidecar_science.scientist as room

FOLDER = pathlib.Path(room.__file__).parent
ALLOWED = ("sidecar_science.scientist", "sidecar_science.errors", "sidecar_science.clock")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_it_imports_errors_and_clock_of_ours_and_nothing_else():
    """Usable alone: no journal, no worker, not even the package root."""
    ours = {name for path in FOLDER.glob("*.py") for name in imported(path) if name.startswith("sidecar_science")}

    assert ours
    assert [name for name in ours if not name.startswith(ALLOWED)] == []


def test_the_errors_need_nothing_of_ours():
    """errors.py stands alone: what it says of results is for type checkers only."""
    tree = ast.parse((FOLDER.parent / "errors.py").read_text())

    modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]

    assert sorted(modules) == ["__future__", "collections.abc", "typing"]


def test_everything_offered_is_there_and_documented():
    """`__all__` names what exists, in order, and each class and function says what it is for."""
    offered = {name: getattr(room, name) for name in room.__all__}

    assert list(offered) == sorted(offered, key=lambda name: (not name.isupper(), name.islower(), name))
    assert [name for name, thing in offered.items() if callable(thing) and not thing.__doc__] == []
