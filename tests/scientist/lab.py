"""Twins for these tests: an experiment that remembers, a clock that moves when told, chance without chance."""

from __future__ import annotations

import threading
from typing import Any

from sidecar_science.scientist import Experiment, Result


class Lab(Experiment):
    """Enabled unless told otherwise; remembers what was published and what was raised, and swallows it."""

    on: Any = True

    def __init__(self, name: str = "widgets", **more: Any) -> None:
        super().__init__(name, **more)
        self.published: list[Result] = []
        self.troubles: list[tuple[str, str]] = []

    def enabled(self) -> Any:
        return self.on

    def publish(self, result: Result) -> None:
        self.published.append(result)

    def raised(self, operation: str, error: Exception) -> None:
        self.troubles.append((operation, str(error)))

    @property
    def result(self) -> Result:
        """The only result that was published."""
        (result,) = self.published
        return result


class StrictLab(Lab):
    """One that raises on mismatches."""

    raise_on_mismatches = True


class HaltingLab(Lab):
    """One that raises again, as experiments do by default, after remembering."""

    def raised(self, operation: str, error: Exception) -> None:
        super().raised(operation, error)
        raise error


class HandMovedClock:
    """Time that passes only by `spend`."""

    def __init__(self) -> None:
        self._wall = 100.0
        self._cpu = 10.0

    def spend(self, wall: float, cpu: float = 0.0) -> None:
        self._wall += wall
        self._cpu += cpu

    def wall(self) -> float:
        return self._wall

    monotonic = wall

    def process_cpu(self) -> float:
        return self._cpu

    cpu = process_cpu

    def wait(self, event: threading.Event, timeout: float) -> bool:
        self.spend(timeout)
        return event.is_set()


class Backwards:
    """A shuffle that always turns the list around."""

    def shuffle(self, x: list[Any], /) -> None:
        x.reverse()


class AsGiven:
    """A shuffle that leaves the list as it is."""

    def shuffle(self, x: list[Any], /) -> None:
        pass


def fail(error: BaseException) -> Any:
    raise error


def names(observations: list[Any]) -> list[str]:
    return [each.name for each in observations]
