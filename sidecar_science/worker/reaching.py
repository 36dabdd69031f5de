"""Whether B was reached: what connections and statuses tell, beside what the adapter made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar_science.checks.exchanges import Exchange
from sidecar_science.codec.values import Codec
from sidecar_science.journal.job import Job
from sidecar_science.routing.current import CurrentReplay
from sidecar_science.worker.calling import Answer
from sidecar_science.worker.endings import Broken, NotSent

_SERVER_ERROR = 500


def check_answered(job: Job, running: CurrentReplay, answers: Sequence[Answer], codec: Codec) -> None:
    """Raise `NotSent` or `Broken` for an attempt that brought no answer, or half of one: it is no observation of B,
    whatever the adapter made of it. Unless it was so on A."""
    exchanges = _exchanges(answers)
    if not exchanges:
        _check_unobserved(running, answers)
    elif exchanges[-1].status is None:
        if not _came_to_nothing_on_a(job, exchanges, codec):
            raise (Broken if any(exchange.sent for exchange in exchanges) else NotSent)(exchanges[-1].failure)
    else:
        _check_whole(job, answers, codec)


def is_failing(job: Job, answers: Sequence[Answer], codec: Codec) -> bool:
    """Whether B answered with an error of the server where A did not."""
    of_b = [exchange.status for exchange in _exchanges(answers)]
    of_b += [_decoded(answer.error, codec).get("status") for answer in answers if answer.error is not None]
    if not _has_server_error(of_b):
        return False
    of_a = [exchange.get("status") for exchange in _exchanges_of_a(job, codec)]
    return not _has_server_error([*of_a, _decoded(job.error, codec).get("status")])


def _check_unobserved(running: CurrentReplay, answers: Sequence[Answer]) -> None:
    """For clients of which no exchange is seen: there are the error that they raised, and the connections they made."""
    faults = [answer.fault for answer in answers if answer.fault is not None]
    if faults == ["refused"] and running.requests <= 1 and not running.connected:
        raise NotSent("refused")
    if faults:
        raise Broken(faults[-1])


def _check_whole(job: Job, answers: Sequence[Answer], codec: Codec) -> None:
    """A body that broke off after its status is half an answer."""
    for answer in answers:
        if answer.fault == "cut" and _decoded(answer.error, codec).get("type") != _decoded(job.error, codec).get(
            "type"
        ):
            raise Broken("the answer broke off")


def _came_to_nothing_on_a(job: Job, exchanges: Sequence[Exchange], codec: Codec) -> bool:
    """Whether the last attempt came to nothing on A as well: then that is how this adapter works."""
    of_a = _exchanges_of_a(job, codec)
    last = of_a[-1] if len(of_a) == len(exchanges) else {}
    return bool(last.get("status", 0) is None and last.get("sent") == exchanges[-1].sent)


def _exchanges(answers: Sequence[Answer]) -> list[Exchange]:
    return [exchange for answer in answers for exchange in answer.exchanges]


def _exchanges_of_a(job: Job, codec: Codec) -> Sequence[Mapping[str, Any]]:
    return codec.decode(job.exchanges) if job.exchanges is not None else []


def _decoded(error: bytes | None, codec: Codec) -> Mapping[str, Any]:
    found = codec.decode(error) if error is not None else {}
    return found if isinstance(found, Mapping) else {}


def _has_server_error(statuses: Sequence[Any]) -> bool:
    return any(type(status) is int and status >= _SERVER_ERROR for status in statuses)
