"""``sidecar-worker verdict``: whether B may take A's place, for a deploy pipeline."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from sidecar_science.cli import options as common
from sidecar_science.cli.exits import Judged
from sidecar_science.cli.opening import open_for, require_known
from sidecar_science.cli.target import adopt, load, read_configuration
from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import JournalUnavailable, UsageError
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.render import github, junit
from sidecar_science.reports.render import verdict as text
from sidecar_science.reports.store import report_of
from sidecar_science.reports.verdict import Standing, Verdict, judge

POLL_SECONDS: Final = 2.0
LOOKS: Final = 3
_FORMATS: Final = {"text": text.render, "json": text.as_json, "junit": junit.render, "github": github.render}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "verdict", help="whether B may take A's place: exit code 0, 1, or 2 for too little data"
    )
    common.add_target(parser)
    common.add_environment(parser)
    parser.add_argument("--min-jobs", type=_whole, metavar="N", help="compared jobs of each experiment (default 1)")
    parser.add_argument(
        "--min-status-jobs", action="append", default=[], metavar="CLASS=N",
        help="compared jobs in which A answered so, as in 4xx=20",
    )  # fmt: skip
    parser.add_argument(
        "--max-mismatch-rate", type=_number, metavar="R",
        help="share of compared jobs that may mismatch, shown with a confidence of 95 %% (default 0.01)",
    )  # fmt: skip
    parser.add_argument("--max-slowdown", type=_number, metavar="X", help="B's p95 as a multiple of A's")
    parser.add_argument(
        "--max-failed-rate", type=_number, metavar="R", help="share of jobs that may fail on B (default 0.01)"
    )
    parser.add_argument("--allow-group", action="append", default=[], metavar="FINGERPRINT", help="a known difference")
    parser.add_argument(
        "--optional", action="append", default=[], metavar="EXPERIMENT", help="an experiment that may have too few jobs"
    )
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text")
    parser.add_argument("--wait", action="store_true", help="ask again while there is not enough data")
    parser.add_argument("--deadline", type=_number, default=600.0, metavar="SECONDS", help="of --wait (default 600)")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    policy = _policy(arguments)
    if not 0 <= arguments.deadline < threading.TIMEOUT_MAX:
        raise UsageError(f"--deadline is {arguments.deadline}; expected seconds, such as 600")
    sidecar = adopt(load(arguments.target), arguments.redis_url, arguments.config)
    journal = open_for(sidecar, arguments.environment)

    def look() -> Verdict:
        require_known(journal)
        report = report_of(journal, namespace=sidecar.namespace, generated_at=SYSTEM_CLOCK.wall())
        return judge(report, policy, sidecar.experiments)

    try:
        waiting = Waiting(look, SYSTEM_CLOCK)
        verdict = waiting.until(arguments.deadline) if arguments.wait else waiting.once()
    finally:
        journal.close()
    _print(_FORMATS[arguments.format](verdict))
    return Judged.of(verdict.standing)


class Waiting:
    """Asks for a verdict, once or until there is one."""

    def __init__(self, look: Callable[[], Verdict], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._never = threading.Event()

    def once(self) -> Verdict:
        """The verdict now. Sums that do not come out are looked at again: a worker may have settled in between."""
        verdict = self._look()
        for _ in range(LOOKS - 1):
            if not _only_unbalanced(verdict):
                break
            self._clock.wait(self._never, POLL_SECONDS / 2)
            verdict = self._look()
        return verdict

    def until(self, seconds: float) -> Verdict:
        """The first verdict that is not for want of data, or the last one before ``seconds`` have passed.

        An environment that nobody has joined yet, and a journal that does not answer, are waited for too: what they
        raise is raised when the time is over.
        """
        deadline = self._clock.monotonic() + seconds
        while True:
            left = deadline - self._clock.monotonic()
            try:
                verdict = self.once()
                if verdict.standing is not Standing.NOT_ENOUGH_DATA or left <= 0:
                    return verdict
            except (JournalUnavailable, UsageError):
                if left <= 0:
                    raise
            self._clock.wait(self._never, min(POLL_SECONDS, max(0.0, left)))


def _only_unbalanced(verdict: Verdict) -> bool:
    failed = {one.rule for one in verdict.findings if one.standing is Standing.FAIL}
    return failed == {"balance"}


def _policy(arguments: argparse.Namespace) -> Policy:
    told = read_configuration(arguments.config).policy
    return Policy.from_table(told, "the file's [policy]").with_(
        min_jobs=arguments.min_jobs,
        min_status_jobs=dict(map(_pair, arguments.min_status_jobs)),
        max_mismatch_rate=arguments.max_mismatch_rate,
        max_slowdown=arguments.max_slowdown,
        max_failed_rate=arguments.max_failed_rate,
        allowed=common.names(arguments.allow_group),
        optional=common.names(arguments.optional),
    )


def _pair(text_: str) -> tuple[str, int]:
    status, _, least = text_.partition("=")
    if not least.isdecimal():
        raise UsageError(f"--min-status-jobs {text_!r} cannot be read; expected CLASS=N, as in 4xx=20")
    return status, int(least)


def _whole(text_: str) -> int:
    return common.whole_number(text_, 0, 10**12)


def _number(text_: str) -> float:
    try:
        return float(text_)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text_!r} is no number") from None


def _print(written: str) -> None:
    # A terminal or pipe that knows no UTF-8 gets escapes instead of an error.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(written.encode(encoding, "backslashreplace").decode(encoding))
