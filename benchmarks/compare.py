"""How long comparing two answers takes, side by side with the libraries that people would use instead.

    python -m benchmarks.compare [--quick]

Payloads of 1, 20 and 1,000 KB, equal and with three differences; all subjects in turns, the least of several rounds.
The floors are `a == b`, which takes true for 1 and names nothing, and a bare recursive walk that tells types apart.
None of the libraries does what ours does: they differ in types, in lists and in what they name, and we say so below
each table by how many differences each one found.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

import deepdiff
import dictdiffer
import jsondiff
import jsonpatch
import ormsgpack

from benchmarks.codec import page
from sidecar_science.comparison.compare import compare
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.rules import rule_from
from sidecar_science.comparison.sieve import RuleSet

SIZES: Final = {"1 KB": 4, "20 KB": 125, "1,000 KB": 6_400}
TOO_SLOW: Final = {("jsondiff", "1,000 KB")}
"""It takes two minutes a call there: its lists are compared each element with each."""
LIBRARIES: Final = ("deepdiff", "jsondiff", "dictdiffer", "jsonpatch")
EQUAL_TARGET: Final = {"1 KB": 10, "20 KB": 25, "1,000 KB": 25}
DIFFERENT_TARGET: Final = 10
WALK_TARGET: Final = 3
ORIGINS: Final = Origins({"shop": ("https://shop.internal",)}, {"shop": "http://127.0.0.1:3000"})
RULES: Final = RuleSet(
    rule_from(table)
    for table in [
        {"rule": "ignore", "path": "$.updated_at"},
        {"rule": "instant", "path": "$.public_updated_at"},
        {"rule": "unordered", "path": "$.links.organisations"},
    ]
)


def pair(paragraphs: int, different: bool) -> tuple[Any, Any]:
    """A payload and its copy, which differs at three places if it is to."""
    control = page(paragraphs)
    candidate = copy.deepcopy(control)
    if different:
        candidate["title"] = "Another title"
        candidate["details"]["history"][paragraphs // 2]["note"] = "Another note"
        del candidate["details"]["political"]
    return control, candidate


def bare_walk(control: Any, candidate: Any) -> int:
    """How many places differ, types told apart, lists index by index: nothing is named and nothing bounded."""
    kind = type(control)
    if kind is not type(candidate):
        return 1
    if kind is dict:
        found = len(control.keys() ^ candidate.keys())
        for key, value in control.items():
            if key in candidate:
                found += bare_walk(value, candidate[key])
        return found
    if kind is list:
        found = len(control) != len(candidate)
        for one, other in zip(control, candidate, strict=False):
            found += bare_walk(one, other)
        return found
    return control != candidate


def subjects(control: Any, candidate: Any) -> dict[str, Callable[[], Any]]:
    """What compares the two; each gives something whose length says how much it found."""
    a, b = Observed(value=control), Observed(value=candidate)
    return {
        "diff": lambda: diff(control, candidate),
        "compare, origins mapped": lambda: compare(a, b, origins=ORIGINS),
        "compare, origins and rules": lambda: compare(a, b, origins=ORIGINS, rules=RULES),
        "a == b": lambda: control == candidate,
        "bare typed walk": lambda: bare_walk(control, candidate),
        "deepdiff": lambda: deepdiff.DeepDiff(control, candidate),
        "jsondiff": lambda: jsondiff.diff(control, candidate),
        "dictdiffer": lambda: list(dictdiffer.diff(control, candidate)),
        "jsonpatch": lambda: jsonpatch.make_patch(control, candidate).patch,
    }


def least(functions: Mapping[str, Callable[[], Any]], rounds: int, seconds: float) -> dict[str, float]:
    """The least microseconds of each, all of them tried in turns; what is slow is tried less often."""
    times: dict[str, int] = {}
    found: dict[str, float] = {}
    for name, function in functions.items():
        started = perf_counter()
        function()
        found[name] = (perf_counter() - started) * 1e6
        times[name] = max(1, int(seconds * 1e6 / found[name]))
    for number in range(rounds):
        for name, function in functions.items():
            if found[name] > 200_000 and number >= 2:
                continue
            started = perf_counter()
            for _ in range(times[name]):
                function()
            found[name] = min(found[name], (perf_counter() - started) / times[name] * 1e6)
    return found


def table(different: bool, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Microseconds by subject and size."""
    found: dict[str, dict[str, float]] = {}
    for size, paragraphs in SIZES.items():
        control, candidate = pair(paragraphs, different)
        print(f"  {size}: {len(ormsgpack.packb(control)):,} bytes", file=sys.stderr)
        tried = {name: call for name, call in subjects(control, candidate).items() if (name, size) not in TOO_SLOW}
        for name, time in least(tried, rounds, seconds).items():
            found.setdefault(name, {})[size] = time
    return found


def show(title: str, times: Mapping[str, Mapping[str, float]], wanted: Mapping[str, float]) -> None:
    """One table of Markdown, and the targets below it."""
    print(f"\n### {title}, µs\n\n| | {' | '.join(SIZES)} |\n|---|{'---:|' * len(SIZES)}")
    for name, row in times.items():
        print(f"| {name} | {' | '.join(_digits(row.get(size)) for size in SIZES)} |")
    print(f"\n| `diff` against | {' | '.join(SIZES)} |\n|---|{'---:|' * len(SIZES)}")
    fastest = {size: min(LIBRARIES, key=lambda name: times[name].get(size, math.inf)) for size in SIZES}
    cells = [_judged(times[fastest[size]][size] / times["diff"][size], wanted[size], fastest[size]) for size in SIZES]
    print(f"| the fastest library: times faster | {' | '.join(cells)} |")
    walks = [times["diff"][size] / times["bare typed walk"][size] for size in SIZES]
    judged = [f"{ratio:.2f} {'✔' if ratio <= WALK_TARGET else '✘'}" for ratio in walks]
    print(f"| the bare typed walk: times its time (at most {WALK_TARGET}) | {' | '.join(judged)} |")


def _judged(ratio: float, wanted: float, library: str) -> str:
    return f"{ratio:.0f} x {library} (at least {wanted:.0f}) {'✔' if ratio >= wanted else '✘'}"


def _digits(time: float | None) -> str:
    if time is None:
        return "minutes"
    return f"{time:,.0f}" if time >= 100 else f"{time:.3g}"


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description="comparing, beside deepdiff, jsondiff, dictdiffer and jsonpatch")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    rounds, seconds = (3, 0.005) if quick else (15, 0.02)
    show("Equal payloads", table(False, rounds, seconds), EQUAL_TARGET)
    show("Three differences", table(True, rounds, seconds), dict.fromkeys(SIZES, DIFFERENT_TARGET))


if __name__ == "__main__":
    main()
