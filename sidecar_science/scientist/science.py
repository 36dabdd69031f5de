"""An experiment as a ``with`` block, and the class it is made of."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from sidecar_science.scientist.default import Default
from sidecar_science.scientist.experiment import Experiment

Make = Callable[[str], Experiment]
M = TypeVar("M", bound=Make | None)

_make: Make = Default


def set_default(cls: M) -> M:
    """Let `science` make its experiments with ``cls(name)``, in the whole process; None restores `Default`.

    Gives ``cls`` back, so it is a class decorator too.
    """
    global _make
    _make = Default if cls is None else cls
    return cls


class Science:
    """A ``with`` block that runs its experiment when it is left. Made by `science`."""

    # A class, because a generator turns a StopIteration of the control into a RuntimeError.

    def __init__(self, name: str, run: object = None) -> None:
        self._name = name
        self._run = run

    def __enter__(self) -> Experiment:
        self._experiment = _make(self._name)
        if self._run is not None:
            self._experiment.default_behavior = str(self._run)
        return self._experiment

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        if kind is None and not self._experiment.has_run:
            self._experiment.run()


def science(name: str, run: object = None) -> Science:
    """``with science("name") as e:`` gives an experiment; leaving the block runs it, unless ``e.run()`` did.

    ``e.value`` is then what the control gave, or the behavior called ``run``. When the block itself raises,
    nothing is run.
    """
    return Science(name, run)
