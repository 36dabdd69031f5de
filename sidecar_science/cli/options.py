"""What several commands understand in the same way."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterable

from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Position


def add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="MODULE:SIDECAR", help="where the app declares its sidecar")
    parser.add_argument("--redis-url", metavar="URL", help="read from this Redis instead of the one declared")
    parser.add_argument("--config", metavar="FILE", help="a sidecar.toml, read besides what the app declares")


def add_environment(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--environment", metavar="NAME", required=required, help="the B-branch, such as b-42")


def routes(pairs: Iterable[str]) -> dict[str, str]:
    """``SERVICE=URL`` pairs as a mapping. Raises `UsageError` for what is no pair, and for a service named twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        service, equals, url = pair.partition("=")
        if not equals or not service or not url:
            raise UsageError(
                f"--route {pair!r} cannot be read; expected SERVICE=URL, as in notify=http://127.0.0.1:3193"
            )
        if service in found:
            raise UsageError(f"--route names service {service!r} twice; an environment has one route for each")
        found[service] = url
    return found


def whole_number(text: str, least: int, most: int) -> int:
    """An option's number; raises `argparse.ArgumentTypeError` for one that is out of range, or none."""
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range; expected a whole number from {least} to {most}")
    return int(text)


def names(values: Iterable[str]) -> frozenset[str]:
    """Names, given several times or separated by commas."""
    return frozenset(name.strip() for value in values for name in value.split(",") if name.strip())


def position(text: str) -> Position:
    """``earliest``, ``latest``, or an instant (RFC 3339 with its zone). Raises `UsageError`."""
    if text in ("earliest", "latest"):
        return text  # type: ignore[return-value]
    return instant(text, "--from", "earliest, latest or an instant")


def instant(text: str, option: str, expected: str = "an instant") -> float:
    """An instant (RFC 3339 with its zone), as seconds since the epoch. Raises `UsageError`."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} cannot be read; expected {expected} such as 2026-11-23T02:00Z") from None
    if found.tzinfo is None:
        told = text if ":" in text else f"{text}T00:00"
        raise UsageError(f"{option} {text!r} has no zone; write {told}Z for UTC")
    return found.timestamp()
