"""Where a report comes from: whoever keeps an environment's tallies and accounts, as a journal does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs

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


def report_of(
    store: Store, *, namespace: str, generated_at: float, declared: Mapping[str, Sequence[str]] | None = None
) -> Report:
    """The report of what ``store`` holds, at the instant ``generated_at`` (seconds since the epoch).

    ``declared`` gives the rules of comparison of each experiment as text, so that those can be told which explain
    nothing.
    """
    accounts = store.accounts()
    capture = {name: getattr(accounts, name) for name in attrs.fields_dict(Capture) if hasattr(accounts, name)}
    return build(namespace, store.environment, generated_at, capture, store.tallies(), declared or {})
