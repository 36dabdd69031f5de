"""A report in sentences, the same ones on a terminal and in a pull request.

Names are given back as they were recorded: whoever prints them makes them harmless first (`visible`, `code`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from sidecar_science.comparison.paths import to_pattern
from sidecar_science.reports.records import (
    Account,
    Capture,
    DifferenceCount,
    Example,
    ExperimentReport,
    Group,
    Latency,
    RuleCount,
)
from sidecar_science.reports.render.advice import ENDINGS, Advice, of_dropped
from sidecar_science.reports.render.visible import shown

FEW = 20
MAX_UNCLEAN = 5
SAME_SPEED = 1.05

Name = Callable[[str], str]

_WHERES = frozenset({"value", "error", "exchange", "evidence"})
_KINDS = {
    "changed": "changed",
    "missing": "missing on B",
    "extra": "only on B",
    "type": "of another type",
    "order": "in another order",
    "length": "of another length",
}


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 job``, ``1,204 jobs``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def percent(part: int, whole: int, *, exact: bool = False) -> str:
    """A share, ``exact`` with its tenths; it says 0 % or 100 % only where that is so."""
    if part in (0, whole) or not whole:
        return "100 %" if part else "0 %"
    share = 100 * part / whole
    if share < 0.1:
        return "< 0.1 %"
    if share > 99.9:
        return "> 99.9 %"
    return f"{share:.1f} %" if exact or share < 10 or share > 99 else f"{share:.0f} %"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them, with two or three digits, as much as is true."""
    for unit, size in (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= size * (2 if size > 1 else 1):
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds * 1e6)} µs" if seconds else "0 s"


def _digits(number: float) -> str:
    return f"{number:.1f}" if number < 9.95 else f"{number:,.0f}"


def times(ratio: float) -> str:
    """``1.4x``; near one a digit more."""
    return f"{ratio:.2f}x" if 0.8 <= ratio < 1.195 else f"{_digits(ratio)}x"


def difference(one: DifferenceCount, name: Name) -> str:
    """One difference of a group: where, which path, how."""
    told = place(one.where, one.path, one.kind, name)
    return f"{told} (request diverged)" if one.side == "request" else told


def place(where: str, path: str, kind: str, name: Name) -> str:
    """Where, which path, how."""
    told = where if where in _WHERES else name(where)
    return f"{told} {name(path)} {_KINDS.get(kind) or name(kind)}"


def headline(experiment: ExperimentReport) -> str:
    """What came of an experiment, in one line."""
    return ", ".join(part for part in (agreement(experiment), speed(experiment.latency)) if part)


def agreement(experiment: ExperimentReport) -> str:
    """How many jobs, how many of them matched, and in how many ways the others differ."""
    parts = [counted(experiment.total, "job"), _matched(experiment)]
    return ", ".join([*parts, counted(len(experiment.groups), "group")] if experiment.groups else parts)


def _matched(experiment: ExperimentReport) -> str:
    matched, compared = experiment.outcomes.get("matched", 0), experiment.compared
    if not compared:
        return "none compared"
    if compared == experiment.total:
        return f"{percent(matched, compared)} matched"
    return f"{counted(compared, 'compared', 'compared')}, {percent(matched, compared)} of these matched"


def telling(latency: Latency) -> str:
    """The quantile that says something about this many jobs: p95, or the median of a few."""
    return "p95" if latency.candidate and latency.candidate.count >= FEW else "p50"


def speed(latency: Latency) -> str:
    """B against A in half a sentence; empty where nothing was measured."""
    p = telling(latency)
    ratio = latency.ratio(p)
    if ratio is None or latency.control is None or latency.candidate is None:
        return ""
    change = f"{p} ({duration(getattr(latency.control, p))} → {duration(getattr(latency.candidate, p))})"
    if ratio >= SAME_SPEED:
        return f"B {times(ratio)} slower at {change}"
    if ratio <= 1 / SAME_SPEED:
        return f"B {times(1 / ratio)} faster at {change}"
    return f"B as fast as A at {change}"


def account(one: Account) -> str:
    """One sum of the accounts; where it does not come out, both sides of it."""
    parts = " + ".join(f"{n:,} {name}" for name, n in one.parts.items())
    if one.balanced:
        return f"{one.total:,} {one.name} = {parts}"
    return f"{one.total:,} {one.name}, BUT {parts} = {one.accounted:,}"


def imbalance(one: Account) -> str:
    """How far a sum is out."""
    missing = one.total - one.accounted
    if missing > 0:
        return f"{counted(missing, 'of them is', 'of them are')} unaccounted for"
    return f"{counted(-missing, 'is', 'are')} counted that nobody {one.name}"


def books(capture: Capture) -> str:
    """Whether both sums come out, plainly."""
    if capture.balanced:
        return "The books balance."
    return (
        "The books do not balance. That is a defect of sidecar_science: if it stays when you ask again, "
        "please report it, with --format json."
    )


@attrs.frozen
class Way:
    """One way in which the jobs of a group differ, and what the two sides of one job hold there."""

    text: str
    place: Mapping[str, Any] | None


def ways(group: Group, name: Name, most: int) -> list[Way]:
    """How the jobs of a group differ: the first ``most`` ways, and how many more there are."""
    places = _sampled(group)
    told = [
        Way(difference(one, name) + _spread(one), places.get((one.where, one.path, one.kind)))
        for one in group.differences[:most]
    ]
    more = len(group.differences) - most
    if more > 0 or group.truncated:
        told.append(Way(f"… and {'at least ' if group.truncated else ''}{max(more, 1):,} more", None))
    return told or [Way("the experiment's own comparison tells them apart", None)]


def _sampled(group: Group) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """What the first sample holds, by where, pattern and kind."""
    differences = group.samples[0].differences if group.samples else ()
    return {(str(one["where"]), to_pattern(str(one["path"])), str(one["kind"])): one for one in differences}


def side(place: Mapping[str, Any], which: str) -> str:
    """What ``which`` ("control" or "candidate") holds at ``place``, as far as it may be shown."""
    if which in place:
        length = place["kind"] == "length" and isinstance(place[which], int)
        return counted(place[which], "item") if length else shown(place[which])
    absent = {"missing": "candidate", "extra": "control"}.get(str(place["kind"]))
    return "(nothing there)" if which == absent else "(not shown)"


def _spread(one: DifferenceCount) -> str:
    each = one.places / one.count if one.count else 0
    return f", at {_digits(each) if each % 1 else int(each)} places a job" if each > 1 else ""


def seen(group: Group) -> str:
    """Since when, and when last."""
    first, last = instant(group.first_seen), instant(group.last_seen)
    if first == last:
        return f"seen {first}"
    return f"first seen {first}, last {last[11:] if last[:10] == first[:10] else last}"


def handle(group: Group, name: Name) -> str:
    """By what a group is called, and one job of it to look at."""
    job = f", e.g. job {name(group.samples[0].job)}" if group.samples else ""
    return f"group {name(group.fingerprint)}{job}"


def instant(at: str) -> str:
    """An instant to the second: ``2026-11-23 02:00:00``."""
    return at[:19].replace("T", " ")


def example(one: Example, name: Name) -> str:
    """What was said of one job."""
    return f"{name(one.detail)} (job {name(one.job)})"


OVERVIEW = ("", "jobs", "compared", "matched", "differs in", "B / A")


def overview(experiment: ExperimentReport, name: Name) -> tuple[str, ...]:
    """An experiment as a row under `OVERVIEW`."""
    matched, compared = experiment.outcomes.get("matched", 0), experiment.compared
    ratio = experiment.latency.ratio(telling(experiment.latency))
    return (
        name(experiment.name),
        f"{experiment.total:,}",
        f"{compared:,}",
        percent(matched, compared) if compared else "-",
        counted(len(experiment.groups), "way") if experiment.groups else "-",
        f"{ratio:.2f}x" if ratio else "-",
    )


def speeds(latency: Latency) -> Iterable[tuple[str, ...]]:
    """One row each of p50, p95, p99: its name, A, B, and B as a multiple of A."""
    for p in ("p50", "p95", "p99"):
        sides = (getattr(side, p) if side else None for side in (latency.control, latency.candidate))
        ratio = latency.ratio(p)
        yield (
            p,
            *(duration(side) if side is not None else "-" for side in sides),
            f"{ratio:.2f}x" if ratio else "-",
        )


def measured(latency: Latency) -> str:
    """Of how many jobs the speeds are, and how long after A they ran on B."""
    jobs = counted(latency.candidate.count if latency.candidate else 0, "job")
    delay = latency.queue_delay
    return f"{jobs}; B ran {duration(delay.p50)} after A at p50, {duration(delay.p95)} at p95" if delay else jobs


def uncompared(experiment: ExperimentReport) -> list[tuple[str, int]]:
    """What was settled without a judgement, by reason or else by outcome; the most frequent first."""
    told = dict(experiment.reasons)
    for outcome, n in experiment.outcomes.items():
        if outcome not in ("matched", "mismatched"):
            reasoned = sum(m for reason, m in experiment.reasons.items() if reason.partition(".")[0] == outcome)
            told[outcome] = n - reasoned
    return sorted(((reason, n) for reason, n in told.items() if n > 0), key=lambda one: (-one[1], one[0]))


def contradictions(experiment: ExperimentReport, name: Name) -> list[str]:
    """How often ids contradicted what was known of them, by kind."""
    return [
        f"{counted(n, 'answer')} told another id of a {name(kind)} than was known: the pair that came first stands"
        for kind, n in experiment.id_conflicts.items()
    ]


def losses(capture: Capture) -> Iterable[tuple[int, str, Advice]]:
    """What did not come to its end or stands outside the sums: how many, the word for it, what to do."""
    for reason, n in sorted(capture.dropped.items()):
        if n:
            yield n, f"dropped.{reason}", of_dropped(reason)
    for name, told in ENDINGS.items():
        if getattr(capture, name):
            yield getattr(capture, name), name, told


def members(loss: str, capture: Capture, name: Name) -> Iterable[str]:
    """The single ones behind a number of `losses`, where it is known who they are."""
    if loss == "unclean":
        for one in capture.unclean_producers[:MAX_UNCLEAN]:
            held = counted(one.buffered, "call")
            yield f"{name(f'{one.host}:{one.pid}')}, last heard {instant(one.at)}, with {held} in its buffer"
        more = len(capture.unclean_producers) - MAX_UNCLEAN
        if more > 0:
            yield f"… and {more:,} more: --format json has them all"


def rule(one: RuleCount) -> str:
    """When a rule of comparison last explained a difference, and what to do about one that no longer does."""
    if one.last_explained is None:
        return "has explained nothing yet"
    told = f"last explained a difference {instant(one.last_explained)} UTC"
    return f"{told}: stale, take it out before it hides something" if one.stale else told
