"""Whether a history keeps what is promised: nothing lost in silence, no write twice, in order, and it adds up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from tests.faults.history import Call, Execution, History

ANSWERED: Final = frozenset({"matched", "mismatched", "ignored", "incomparable"})
ADMITS_LATENESS: Final = frozenset({"incomparable.late", "unknown"})
MOST_READS: Final = 2


@attrs.frozen(kw_only=True)
class Finding:
    """One broken promise. ``flagged``: the job's own outcome says so, and nobody was misled."""

    kind: str
    text: str
    job: str | None = None
    flagged: bool = False

    def __str__(self) -> str:
        return f"{self.kind}{' (flagged)' if self.flagged else ''}: {self.text}"


def check(history: History, *, drained: bool = True, loss_bound: int = 0) -> list[Finding]:
    """Everything in ``history`` that should not be.

    ``drained``: nothing should be left to do. ``loss_bound`` is how many calls each app may have lost that was killed,
    or could not ship all that it had.
    """
    findings = [finding for look in _LOOKS for finding in look(history)]
    if drained:
        findings += _losses(history, loss_bound)
    if history.capture is not None:
        findings += _imbalances(history, drained)
    return findings


def unflagged(findings: list[Finding]) -> list[Finding]:
    """Those that mislead somebody."""
    return [finding for finding in findings if not finding.flagged]


def _writes_run_twice(history: History) -> Iterator[Finding]:
    """By the call's own name, so that a job under two ids is seen as well."""
    ran = Counter((each.key, each.call) for each in history.executions if each.effect == "write")
    for (key, call), times in ran.items():
        if times > 1:
            jobs = {each.job for each in history.executions if (each.key, each.call) == (key, call)}
            yield Finding(kind="twice", text=f"write {call} of key {key} ran {times} times", job="/".join(sorted(jobs)))


def _reads_run_too_often(history: History) -> Iterator[Finding]:
    for job, times in Counter(each.job for each in history.executions if each.effect == "read").items():
        if times > MOST_READS:
            yield Finding(kind="reads", text=f"read {job} ran {times} times, {MOST_READS} are allowed", job=job)


def _keys_that_change(history: History) -> Iterator[Finding]:
    """B can tell a repeated request only by its key."""
    keys = defaultdict(set)
    for each in history.executions:
        keys[each.job].add(each.idempotency_key)
    for job, found in keys.items():
        if len(found) > 1:
            yield Finding(kind="key", text=f"{job} was sent under {len(found)} idempotency keys", job=job)


def _ghosts(history: History) -> Iterator[Finding]:
    known = {call.job for call in history.calls}
    for job in {each.job for each in history.executions} - known:
        yield Finding(kind="ghost", text=f"B was asked to do {job or 'something'}, which no app ever called", job=job)


def _outcomes_twice(history: History) -> Iterator[Finding]:
    ended = defaultdict(list)
    for ending in history.endings:
        ended[ending.job].append(f"{ending.full} by {ending.worker}")
    for job, endings in ended.items():
        if len(endings) > 1:
            yield Finding(kind="outcomes", text=f"{job} has {len(endings)} outcomes: {', '.join(endings)}", job=job)


def _claims(history: History) -> Iterator[Finding]:
    """Outcomes that say what B did, or did not do, against B's own book."""
    ran = {execution.job for execution in history.executions}
    for ending in history.endings:
        if ending.outcome in ANSWERED and ending.job not in ran:
            yield Finding(kind="claim", text=f"{ending.job} is {ending.full}, and B never saw it", job=ending.job)
        if ending.outcome == "skipped" and ending.job in ran:
            yield Finding(kind="claim", text=f"{ending.job} is {ending.full}, and B was asked to do it", job=ending.job)


def _out_of_order(history: History) -> Iterator[Finding]:
    """Per key, the first execution of every job in the order of completion; calls that overlap have no order."""
    calls = {call.job: call for call in history.calls}
    admitted = {ending.job for ending in history.endings if ending.full in ADMITS_LATENESS}
    for executions in _by_key(history.executions).values():
        latest: Call | None = None
        for call in (calls[each.job] for each in executions if each.job in calls):
            if latest is not None and call.end <= latest.start:
                yield Finding(
                    kind="order",
                    text=f"key {call.key}: call {call.app}-{call.sequence} ran after {latest.app}-{latest.sequence}",
                    job=call.job,
                    flagged=call.job in admitted,
                )
            if latest is None or call.start > latest.start:
                latest = call


def _by_key(executions: tuple[Execution, ...]) -> dict[str, list[Execution]]:
    """The first execution of every job, in their order."""
    seen: set[str] = set()
    keys: defaultdict[str, list[Execution]] = defaultdict(list)
    for execution in sorted(executions, key=lambda each: each.at):
        if execution.job not in seen:
            seen.add(execution.job)
            keys[execution.key].append(execution)
    return keys


def _losses(history: History, loss_bound: int) -> Iterator[Finding]:
    """Calls without an outcome, as far as neither the drops of their app nor its violent end explain them.

    A worker that is killed right after settling has logged nothing: what it settled is in the counters alone.
    """
    ended = {ending.job for ending in history.endings}
    missing = [call.job for call in history.calls if call.job not in ended]
    unlogged = handled(history) - len(ended) if history.capture is not None else 0
    dropped = sum(app.dropped for app in history.apps if app.shipped)
    unclean = sum(not app.shipped for app in history.apps)
    lost = len(missing) - unlogged - dropped
    if unlogged < 0:
        yield Finding(kind="outcomes", text=f"{len(ended)} jobs have an outcome, {-unlogged} more than are counted")
    if lost < 0:
        yield Finding(kind="balance", text=f"{-lost} more outcomes are counted than there were calls")
    if lost > loss_bound * unclean:
        allowed = f"{unclean} unclean apps may have lost {loss_bound} each"
        text = f"{lost} calls have no outcome ({allowed}), out of {', '.join(missing[:5])} …"
        yield Finding(kind="lost", text=text)


def handled(history: History) -> int:
    """How many jobs the journal has counted as done with."""
    capture = history.capture or {}
    return int(capture["settled"] + capture["dead"] + capture["expired"])


def _imbalances(history: History, drained: bool) -> Iterator[Finding]:
    capture = history.capture or {}
    left = {name: capture[name] for name in ("before_start", "settled", "pending", "dead", "expired")}
    calls = capture["sampled_out"] + capture["recorded"] + sum(capture["dropped"].values())
    if capture["recorded"] != sum(left.values()):
        yield Finding(kind="balance", text=f"recorded {capture['recorded']} is not the sum of {left}")
    if capture["called"] != calls:
        yield Finding(kind="balance", text=f"called {capture['called']}, accounted for {calls}: {capture}")
    if drained and capture["pending"]:
        yield Finding(kind="pending", text=f"{capture['pending']} jobs are still pending")
    if all(app.shipped for app in history.apps) and capture["called"] != len(history.calls):
        yield Finding(kind="balance", text=f"{len(history.calls)} calls were made, {capture['called']} are counted")


_LOOKS: Final[tuple[Callable[[History], Iterator[Finding]], ...]] = (
    _writes_run_twice,
    _reads_run_too_often,
    _keys_that_change,
    _ghosts,
    _outcomes_twice,
    _claims,
    _out_of_order,
)
