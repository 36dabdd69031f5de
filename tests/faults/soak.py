"""Many seeds of random faults, one after the other; it goes on where it was interrupted.

``python -m tests.faults.soak --seeds 1-20 --jobs 5000`` adds one line of JSON to the results file for each seed, and
leaves out the seeds that are in it already. It ends with 1 if any seed broke a promise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.checker import unflagged
from tests.faults.nemesis import Nemesis, Plan, Result
from tests.faults.rig import Rig


def run_seed(plan: Plan, directory: Path, **options: Any) -> Result:
    """One run in ``directory``."""
    with Rig(directory, **options) as rig:
        return Nemesis(rig, plan).run()


def as_line(result: Result) -> dict[str, Any]:
    """What is kept of a run."""
    return {
        "seed": result.plan.seed,
        "consumer": result.plan.consumer,
        "calls": len(result.history.calls),
        "executions": len(result.history.executions),
        "faults": dict(result.faults),
        "outcomes": dict(Counter(ending.full for ending in result.history.endings)),
        "findings": [str(finding) for finding in unflagged(result.findings)],
        "flagged": [str(finding) for finding in result.findings if finding.flagged],
        "seconds": round(result.seconds, 1),
    }


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _known(results: Path) -> set[int]:
    if not results.exists():
        return set()
    return {json.loads(line)["seed"] for line in results.read_text().splitlines()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=_seeds, default=_seeds("1-20"), metavar="FIRST-LAST")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long calls are made")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--consumer", choices=("worker", "textbook"), default="worker")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--valkey", action="store_true", help="Valkey instead of Redis")
    parser.add_argument("--more", action="store_true", help="kill B too, and end leases early")
    parser.add_argument("--kill-app", action="store_true", help="kill the app once in every run")
    parser.add_argument("--results", type=Path, default=Path("soak.jsonl"))
    parser.add_argument("--keep", type=Path, help="keep what the runs wrote in this folder")
    options = parser.parse_args()
    for seed in [seed for seed in options.seeds if seed not in _known(options.results)]:
        plan = Plan(
            seed=seed, jobs=options.jobs, seconds=options.seconds, workers=options.workers,
            consumer=options.consumer, kill_app=options.kill_app, more=options.more,
        )  # fmt: skip
        result = _run(plan, options.keep, partitions=options.partitions, valkey=options.valkey)
        print(result, flush=True)
        with options.results.open("a") as file:
            file.write(json.dumps(as_line(result)) + "\n")
    return _verdict(options.results)


def _run(plan: Plan, keep: Path | None, **options: Any) -> Result:
    if keep is not None:
        directory = keep / f"seed-{plan.seed}"
        directory.mkdir(parents=True, exist_ok=False)
        return run_seed(plan, directory, **options)
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        return run_seed(plan, Path(temporary), **options)


def _verdict(results: Path) -> int:
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    failed = [line["seed"] for line in lines if line["findings"]]
    calls = sum(line["calls"] for line in lines)
    print(f"{len(lines)} seeds, {calls} calls; seeds with broken promises: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
