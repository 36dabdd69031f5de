"""Keys whose state on B nobody knows: what makes them so, what heals them, and what a difference says then.

`docs/journal.md` has where that is kept; the scope is (service, key), which is what a key's digest stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from sidecar_science.journal.job import Job
from sidecar_science.journal.layout import ANY_KEY, GAP
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.worker.plan import Plan

Tainted = Callable[[Iterable[str]], Mapping[str, str]]
"""What the journal knows of keys: digest to reason, ``"*"`` for all of the partition."""

_LOST: Final = frozenset({Outcome.UNKNOWN, Outcome.FAILED, Outcome.REFUSED, Outcome.SKIPPED})
_NOT_DONE: Final = frozenset({"incomparable.late", "incomparable.precondition"})


def judged(replayed: Replayed, job: Job, tainted: Tainted) -> Replayed:
    """``replayed`` in the light of what was lost before it: a difference on a tainted key says nothing about B.

    Only who has a difference asks; a job that agrees has matched, whatever was lost.
    """
    if replayed.outcome is not Outcome.MISMATCHED or job.key is None:
        return replayed
    why = _why(job.key, dict.fromkeys(job.gaps, GAP)) or _why(job.key, tainted([job.key]))
    if why is None:
        return replayed
    detail = f"an earlier write of its key is missing on B, or may be ({why})"
    return attrs.evolve(replayed, outcome=Outcome.INCOMPARABLE, reason="gap", detail=detail, differences=())


def taints(
    job: Job, replayed: Replayed, plan: Plan | None, *, has_happened: bool = False, writes: bool | None = None
) -> dict[str, str]:
    """The keys whose state is not known any more now that ``job`` has ended so, each with the reason.

    ``has_happened``: B says that it has the write, however that ended. ``writes`` tells of a job without a plan whether
    it is one.
    What the job carries of gaps counts once more: it was noted when the job was let in, and an earlier write may have
    healed it since.
    """
    healed = set(heals(job, replayed, plan))
    found = {digest: GAP for digest in job.gaps if digest not in healed}
    if (
        job.key is not None
        and (_writes(job, plan) if writes is None else writes)
        and _is_lost(job, replayed, plan)
        and not has_happened
    ):
        found.setdefault(job.key, replayed.full_reason or replayed.outcome.value)
    return found


def buried(job: Job, *, writes: bool) -> dict[str, str]:
    """The keys whose state is not known any more when ``job`` is a dead letter: its own, if it ``writes``, and those
    of the gaps that it carries."""
    found = dict.fromkeys(job.gaps, GAP)
    if writes and job.key is not None:
        found.setdefault(job.key, "dead")
    return found


def heals(job: Job, replayed: Replayed, plan: Plan | None) -> list[str]:
    """The keys of which everything is known again: the job wrote all of it, and B answered as A did."""
    whole = plan is not None and plan.writes and plan.experiment.heals and replayed.outcome is Outcome.MATCHED
    return [job.key] if whole and job.key is not None else []


def _why(key: str, known: Mapping[str, str]) -> str | None:
    return known.get(key) or known.get(ANY_KEY)


def _writes(job: Job, plan: Plan | None) -> bool:
    return plan.writes if plan is not None else job.effect == "write"


def _is_lost(job: Job, replayed: Replayed, plan: Plan | None) -> bool:
    """Whether B may be without this write, or has it in another order than A."""
    if replayed.outcome is Outcome.SKIPPED:
        # What A has not sent B need not have.
        return replayed.reason != "control_not_sent" and (replayed.reason != "not_consumed" or job.sent)
    if replayed.full_reason == "incomparable.unmapped_id":
        # One that names an id was done to nothing, or to something else; one that only tells of one was done.
        return plan is None or bool(plan.sent.unmapped)
    return replayed.outcome in _LOST or replayed.full_reason in _NOT_DONE
