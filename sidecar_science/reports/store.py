"""Where a report comes from: whoever keeps an environment's tallies and accounts, as a journal does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import attrs

from sidecar_science.reports.acknowledging import with_notes
from sidecar_science.reports.records import Capture, Report
from sidecar_science.reports.report import build


class Store(Protocol):
    """What a report is made from; the twins of `sidecar_science.journal.protocol.Journal` are such stores."""

    @property
    def environment(self) -> str:
        """Whose tallies these are."""
        ...

    def tallies(self) -> Iterable[Mapping[Any, Any]]:
        """Each partition's fields."""
        ...

    def accounts(self) -> Any:
        """An object with the numbers of `Capture` as attributes of the same names."""
        ...

    def notes(self) -> Mapping[str, str]:
        """What people have noted, by the name of what it is about."""
        ...


def report_of(store: Store, *, namespace: str, generated_at: float) -> Report:
    """The report of what ``store`` holds, at the instant ``generated_at`` (seconds since the epoch)."""
    accounts = store.accounts()
    capture = {name: getattr(accounts, name) for name in attrs.fields_dict(Capture) if hasattr(accounts, name)}
    return with_notes(build(namespace, store.environment, generated_at, capture, store.tallies()), store.notes())
