"""What happened when one behavior ran? Immutable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs

from sidecar_science.scientist.carrying import LeftBehind, pack, unpack
from sidecar_science.scientist.judge import Judge
from sidecar_science.scientist.wording import class_name, message_of, shown_value

Fabricated = float | Mapping[str, float]
"""Seconds to report as the duration, or a mapping with ``duration`` and ``cpu_time`` (seconds)."""


@attrs.frozen(kw_only=True, eq=False)
class Observation:
    """What happened when one behavior ran: ``value`` or ``exception``, one of them None.

    ``duration`` is in wall seconds. ``cpu_time`` is in CPU seconds of the whole process: what other threads
    burnt meanwhile is in it. Two observations are equal only when they are the same one; to compare what
    happened, ask `equivalent_to`.
    """

    RESCUES: ClassVar[list[type[BaseException]]] = [BaseException]
    """Which exceptions are observed; any other leaves `Experiment.run` at once. May be changed in place."""

    name: str
    experiment: Judge = attrs.field(repr=False)
    value: Any = attrs.field(default=None, repr=False)
    exception: BaseException | None = attrs.field(default=None, repr=False)
    duration: float = 0.0
    cpu_time: float = 0.0

    @classmethod
    def of(
        cls, name: str, experiment: Judge, fn: Callable[[], Any], fabricated: Fabricated | None = None
    ) -> Observation:
        """Call ``fn`` and tell what happened. ``fabricated`` stands in for measured seconds."""
        clock = experiment.clock
        started, cpu_started = clock.monotonic(), clock.process_cpu()
        value, exception = _outcome(fn)
        measured = {"duration": clock.monotonic() - started, "cpu_time": clock.process_cpu() - cpu_started}
        return cls(
            name=name,
            experiment=experiment,
            value=value,
            exception=exception,
            **measured | _seconds(fabricated),
        )

    @property
    def raised(self) -> bool:
        """Whether the behavior raised."""
        return self.exception is not None

    @property
    def cleaned_value(self) -> Any:
        """The value as it may be published: the experiment's ``clean`` makes it anew every time."""
        return self.experiment.clean_value(self.value)

    def equivalent_to(
        self,
        other: object,
        comparator: Callable[[Any, Any], Any] | None = None,
        error_comparator: Callable[[Any, Any], Any] | None = None,
    ) -> bool:
        """Whether both behaviors did the same. Raises whatever comparing raises.

        If either raised, ``error_comparator`` decides on the two exceptions (one may be None), or else class
        and message must be the same. If none did, ``comparator`` decides on the two values, or else ``==``.
        """
        if not isinstance(other, Observation):
            return False
        if self.raised or other.raised:
            return bool((error_comparator or _same_error)(self.exception, other.exception))
        if comparator is not None:
            return bool(comparator(self.value, other.value))
        return bool(self.value == other.value)

    def __reduce__(self) -> tuple[Callable[..., Observation], tuple[Any, ...]]:
        """What cannot be pickled is left behind, one by one; what ``clean`` makes of the value goes along."""
        error = self.exception
        lost_error = None if error is None else f"{class_name(error)}: {message_of(error)}"
        packed = (pack(self.value), pack(shown_value(self)), class_name(self.value), pack(error), lost_error)
        return _carried, (self.name, self.experiment, self.duration, self.cpu_time, *packed)


@attrs.frozen(kw_only=True, eq=False)
class CarriedObservation(Observation):
    """An observation that was pickled: the rules stayed behind, so it brings its cleaned value along."""

    _cleaned: Any = attrs.field(repr=False)

    @property
    def cleaned_value(self) -> Any:
        return self._cleaned


def _carried(
    name: str,
    experiment: Judge,
    duration: float,
    cpu_time: float,
    value: bytes | None,
    cleaned: bytes | None,
    type_name: str,
    error: bytes | None,
    lost_error: str | None,
) -> Observation:
    lost = LeftBehind(type_name)
    return CarriedObservation(
        name=name,
        experiment=experiment,
        value=unpack(value, lost),
        cleaned=unpack(cleaned, lost),
        exception=None if lost_error is None else unpack(error, Exception(lost_error)),
        duration=duration,
        cpu_time=cpu_time,
    )


def _outcome(fn: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return fn(), None
    except tuple(Observation.RESCUES) as error:
        return None, error


def _seconds(fabricated: Fabricated | None) -> dict[str, float]:
    if fabricated is None:
        return {}
    if isinstance(fabricated, Mapping):
        return {part: fabricated[part] for part in ("duration", "cpu_time") if part in fabricated}
    return {"duration": fabricated, "cpu_time": 0.0}


def _same_error(one: BaseException | None, other: BaseException | None) -> bool:
    return type(one) is type(other) and str(one) == str(other)
