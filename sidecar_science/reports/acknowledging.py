"""Known groups: what somebody said of them, and until when that holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import attrs

from sidecar_science.errors import UsageError
from sidecar_science.reports.instants import instant
from sidecar_science.reports.records import Acknowledgement, Report

MAX_NOTE: Final = 500
_GROUP: Final = "group|"
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


def name_of(fingerprint: str) -> str:
    """Under which name a store keeps what is noted of a group; raises `UsageError` for what is no fingerprint."""
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise UsageError(f"{fingerprint!r} is no group; expected the sixteen digits that the report shows with it")
    return _GROUP + fingerprint


def to_note(acknowledgement: Acknowledgement) -> str:
    """The text that a store keeps. Raises `UsageError` for a note that is empty or long."""
    if not 0 < len(acknowledgement.note.strip()) <= MAX_NOTE:
        raise UsageError(f"a note of {len(acknowledgement.note)} characters; expected 1 to {MAX_NOTE} that say why")
    told = attrs.asdict(acknowledgement, filter=attrs.filters.exclude("expired"))
    return json.dumps(told, separators=(",", ":"))


def from_note(text: str, now: str) -> Acknowledgement | None:
    """What `to_note` gave, as it stands at the instant ``now``; None for anything else."""
    try:
        told = json.loads(text)
        at, until = instant(told["at"]), instant(told["until"])
        return Acknowledgement(note=str(told["note"]), at=at, until=until, expired=until <= now)
    except (LookupError, TypeError, ValueError):
        return None


def with_notes(report: Report, notes: Mapping[str, str]) -> Report:
    """``report``, its groups with what ``notes`` say of them."""
    told = {name: from_note(text, report.generated_at) for name, text in notes.items()}
    experiments = tuple(
        attrs.evolve(
            experiment,
            groups=tuple(
                attrs.evolve(group, acknowledged=told.get(_GROUP + group.fingerprint)) for group in experiment.groups
            ),
        )
        for experiment in report.experiments
    )
    return attrs.evolve(report, experiments=experiments)
