"""Payloads that really drifted: the GOV.UK examples where they are at hand, and a few small ones of our own.

The examples lie beside the checkout or where ``SIDECAR_GOVUK_EXAMPLES`` says. Without them the tests that need them
are skipped, and those on our own payloads remain.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).parents[1]
_OWN = Path(__file__).parent / "payloads"
_ROW = re.compile(r"^\| `(?P<name>[^`]+\.json)` \| (?P<counts>[^|]+) \| (?P<some>.*) \|$", re.MULTILINE)


def root() -> Path | None:
    """The folder of the GOV.UK examples, or None where there is none."""
    named = os.environ.get("SIDECAR_GOVUK_EXAMPLES")
    folder = Path(named) if named else _CHECKOUT.parent / "shared" / "data" / "govuk-examples"
    return folder if (folder / "SOURCE.md").is_file() else None


def current() -> Iterator[tuple[str, Any]]:
    """Name and payload of every example as it stands today."""
    for path in _examples():
        if not path.parent.name.endswith("-2022"):
            yield _name(path), load(path)


def pairs() -> Iterator[tuple[str, Any, Any]]:
    """Name, payload of 2022 and payload of today of every example that drifted."""
    for path in _examples():
        if path.parent.name.endswith("-2022"):
            today = path.parent.with_name(path.parent.name.removesuffix("-2022")) / path.name
            yield _name(today), load(path), load(today)


def counted() -> dict[str, tuple[dict[str, int], list[tuple[str, str]]]]:
    """What SOURCE.md says of each pair: how many differences of each kind, and (kind, path) of some of them."""
    folder = root()
    text = (folder / "SOURCE.md").read_text(encoding="utf-8") if folder else ""
    found = {}
    for row in _ROW.finditer(text):
        counts = {kind: int(number) for number, kind in re.findall(r"(\d+) (\w+)", row["counts"])}
        found[row["name"]] = (counts, re.findall(r"`(\w+) ([^`]+)`", row["some"]))
    return found


def own_pairs() -> Iterator[tuple[str, Any, Any]]:
    """Name, earlier and later payload of each small pair that is kept with the tests."""
    for path in sorted(_OWN.glob("*-2022.json")):
        name = path.stem.removesuffix("-2022")
        yield name, load(path), load(_OWN / f"{name}.json")


def load(path: Path) -> Any:
    """The payload in one file."""
    return json.loads(path.read_text(encoding="utf-8"))


def _examples() -> list[Path]:
    folder = root()
    return sorted(folder.glob("*/*/*.json")) if folder else []


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])
