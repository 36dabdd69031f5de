"""Opening the journal for a command."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sidecar_science.cli.target import adopt, load
from sidecar_science.errors import UsageError
from sidecar_science.journal.protocol import Journal
from sidecar_science.journal.redis import connect, open_journal
from sidecar_science.sidecar import Sidecar
from sidecar_science.translation.redis import RedisIds
from sidecar_science.worker.supervising.duty import Standing

SECONDS = 2.0
"""How long one look at the ids may wait for Redis."""


def open_for(
    sidecar: Sidecar, environment: str, own: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
) -> Journal:
    """The journal of ``sidecar``, as ``environment`` sees it."""
    return open_journal(sidecar.redis_url, sidecar.namespace, environment, partitions=sidecar.partitions, own=own)


def open_of(standing: Standing) -> Journal:
    """The journal of a worker process that is gone, for one word to it: the supervisor waits for no slow answer."""
    return open_journal(
        standing.redis_url, standing.namespace, standing.environment, partitions=standing.partitions,
        socket_timeout=1.0,
    )  # fmt: skip


@contextlib.contextmanager
def opened(arguments: argparse.Namespace, environment: str | None = None) -> Iterator[tuple[Sidecar, Journal]]:
    """The sidecar that a command line names, and its journal as the environment that it names (or ``environment``)."""
    sidecar = adopt(load(arguments.target), arguments.redis_url, arguments.config)
    journal = open_for(sidecar, environment or arguments.environment)
    try:
        yield sidecar, journal
    finally:
        journal.close()


def ids_for(
    sidecar: Sidecar, environment: str, own: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
) -> RedisIds | None:
    """What ``environment`` knows of its ids; None where no experiment declares any."""
    if not any(experiment.ids for experiment in sidecar.experiments.values()):
        return None
    link = connect(sidecar.redis_url, socket_timeout=SECONDS, connect_timeout=2.0, own=own)
    return RedisIds(link, sidecar.namespace, environment)


def require_known(journal: Journal) -> None:
    """Raise `UsageError` when no worker has ever run in the journal's environment."""
    known = [environment.name for environment in journal.environments()]
    if journal.environment not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f"environment {journal.environment!r} is not known in this journal (known: {names}); "
            "start a worker with --environment first"
        )
