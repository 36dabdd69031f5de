"""Slices of calls, and what their times are: paced as an app makes them, or one right after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import attrs

from benchmarks.calls.payloads import loads
from benchmarks.calls.subjects import Call

_now = time.perf_counter_ns


@attrs.define
class Slice:
    """The times of one contender in one round, in µs: ``took`` per call, ``late`` after the planned start.

    ``cpu`` is that of the whole process, per call.
    """

    took: list[float]
    late: list[float]
    cpu: float


def paced(
    call: Call,
    payloads: Sequence[str],
    *,
    rate: float,
    seconds: float,
    work: Callable[[], Any],
    after: Callable[[], Any],
) -> Slice:
    """``rate`` calls per second, each after some ``work`` of the app's own, and a sleep.

    ``after`` finishes what was begun, before the CPU is counted.
    """
    took: list[float] = []
    late: list[float] = []
    step = 1e9 / rate
    cpu = time.process_time()
    due = _now() + step
    for text in cycle(payloads):
        if len(took) >= rate * seconds:
            break
        time.sleep(max(0.0, (due - _now()) / 1e9))
        late.append((_now() - due) / 1e3)
        work()
        payload = loads(text)
        started = _now()
        call(payload)
        ended = _now()
        took.append((ended - started) / 1e3)
        # One that takes longer than its step is not made up for: that would be a burst.
        due = max(due + step, float(_now()))
    after()
    return Slice(took, late, (time.process_time() - cpu) * 1e6 / len(took))


def flat_out(call: Call, payloads: Sequence[str], *, seconds: float, after: Callable[[], Any]) -> Slice:
    """As many calls as there is time for."""
    took: list[float] = []
    cpu = time.process_time()
    until = _now() + seconds * 1e9
    ended = 0
    for text in cycle(payloads):
        if ended >= until:
            break
        payload = loads(text)
        started = _now()
        call(payload)
        ended = _now()
        took.append((ended - started) / 1e3)
    after()
    return Slice(took, [], (time.process_time() - cpu) * 1e6 / len(took))


def spinning(micros: float) -> Call:
    """A call that computes for about ``micros`` µs and touches nothing: what it shows in p99 is the machine's."""
    turns = 1
    while True:
        best = min(_timed(turns) for _ in range(20))
        if best >= micros or turns > 1_000_000:
            break
        turns = max(turns + 1, int(turns * min(2.0, micros / max(best, 0.05))))
    return lambda payload: _spin(turns)


def _timed(turns: int) -> float:
    started = _now()
    _spin(turns)
    return (_now() - started) / 1e3


def _spin(turns: int) -> None:
    for _ in range(turns):
        pass


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
