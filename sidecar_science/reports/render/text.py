"""A report for a terminal: what differs, why, how fast, where every call went, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, JustifyMethod, RenderableType
from rich.console import Group as Stack
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from sidecar_science.reports.plain import common
from sidecar_science.reports.records import Capture, ExperimentReport, Group, Latency, Report
from sidecar_science.reports.render import advice, remarks, words
from sidecar_science.reports.render.summary import next_step, summarized
from sidecar_science.reports.render.visible import visible

MAX_GROUPS = 10
MAX_WAYS = 8
MAX_PLACES = 3
_BAR = 24
_COMMON = 16
_STYLES = {"matched": "green", "mismatched": "red", "refused": "red", "ignored": "cyan"}
_SIDES = (("A", "control", "green"), ("B", "candidate", "red"))
_ASCII = str.maketrans({"→": "->", "…": "...", "━": "#", "─": "-", "µ": "u"})


def render(report: Report, console: Console) -> None:
    """Print ``report`` on ``console``, in its width, with as much color and as many characters as it has."""
    page = _Page(width=console.width, ascii_only=console.options.ascii_only)
    for part in page.report(report):
        for line in console.render_lines(part, pad=False):
            console.print(Segments([*_trimmed(line), Segment.line()]), end="")


def _trimmed(line: list[Segment]) -> list[Segment]:
    """``line`` without the blanks at its end, with which tables fill up their cells."""
    kept = list(line)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    return [*kept[:-1], Segment(kept[-1].text.rstrip(), kept[-1].style)] if kept else []


class _Page:
    """Makes the parts of the page; every foreign text goes through `visible`, every text through `_text`."""

    def __init__(self, *, width: int, ascii_only: bool) -> None:
        self._width = width
        self._ascii_only = ascii_only

    def report(self, report: Report) -> Iterable[RenderableType]:
        yield self._title(report)
        if not report.experiments:
            yield ""
            yield self._text(next_step(report, visible))
        for experiment in report.experiments:
            yield from self._experiment(experiment)
        yield from self._accounts(report.capture)
        yield from self._summary(report)

    def _title(self, report: Report) -> RenderableType:
        title = Table.grid(expand=True)
        title.add_column(ratio=1)
        title.add_column(justify="right", no_wrap=True)
        name = f"{visible(report.namespace)} on {visible(report.environment)}"
        title.add_row(self._text(name, "bold"), self._text(f"{words.instant(report.generated_at)} UTC", "dim"))
        return title

    def _experiment(self, experiment: ExperimentReport) -> Iterable[RenderableType]:
        yield from self._heading(visible(experiment.name))
        yield from self._headline(experiment)
        yield from self._section("Outcomes", [self._outcomes(experiment)])
        yield from self._section("Why", self._groups(experiment.groups))
        yield from self._section("Noise", [self._text(line) for line in remarks.of_noise(experiment, visible)])
        yield from self._section("Speed", self._speed(experiment.latency))
        yield from self._section("Not compared", self._reasons(experiment))
        yield from self._section("Rules", self._rules(experiment))
        yield from self._section("Ids", [self._text(told) for told in words.contradictions(experiment, visible)])

    def _headline(self, experiment: ExperimentReport) -> Iterable[RenderableType]:
        """One line if it fits, else one of how many and one of how fast."""
        line = words.headline(experiment)
        halves = (words.agreement(experiment), words.speed(experiment.latency))
        yield from map(self._text, [line] if len(line) <= self._width else filter(None, halves))

    def _heading(self, name: str) -> Iterable[RenderableType]:
        title = self._text(name, "bold")
        line = "-" if self._ascii_only else "─"
        yield ""
        yield (Rule(title, align="left", style="dim", characters=line) if title.cell_len < self._width - 4 else title)

    def _section(self, title: str, parts: Sequence[RenderableType]) -> Iterable[RenderableType]:
        if parts:
            yield ""
            yield Padding(self._text(title, "bold"), (0, 0, 0, 2))
            yield from (Padding(part, (0, 0, 0, 2)) for part in parts)

    def _outcomes(self, experiment: ExperimentReport) -> Table:
        table = _grid("left", "right", "right", "left")
        for outcome, n in experiment.outcomes.items():
            if n:
                bar = "━" * max(1, round(_BAR * n / experiment.total))
                cells = (visible(outcome), f"{n:,}", words.percent(n, experiment.total, exact=True))
                table.add_row(*map(self._text, cells), self._text(bar, _STYLES.get(outcome, "yellow")))
        return table

    def _groups(self, groups: Sequence[Group]) -> list[RenderableType]:
        if not groups:
            return []
        table = _grid("right")
        for number, group in enumerate(groups[:MAX_GROUPS]):
            if number:
                table.add_row()
            table.add_row(self._text(words.counted(group.count, "job"), "bold"), self._group(group))
        more = len(groups) - MAX_GROUPS
        hidden = f"… and {words.counted(more, 'more group')}: --format json has them all"
        return [table, self._text(hidden, "dim")] if more > 0 else [table]

    def _group(self, group: Group) -> RenderableType:
        lines: list[RenderableType] = []
        for number, way in enumerate(words.ways(group, visible, MAX_WAYS)):
            lines.append(self._text(way.text))
            if way.place and number < MAX_PLACES:
                lines.append(self._place(way.place))
        told = [*remarks.of_group(group, visible), words.seen(group), words.handle(group, visible)]
        return Stack(*lines, *(self._text(line, "dim") for line in told))

    def _place(self, place: Mapping[str, Any]) -> RenderableType:
        """What the two sides of one job hold at one path; what they have in common is dim."""
        texts = [words.side(place, side) for _, side, _ in _SIDES]
        start = common(*texts)
        end = common(*(text[start:][::-1] for text in texts))
        table = _grid("left")
        for (letter, _, style), words_ in zip(_SIDES, texts, strict=True):
            text = self._text(words_, style)
            if start + end > _COMMON and not self._ascii_only:
                text.stylize("dim", 0, start)
                text.stylize("dim", len(text) - end)
            table.add_row(self._text(letter, "bold"), text)
        return Padding(table, (0, 0, 0, 2))

    def _speed(self, latency: Latency) -> list[RenderableType]:
        if latency.candidate is None:
            return []
        table = _grid("right", "right", "right", "right")
        table.add_row(*(self._text(head, "dim") for head in ("", "A", "B", "B / A")))
        for row in words.speeds(latency):
            table.add_row(*map(self._text, row))
        told = [words.measured(latency), *remarks.of_speed(latency)]
        return [table, *(self._text(line, "dim") for line in told)]

    def _reasons(self, experiment: ExperimentReport) -> list[RenderableType]:
        table = _grid("right")
        for reason, n in words.uncompared(experiment):
            examples = (words.example(one, visible) for one in experiment.examples.get(reason, ())[:2])
            table.add_row(*self._told(n, reason, advice.of_reason(reason).text, *examples))
        return [table] if table.row_count else []

    def _rules(self, experiment: ExperimentReport) -> list[RenderableType]:
        table = _grid("right")
        for one in experiment.rules:
            told = words.rule(one)
            table.add_row(*self._told(one.count, one.rule, *([told] if told else [])))
        return [table] if table.row_count else []

    def _accounts(self, capture: Capture) -> Iterable[RenderableType]:
        yield from self._heading("Accounts")
        for account in (capture.calls, capture.jobs):
            yield self._text(words.account(account), "" if account.balanced else "bold red")
        yield self._text(words.books(capture), "green" if capture.balanced else "bold red")
        table = _grid("right")
        for n, name, told in words.losses(capture):
            table.add_row(*self._told(n, name, told.text, *words.members(name, capture, visible)))
        if table.row_count:
            yield ""
            yield Padding(table, (0, 0, 0, 2))

    def _told(self, n: int, word: str, *lines: str) -> tuple[RenderableType, RenderableType]:
        explained = (self._text(line, "dim") for line in lines)
        return self._text(f"{n:,}", "bold"), Stack(self._text(visible(word)), *explained)

    def _summary(self, report: Report) -> Iterable[RenderableType]:
        summary = summarized(report, visible)
        if not summary.sentences:
            return
        yield from self._heading("In short")
        if len(report.experiments) > 1:
            yield self._overview(report.experiments)
            yield ""
        for sentence in summary.sentences:
            yield self._text(sentence, "green" if summary.good else "")

    def _overview(self, experiments: Sequence[ExperimentReport]) -> Table:
        table = _grid("left", "right", "right", "right", "right", "right", fold=0)
        table.add_row(*(self._text(head, "dim") for head in words.OVERVIEW))
        for experiment in experiments:
            table.add_row(*map(self._text, words.overview(experiment, visible)))
        return table

    def _text(self, words_: str, style: str = "") -> Text:
        if self._ascii_only:
            words_ = words_.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return Text(words_, style=style, overflow="fold")


def _grid(*columns: JustifyMethod, fold: int | None = None) -> Table:
    """A table without lines: ``columns`` by their alignment; a further one, and column ``fold``, may wrap."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for number, justify in enumerate(columns):
        table.add_column(justify=justify, no_wrap=number != fold, overflow="fold")
    return table
