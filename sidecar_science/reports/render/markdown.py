"""A report for a pull request: what it comes to, then each experiment, then the accounts.

Recorded text stands in code alone, where it can be no mention, link, table or tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sidecar_science.reports.outcome import Outcome
from sidecar_science.reports.records import Capture, ExperimentReport, Group, Latency, Report
from sidecar_science.reports.render import advice, remarks, words
from sidecar_science.reports.render.summary import next_step, summarized
from sidecar_science.reports.render.visible import visible

MAX_GROUPS = 10
MAX_WAYS = 8
MAX_PLACES = 3
# What a code span takes as it is, in a table too. All else goes into <code>, spelled as character references.
_SIMPLE = re.compile(r"[^\s`|\\<>&]([^`|\\<>&]*[^\s`|\\<>&])?")
_PUNCTUATION = re.compile(r"""[^\w\s"',;=]|_""", re.ASCII)


def render(report: Report) -> str:
    """``report`` as GitHub-flavored Markdown."""
    return "\n".join(_report(report)).rstrip() + "\n"


def code(text: str) -> str:
    """``text`` as inline code, whatever it holds."""
    text = visible(text)
    if _SIMPLE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{_PUNCTUATION.sub(_reference, text)}</code>"


def _reference(found: re.Match[str]) -> str:
    char = found[0]
    return f"&#{ord(char)};" if char.isascii() else char


def _report(report: Report) -> Iterable[str]:
    yield f"## {code(report.namespace)} on {code(report.environment)}"
    yield ""
    yield from (f"- {sentence}" for sentence in summarized(report, code).sentences)
    yield ""
    if report.experiments:
        yield from _table(words.OVERVIEW, (words.overview(one, code) for one in report.experiments))
    else:
        yield next_step(report, code)
    yield ""
    for experiment in report.experiments:
        yield from _experiment(experiment)
    yield from _accounts(report.capture)
    yield f"Made {words.instant(report.generated_at)} UTC."


def _experiment(experiment: ExperimentReport) -> Iterable[str]:
    yield f"### {code(experiment.name)}"
    yield ""
    yield f"{words.headline(experiment)}."
    yield ""
    yield f"Outcomes: {', '.join(_outcomes(experiment))}."
    yield ""
    yield from _groups(experiment.groups)
    noise = [f"- noise: {line}" for line in remarks.of_noise(experiment, code)]
    yield from [*noise, ""] if noise else []
    yield from _speed(experiment.latency)
    uncompared = words.uncompared(experiment)
    for reason, n in uncompared:
        yield f"- {n:,} {code(reason)}: {advice.of_reason(reason).text}"
        yield from (f"  - {words.example(one, code)}" for one in experiment.examples.get(reason, ())[:2])
    contradictions = words.contradictions(experiment, code)
    yield from (f"- {told}" for told in contradictions)
    yield from [""] if uncompared or contradictions else []
    yield from (
        f"- Rule {code(one.rule)} in {words.counted(one.count, 'job')}: {words.rule(one)}" for one in experiment.rules
    )
    yield from [""] if experiment.rules else []


def _outcomes(experiment: ExperimentReport) -> Iterable[str]:
    for outcome, n in experiment.outcomes.items():
        if n:
            word = outcome if outcome in set(Outcome) else code(outcome)
            yield f"{n:,} {word} ({words.percent(n, experiment.total, exact=True)})"


def _groups(groups: Sequence[Group]) -> Iterable[str]:
    for group in groups[:MAX_GROUPS]:
        yield f"- **{words.counted(group.count, 'job')}**, {words.seen(group)} ({words.handle(group, code)})"
        for number, way in enumerate(words.ways(group, code, MAX_WAYS)):
            yield f"  - {way.text}"
            if way.place and number < MAX_PLACES:
                yield from _place(way.place)
        yield from (f"  - {line}" for line in remarks.of_group(group, code))
    more = len(groups) - MAX_GROUPS
    if more > 0:
        yield f"- … and {words.counted(more, 'more group')}: `--format json` has them all"
    yield from [""] if groups else []


def _place(place: Mapping[str, Any]) -> Iterable[str]:
    yield f"    - A {code(words.side(place, 'control'))}"
    yield f"    - B {code(words.side(place, 'candidate'))}"


def _speed(latency: Latency) -> Iterable[str]:
    if latency.candidate is not None:
        yield from _table(("", "A", "B", "B / A"), words.speeds(latency))
        yield ""
        yield f"{'; '.join([words.measured(latency), *remarks.of_speed(latency)])}."
        yield ""


def _accounts(capture: Capture) -> Iterable[str]:
    yield "### Accounts"
    yield ""
    for account in (capture.calls, capture.jobs):
        text = words.account(account)
        yield f"- {text}" if account.balanced else f"- **{text}**"
    yield f"- {words.books(capture)}" if capture.balanced else f"- **{words.books(capture)}**"
    for n, name, told in words.losses(capture):
        yield f"- {n:,} {code(name)}: {told.text}"
        yield from (f"  - {one}" for one in words.members(name, capture, code))
    yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield _row(head)
    yield _row(["---", *("---:" for _ in head[1:])])
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
