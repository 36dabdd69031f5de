"""One job made again on B, by hand: under the same guard as a worker's, and counted nowhere."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import attrs

from sidecar_science.clock import Clock
from sidecar_science.errors import EgressRefused
from sidecar_science.journal.job import Job, Stamp
from sidecar_science.reports.excerpt import excerpt
from sidecar_science.reports.instants import rfc3339
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.plain import fitted
from sidecar_science.routing.current import Current
from sidecar_science.sidecar import Sidecar
from sidecar_science.translation.idmap import IdMap
from sidecar_science.worker.assembly import Settings, replay_factory
from sidecar_science.worker.deadline import Deadlines
from sidecar_science.worker.endings import Broken, NotSent
from sidecar_science.worker.plan import Plan
from sidecar_science.worker.replay import Replay, Ticket

MAX_SIDE: Final = 64 * 1024
_MARGIN: Final = 5.0


@attrs.frozen(kw_only=True)
class Again:
    """Where a job is made again. The process must have been prepared (`prepare_process`), with the same ``current``.

    ``ids`` are those of its environment, to be read alone.
    """

    sidecar: Sidecar
    settings: Settings
    current: Current
    clock: Clock
    ids: IdMap | None = None

    def replay(self, job: Job, stamp: Stamp) -> Replayed:
        """What comes of ``job`` on B now. It is sent once, whatever it is, and nothing of it is settled."""
        socket.setdefaulttimeout(max([_MARGIN, *(each.timeout for each in self.sidecar.experiments.values())]))
        # What is called, and so whether it writes, comes from the declarations: a job decides nothing about itself.
        plans: list[Plan] = []
        with self._replay() as replay:
            try:
                return replay.replay(Ticket(job=job, key_id=stamp.key_id), lambda plan: plans.append(plan))
            except NotSent as error:
                return self._ended(job, Outcome.FAILED, "unreachable", str(error))
            except Broken as error:
                detail = f"the connection broke after the request was sent ({error})"
                if any(plan.writes for plan in plans):
                    return self._ended(job, Outcome.UNKNOWN, None, detail)
                return self._ended(job, Outcome.FAILED, "unreachable", detail)
            except EgressRefused as error:
                return self._ended(job, Outcome.REFUSED, None, str(error))

    @contextlib.contextmanager
    def _replay(self) -> Iterator[Replay]:
        deadlines = Deadlines(self.clock)
        deadlines.start()
        replay = replay_factory(self.sidecar, self.settings, self.current, self.clock, deadlines, ids=self.ids)()
        try:
            yield replay
        finally:
            replay.close()
            deadlines.stop()

    def _ended(self, job: Job, outcome: Outcome, reason: str | None, detail: str) -> Replayed:
        return Replayed(
            job=job.id, experiment=job.experiment, outcome=outcome, reason=reason, detail=detail,
            settled_at=self.clock.wall(),
        )  # fmt: skip


def told(replayed: Replayed) -> dict[str, Any]:
    """What came of it, as JSON data: as a report would keep it, but for its size."""
    sample = excerpt(replayed.job, replayed.control, replayed.candidate, replayed.differences)
    return {
        "at": rfc3339(replayed.settled_at),
        "outcome": replayed.outcome.value,
        "reason": replayed.full_reason,
        "detail": replayed.detail,
        "candidate_seconds": replayed.candidate_seconds,
        "differences": sample["differences"],
        "candidate": fitted(replayed.candidate, MAX_SIDE),
    }
