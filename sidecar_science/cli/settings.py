"""``sidecar-worker settings``: what the app and the workers follow while they run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sidecar_science.cli import options as common
from sidecar_science.cli import tables
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.moving import NOBODY
from sidecar_science.cli.opening import opened
from sidecar_science.errors import UsageError
from sidecar_science.journal.layout import check_setting
from sidecar_science.recording.rates import Rates
from sidecar_science.reports.render.visible import visible
from sidecar_science.sidecar import Sidecar

_ONE: Final = "sample|"
_KNOWN: Final = {
    "enabled": ("on", "whether the app records at all: on or off"),
    "sample": ("as declared", "share of the entities that are recorded, from 0 to 1"),
    "retention": ("0", "for how many seconds settled jobs stay"),
    "environment_ttl": ("604800", "after how many seconds without a worker an environment expires"),
}
_EXPECTED: Final = {"enabled": "on or off", "sample": "a share from 0 to 1, such as 0.1"}


def add(commands: Any) -> None:
    parser = commands.add_parser("settings", help="what the app and the workers follow while they run")
    common.add_target(parser)
    parser.add_argument(
        "settings", nargs="*", metavar="NAME[=VALUE]",
        help="show one, set it, or unset it (NAME=); without any, all are shown. Of one experiment: 'sample|NAME=0.1'",
    )  # fmt: skip
    parser.any_order = True
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Nothing is changed unless all that was asked for can be."""
    with opened(arguments, NOBODY) as (sidecar, journal):
        asked = [_asked(sidecar, text) for text in arguments.settings]
        for name, value in asked:
            if value is not None:
                journal.configure(name, value or None)
        now = journal.settings()
    names = [name for name, _ in asked] or [*_KNOWN, *sorted(set(now) - set(_KNOWN))]
    tables.show(("setting", "value", "what it is"), _rows(names, now))
    return Exit.OK


def _asked(sidecar: Sidecar, text: str) -> tuple[str, str | None]:
    """A setting's name, and its new value: None leaves it, "" unsets it."""
    name, equals, value = text.partition("=")
    if not equals or not value:
        # What somebody has set by hand may be looked at, and unset.
        return name, "" if equals else None
    _check_name(sidecar, name)
    check_setting(name, value)
    if Rates.read({name: value}).unreadable:
        expected = _EXPECTED["enabled" if name == "enabled" else "sample"]
        raise UsageError(f"the setting {name} cannot be {value!r}; expected {expected}. Nothing was changed")
    return name, value


def _check_name(sidecar: Sidecar, name: str) -> None:
    if name.startswith(_ONE):
        experiment, declared = name.removeprefix(_ONE), sorted(sidecar.experiments)
        if experiment not in declared:
            raise UsageError(f"no experiment {experiment!r} is declared (declared: {', '.join(declared) or 'none'})")
    elif name not in _KNOWN:
        raise UsageError(f"there is no setting {name!r}; expected one of {', '.join(_KNOWN)}, or {_ONE}EXPERIMENT")


def _rows(names: list[str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys(names):
        default, what = (
            _KNOWN.get(name, ("as sample", ""))
            if not name.startswith(_ONE)
            else ("as sample", "the same, of one experiment")
        )
        yield visible(name), visible(now.get(name, f"({default})")), what
