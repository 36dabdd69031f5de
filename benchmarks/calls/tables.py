"""The figures as Markdown, which also reads well in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.calls.blocked import Blocking
from benchmarks.calls.figures import BySize, Figures, Outage
from benchmarks.calls.pacing import quantile
from benchmarks.calls.payloads import SIZES
from benchmarks.calls.queues import XADD
from benchmarks.calls.rounds import BARE, Added
from benchmarks.calls.subjects import ARGUMENT
from benchmarks.calls.targets import fastest_queue, targets


def render(figures: Figures) -> str:
    """All tables, in the order in which they were measured."""
    return "\n\n".join(
        (
            f"### Added per call, µs: paced, {figures.rate:g}/s after {figures.work:g} µs of other work, Redis healthy",
            _added(figures.healthy, cpu=True),
            _ratios(figures),
            "### Calls that are not recorded, 1 KB, paced, µs",
            table(["", "p50", "p99"], [[name, *_pair(added)] for name, added in _others(figures.idle)]),
            "### Added per call, µs: flat out, Redis healthy",
            _added(figures.flat, cpu=True),
            "### What the process pays besides",
            _besides(figures),
            "### Redis hung (SIGSTOP): added per call, µs, paced",
            _outage(figures.hung),
            "### Redis down: added per call, µs, paced",
            _outage(figures.down),
            "### Targets (1 KB; paced, unless it says otherwise)",
            _targets(figures),
        )
    )


def _added(by_size: BySize, *, cpu: bool = False) -> str:
    head = ["", *(f"{size} {what}" for size in SIZES for what in ("p50", "p99"))] + ["max", "CPU"] * cpu
    rows = []
    for name, added in _others(by_size["1 KB"]):
        row = [name]
        for size in SIZES:
            row += _pair(by_size[size][name]) if name in by_size[size] else ["", ""]
        rows.append(row + [_micros(added.worst), _micros(added.cpu_per_call)] * cpu)
    return table(head, rows)


def _ratios(figures: Figures) -> str:
    queue = fastest_queue(figures.healthy["1 KB"])
    rows = []
    for size in SIZES:
        found = figures.healthy[size]
        ours = found[ARGUMENT].p50
        rows.append([size, f"{ours / found[XADD].p50:.2f}", f"{ours / found[queue].p50:.2f}"])
    return table(["our p50 as a share of", XADD, f"{queue} (the fastest queue)"], rows)


def _besides(figures: Figures) -> str:
    accounts = figures.accounts
    late = {name: quantile(figures.healthy["1 KB"][name].late, 0.99) for name in (BARE, ARGUMENT)}
    rates = ", ".join(f"{rate:,.0f} at {size}" for size, rate in figures.drained.items())
    return "\n".join(
        (
            f"- The drain thread ships, while nobody calls, jobs per second: {rates}.",
            f"- A caller that sleeps until its next call is late by (p99): {late[BARE]:.0f} µs undecorated, "
            f"{late[ARGUMENT]:.0f} µs recorded, at 1 KB.",
            f"- Accounts while Redis was healthy: {accounts['called']:,} called = {accounts['recorded']:,} recorded + "
            f"{accounts['sampled_out']:,} sampled out + {sum(accounts['dropped'].values()):,} dropped.",
        )
    )


def _outage(outage: Outage) -> str:
    rows = [[name, _blocked(told, outage.patience), told.raised] for name, told in outage.others.items()]
    return _added(outage.ours) + "\n\n" + table(["one call blocks for", "seconds", "raises"], rows)


def _blocked(told: Blocking, patience: float) -> str:
    if not told.took:
        return f"> {patience:g}"
    return " / ".join(f"{took:.4f}" if took < 0.1 else f"{took:.1f}" for took in told.took)


def _targets(figures: Figures) -> str:
    rows = [[t.what, _micros(t.measured), _micros(t.bound), t.verdict] for t in targets(figures)]
    return table(["", "measured", "at most", ""], rows)


def _others(added: Mapping[str, Added]) -> list[tuple[str, Added]]:
    return [(name, one) for name, one in added.items() if name != BARE]


def _pair(added: Added) -> list[str]:
    return [_micros(added.p50), _micros(added.p99)]


def _micros(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up: names to the left, figures to the right."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = [head, ["-" * (width - 1) + (":" if n else "-") for n, width in enumerate(widths)], *rows]
    return "\n".join(
        "| "
        + " | ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(line, widths, strict=True)))
        + " |"
        for line in lines
    )
