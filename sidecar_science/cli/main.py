"""The command `sidecar-worker`: finds the command that was asked for, and turns its errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sidecar_science._version import __version__
from sidecar_science.cli import acknowledge, demo, doctor, environment, job, journal, report, run, settings, verdict
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.parsing import Parser
from sidecar_science.errors import SidecarError

_COMMANDS = (run, report, verdict, job, acknowledge, doctor, journal, environment, settings, demo)

_EXAMPLES = """\
examples:
  # see it work, with nothing set up
  sidecar-worker demo

  # replay reads and writes against a B-branch, until told to end
  sidecar-worker run publisher.experiments:sidecar --environment b-42 \\
      --route publishing-api=http://127.0.0.1:3193 --allow-writes publishing-api

  # work off what is there, then say what differs
  sidecar-worker run publisher.experiments:sidecar --environment b-42 \\
      --route publishing-api=http://127.0.0.1:3193 --burst
  sidecar-worker report publisher.experiments:sidecar --environment b-42

  # may B take A's place? 0 yes, 1 no, 2 not enough data
  sidecar-worker verdict publisher.experiments:sidecar --environment b-42 --min-jobs 5000 --max-mismatch-rate 0.001

  # B has a fresh copy of A's data: begin again where it was taken
  sidecar-worker environment reset publisher.experiments:sidecar --environment b-42 --from 2026-11-23T02:00Z

  # something is off: what, and how to mend it
  sidecar-worker doctor publisher.experiments:sidecar --environment b-42 --route publishing-api=http://127.0.0.1:3193
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.execute(options))
        sys.stdout.flush()
        return code
    except SidecarError as error:
        print(f"sidecar-worker: {error}", file=sys.stderr)  # noqa: T201 - the last word to whoever typed the command
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.UNEXPECTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left of it must not make trouble when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _parser() -> Parser:
    parser = Parser(
        prog="sidecar-worker",
        description="Replays recorded API calls against a B-branch, and says what differs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sidecar-science {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
