"""What a report says of a group beside its differences, and of B's speed beside its quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sidecar_science.reports.records import Acknowledgement, ExperimentReport, Group, Latency
from sidecar_science.reports.render.words import Name, counted, instant, place

MAX_NOISE: Final = 10


def of_group(group: Group, name: Name) -> Iterable[str]:
    """Statuses that differ, whether it is noise, and what somebody said of it."""
    pairs = [f"{_status(pair['control'])} on A, {_status(pair['candidate'])} on B" for pair in group.statuses]
    if pairs:
        yield f"status {'; '.join(pairs)}"
    if group.noise:
        yield "noise: the control's own version beside B differs in the same way"
    if group.undecided:
        yield "perhaps noise: too few jobs tell whether the control's own version differs as often"
    if group.acknowledged is not None:
        yield _acknowledged(group.acknowledged, name)


def of_noise(experiment: ExperimentReport, name: Name) -> Iterable[str]:
    """What the control's own version shows as well, and how often."""
    for one in experiment.noise[:MAX_NOISE]:
        times = f"{one.candidate:,} on B, {one.baseline:,} on the control's own version"
        yield f"{place(one.where, one.path, one.kind, name)}: of {counted(one.jobs, 'job')} {times}"
    if len(experiment.noise) > MAX_NOISE:
        yield f"… and {len(experiment.noise) - MAX_NOISE:,} more"


def of_speed(latency: Latency) -> Iterable[str]:
    """Job by job, and what could not be measured."""
    pairs = latency.paired
    if pairs is not None:
        yield f"job by job B takes {pairs.p50:.2f}x as long (median; 95 %: {pairs.low:.2f}x to {pairs.high:.2f}x)"
    if latency.failed:
        slow = f", {latency.timed_out:,} of them by timeout" if latency.timed_out else ""
        yield f"{counted(latency.failed, 'more job')} failed on B{slow}: no speed was measured"


def _status(status: int | None) -> str:
    return "none" if status is None else str(status)


def _acknowledged(told: Acknowledgement, name: Name) -> str:
    word = "the acknowledgement expired at" if told.expired else "acknowledged until"
    return f"{word} {instant(told.until)}: {name(told.note)}"
