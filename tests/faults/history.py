"""What happened in a rig, read from the files that every process wrote while it lived."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Call:
    """One call that an app made. It completed between ``start`` and ``end`` (monotonic); ``end`` is infinite when the
    app was killed before it could say so."""

    job: str
    app: str
    effect: str
    key: str
    sequence: int
    start: float
    end: float = math.inf


@attrs.frozen(kw_only=True)
class Execution:
    """One request that B got, at the instant ``at`` (monotonic)."""

    job: str
    effect: str
    key: str
    call: str
    at: float
    idempotency_key: str | None = None


@attrs.frozen(kw_only=True)
class Ending:
    """One job's outcome, as the worker logged it that settled it."""

    job: str
    outcome: str
    reason: str | None
    worker: str

    @property
    def full(self) -> str:
        return f"{self.outcome}.{self.reason}" if self.reason else self.outcome


@attrs.frozen(kw_only=True)
class App:
    """One recording process; ``stats`` are its own counts, if it got as far as its end, and ``shipped`` whether all
    that it had was in the journal then."""

    name: str
    producer: str
    stats: Mapping[str, Any] | None = None
    shipped: bool = False

    @property
    def dropped(self) -> int:
        return sum(self.stats["dropped"].values()) if self.stats else 0


@attrs.frozen(kw_only=True)
class History:
    """Everything that is known about one run. ``capture`` is that part of the report, where there is one."""

    calls: tuple[Call, ...] = ()
    executions: tuple[Execution, ...] = ()
    endings: tuple[Ending, ...] = ()
    apps: tuple[App, ...] = ()
    capture: Mapping[str, Any] | None = None


def read_history(directory: Path, *, capture: Mapping[str, Any] | None = None) -> History:
    """The history in ``directory``."""
    calls: dict[str, Call] = {}
    apps: dict[str, App] = {}
    for line in _lines(directory, "calls-*.jsonl"):
        if "start" in line:
            calls[line["job"]] = Call(**line)
        elif "end" in line:
            calls[line["job"]] = attrs.evolve(calls[line["job"]], end=line["end"])
        elif "producer" in line:
            apps[line["app"]] = App(name=line["app"], producer=line["producer"])
        else:
            apps[line["app"]] = attrs.evolve(apps[line["app"]], stats=line["stats"], shipped=line["shipped"])
    return History(
        calls=tuple(calls.values()),
        executions=tuple(
            Execution(**{name: line[name] for name in attrs.fields_dict(Execution)})
            for line in _lines(directory, "executions.jsonl")
        ),
        endings=tuple(_endings(directory)),
        apps=tuple(apps.values()),
        capture=capture,
    )


def _endings(directory: Path) -> Iterator[Ending]:
    for path in sorted(directory.glob("worker*.log")):
        for line in _lines(directory, path.name):
            if line.get("event") == "job.settled":
                yield Ending(job=line["job"], outcome=line["outcome"], reason=line.get("reason"), worker=path.stem)


def _lines(directory: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob(pattern)):
        for text in path.read_bytes().splitlines():
            # Whoever is killed may leave half a line; tracebacks are no lines of ours.
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict):
                    yield line
