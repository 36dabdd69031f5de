"""One job for a terminal: what it was, what it was called with, and what A and B answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sidecar_science.reports.render import words
from sidecar_science.reports.render.visible import visible


def render(told: Mapping[str, Any]) -> str:
    """``told``, as `sidecar-worker job --format json` gives it, as lines of text."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: Mapping[str, Any]) -> Iterable[str]:
    of = visible(str(told["experiment"]))
    yield f"job {visible(told['job'])} of {of} on {visible(told['environment'])}"
    yield _recorded(told)
    for group in told.get("groups", ()):
        yield from (
            "",
            f"Differs as the {words.counted(group['count'], 'job')} of group {visible(group['fingerprint'])}",
        )
        for place in group["differences"]:
            yield from _place(place)
    for one in told.get("told", ()):
        yield from ("", f"{visible(one['reason'])}: {visible(one['detail'])}")
    for call in told.get("calls", ()):
        yield from ("", f"{visible(call['behavior'])} calls {visible(call['function'])} with")
        yield from _indented(call["arguments"] if call["obstacle"] is None else f"({call['obstacle']})")
    for letter, side in (("A", "control"), ("B", "candidate")):
        if side in told:
            yield from ("", letter)
            yield from _indented(told[side])
    if "again" in told:
        yield from _again(told["again"])


def _recorded(told: Mapping[str, Any]) -> str:
    if "completed_at" not in told:
        return "its bytes have left the journal: this is what the report keeps of it"
    at, took = words.instant(told["completed_at"]), words.duration(told["control_seconds"])
    service = f" of service {visible(str(told['service']))}" if told["service"] else ""
    key = f", key {visible(told['key'])}" if told["key"] else ""
    return f"a {visible(told['effect'])}{service}, completed on A at {at} UTC in {took}{key}"


def _again(again: Mapping[str, Any]) -> Iterable[str]:
    detail = f": {visible(again['detail'])}" if again.get("detail") else ""
    yield from ("", f"Made again on B just now: {visible(again['reason'] or again['outcome'])}{detail}")
    for place in again["differences"]:
        yield from _place(place)
    if again["candidate"] is not None:
        yield from ("", f"B, just now, in {words.duration(again['candidate_seconds'] or 0.0)}")
        yield from _indented(again["candidate"])


def _place(place: Mapping[str, Any]) -> Iterable[str]:
    """One differing place, and what the two sides hold there."""
    yield f"  {words.place(str(place['where']), str(place['path']), str(place['kind']), visible)}"
    for letter, side in (("A", "control"), ("B", "candidate")):
        yield f"    {letter}  {words.side(place, side)}"


def _indented(value: Any) -> Iterable[str]:
    """JSON data over several lines, each of them harmless."""
    for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
        yield f"  {visible(line)}"
