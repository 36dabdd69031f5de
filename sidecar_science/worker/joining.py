"""Taking an environment up in the journal, at the start and after somebody has taken its groups away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sidecar_science.journal.protocol import Joined, Journal, Position
from sidecar_science.reports.instants import rfc3339


def join(journal: Journal, start: Position, *, epoch: str | None, routes: Mapping[str, str], log: Any) -> Joined:
    """Join, and say so when the environment had been given up meanwhile."""
    joined = journal.join(start, epoch=epoch, routes=routes)
    _tell_expired(joined, journal.environment, log)
    return joined


def join_again(journal: Journal, why: Exception, *, epoch: str | None, routes: Mapping[str, str], log: Any) -> Joined:
    """Join where a group is missing: somebody has deleted it or its stream, or flushed the server.

    What is in the journal now is all to be read. The epoch is told to an environment that is not known any more; a
    known one may have got another one since.
    """
    joined = journal.join(routes=routes)
    if joined.new and epoch is not None:
        joined = attrs.evolve(journal.join(epoch=epoch), new=True)
    log.warning(
        "journal.joined_again", environment=journal.environment, forgotten=joined.new, why=str(why),
        remedy="see what was lost in the report's capture; keys of which jobs may be missing on B are tainted",
    )  # fmt: skip
    _tell_expired(joined, journal.environment, log)
    return joined


def _tell_expired(joined: Joined, environment: str, log: Any) -> None:
    if joined.expired is not None:
        log.warning(
            "environment.expired", environment=environment, at=rfc3339(joined.expired),
            remedy="nobody had worked in it for long, and what it had not read is counted as expired; "
            "the setting environment_ttl says for how long the journal waits",
        )  # fmt: skip
