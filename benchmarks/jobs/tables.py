"""The figures of `benchmarks.worker` as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import attrs

from benchmarks.calls.tables import table
from benchmarks.jobs.contenders import BARE, OURS
from benchmarks.jobs.measuring import Rate


@attrs.frozen
class Cell:
    """One set-up: payload, latency of B in milliseconds, and how many jobs at a time."""

    size: str
    latency: int
    concurrency: int

    @property
    def title(self) -> str:
        return f"{self.size}, {self.latency} ms, {self.concurrency}"


Figures = Mapping[Cell, Mapping[str, Sequence[Rate]]]


def render(figures: Figures) -> str:
    """Rates, CPU, and the ratios that are promised, with their bounds."""
    return "\n\n".join(
        (
            "### Jobs per second on one core (payload, latency of B, jobs at a time)",
            _each(figures, lambda rates: f"{_jobs(rates):,.0f}"),
            "### CPU per job, µs, all processes of the contender",
            _each(figures, lambda rates: f"{_cpu(rates):,.0f}"),
            "### Ours as a multiple of the others: the median of the rounds' ratios",
            _ratios(figures),
        )
    )


def _each(figures: Figures, shown: object) -> str:
    assert callable(shown)
    names = list(next(iter(figures.values())))
    rows = [[name, *(shown(rates[name]) for rates in figures.values())] for name in names]
    return table(["", *(cell.title for cell in figures)], rows)


def _ratios(figures: Figures) -> str:
    rows = []
    for cell, rates in figures.items():
        queues = [name for name in rates if name not in (OURS, BARE)]
        best = max(queues, key=lambda name: _jobs(rates[name]), default=None)
        bare, queue = _ratio(rates, BARE), _ratio(rates, best) if best else 0.0
        bounds = (1.0, 1.3) if cell.latency == 0 else (0.95, 0.0)
        met = bare >= bounds[0] and queue >= bounds[1]
        rows.append([
            cell.title, f"{bare:.2f}", f"{bounds[0]:.2f}",
            f"{queue:.2f} ({best})", f"{bounds[1]:.2f}" if bounds[1] else "", "met" if met else "missed",
        ])  # fmt: skip
    return table(["", f"of the {BARE}", "at least", "of the best queue", "at least", ""], rows)


def _ratio(rates: Mapping[str, Sequence[Rate]], other: str) -> float:
    """Of each round by itself, so that what else the machine does meets both sides."""
    return statistics.median(a.jobs / b.jobs for a, b in zip(rates[OURS], rates[other], strict=True))


def _jobs(rates: Sequence[Rate]) -> float:
    return statistics.median(rate.jobs for rate in rates)


def _cpu(rates: Sequence[Rate]) -> float:
    return statistics.median(rate.cpu for rate in rates)
