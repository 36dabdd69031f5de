"""What somebody should know who reads nothing else of a report, and what to do when there is none."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from sidecar_science.reports.records import Capture, Report
from sidecar_science.reports.render.words import SAME_SPEED, Name, account, counted, imbalance, speed, telling


@attrs.frozen
class Summary:
    """The report in a few sentences; ``good`` tells whether none of them asks for a look."""

    good: bool
    sentences: tuple[str, ...]


def summarized(report: Report, name: Name) -> Summary:
    """What somebody should know who reads nothing else."""
    differing = [*_differing(report, name)]
    alarms = [
        *differing,
        *_slower(report, name),
        *_refused(report),
        *_unjudged(report),
        *_unbalanced(report.capture),
        *_unread(report),
    ]
    return Summary(
        good=not alarms,
        sentences=(*([] if differing else _agreeing(report)), *alarms, *_closing(report.capture)),
    )


def _total(report: Report, outcome: str) -> int:
    return sum(experiment.outcomes.get(outcome, 0) for experiment in report.experiments)


def _agreeing(report: Report) -> Iterable[str]:
    compared, ignored = sum(one.compared for one in report.experiments), _total(report, "ignored")
    jobs = "the one job" if compared == 1 else f"all {compared:,} jobs"
    if compared:
        yield f"B agreed with A in {jobs} compared" + (f", in {ignored:,} by an ignore rule." if ignored else ".")


def _differing(report: Report, name: Name) -> Iterable[str]:
    for experiment in report.experiments:
        mismatched = experiment.outcomes.get("mismatched", 0)
        if mismatched:
            ways, compared = len(experiment.groups), counted(experiment.compared, "compared job")
            yield f"{name(experiment.name)}: B differs in {counted(ways, 'way')}, in {mismatched:,} of {compared}."


def _slower(report: Report, name: Name) -> Iterable[str]:
    for experiment in report.experiments:
        ratio = experiment.latency.ratio(telling(experiment.latency))
        if ratio is not None and ratio >= SAME_SPEED:
            yield f"{name(experiment.name)}: {speed(experiment.latency)}."


def _refused(report: Report) -> Iterable[str]:
    n = _total(report, "refused")
    if n:
        yield f"The guard stopped {counted(n, 'replay')} on the way to what no route names."


def _unjudged(report: Report) -> Iterable[str]:
    """What nobody saw is no agreement."""
    counts = {word: _total(report, word) for word in ("skipped", "incomparable", "failed", "unknown")}
    unjudged = sum(counts.values())
    if unjudged:
        told = ", ".join(f"{n:,} {word}" for word, n in counts.items() if n)
        yield f"{counted(unjudged, 'job says', 'jobs say')} nothing about B: {told}."


def _unbalanced(capture: Capture) -> Iterable[str]:
    for one in (capture.calls, capture.jobs):
        if not one.balanced:
            yield f"The accounts do not add up: {account(one)}; {imbalance(one)}."


def _unread(report: Report) -> Iterable[str]:
    if report.unread:
        yield f"{counted(report.unread, 'stored field is', 'stored fields are')} of another release: upgrade this one."


def _closing(capture: Capture) -> Iterable[str]:
    lost = {"dropped": sum(capture.dropped.values()), "dead": capture.dead, "expired": capture.expired}
    if any(lost.values()):
        told = ", ".join(f"{n:,} {word}" for word, n in lost.items() if n)
        yield f"{counted(sum(lost.values()), 'call')} never came to B: {told}."
    if capture.unclean:
        yield f"{counted(capture.unclean, 'process', 'processes')} of the app went silent without a goodbye."
    if capture.pending:
        yield f"{counted(capture.pending, 'job still waits', 'jobs still wait')} for a worker."
    if capture.called and capture.balanced:
        yield "Every call is accounted for."


def next_step(report: Report, name: Name) -> str:
    """What to do when nothing has been replayed yet."""
    capture = report.capture
    if capture.pending:
        return (
            f"{counted(capture.pending, 'job waits', 'jobs wait')}, and no worker has settled any yet: "
            f"sidecar-worker run MODULE:SIDECAR --environment {name(report.environment)} --route SERVICE=URL"
        )
    if capture.recorded:
        return "Nothing was replayed: what was recorded is told in the accounts below."
    if capture.called:
        return (
            f"The app made {counted(capture.called, 'call')}, and none was recorded: "
            "see below whether they were sampled out or dropped."
        )
    return (
        "Nothing has been recorded yet. Call a decorated method in the app and ask again; "
        "if that changes nothing, sidecar-worker doctor MODULE:SIDECAR tells why."
    )
