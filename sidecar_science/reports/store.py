"""Where a report comes from: whoever keeps an environment's tallies and accounts, as a journal does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from sidecar_science.reports.acknowledging import with_notes
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.records import Capture, Report, Unclean
from sidecar_science.reports.report import build

_LOOKS: Final = 3


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

    def producers(self) -> Iterable[Any]:
        """The recording processes that have told of themselves, as `sidecar_science.journal.records.Producer`."""
        ...

    def notes(self) -> Mapping[str, str]:
        """What people have noted, by the name of what it is about."""
        ...


def report_of(
    store: Store, *, namespace: str, generated_at: float, declared: Mapping[str, Sequence[str]] | None = None
) -> Report:
    """The report of what ``store`` holds, at the instant ``generated_at`` (seconds since the epoch).

    ``declared`` gives the rules of comparison of each experiment as text, so that those can be told which explain
    nothing.
    """
    capture = capture_of(store)
    told = {name: getattr(capture, name) for name in attrs.fields_dict(Capture)}
    report = build(namespace, store.environment, generated_at, told, store.tallies(), declared or {})
    return with_notes(report, store.notes())


def capture_of(store: Store) -> Capture:
    """Where every call went, as ``store`` tells it. What does not balance is looked at again: what the apps tell and
    what they ship is not read in one moment, and a defect stays."""
    capture = _capture(store)
    for _ in range(_LOOKS - 1):
        if capture.balanced:
            break
        capture = _capture(store)
    return capture


def _capture(store: Store) -> Capture:
    accounts = store.accounts()
    told = {name: getattr(accounts, name) for name in attrs.fields_dict(Capture) if hasattr(accounts, name)}
    return Capture(**told, unclean_producers=tuple(_unclean(store.producers())))


def _unclean(producers: Iterable[Any]) -> Iterator[Unclean]:
    for one in sorted(producers, key=lambda producer: producer.at):
        if one.unclean:
            yield Unclean(
                producer=one.id, host=one.host, pid=one.pid, at=rfc3339(one.at), buffered=max(0, one.outstanding)
            )
