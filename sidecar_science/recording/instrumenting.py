"""Recording a method of a class that belongs to someone else, and giving the class its own method back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sidecar_science.errors import DeclarationError
from sidecar_science.recording.experiment import SidecarExperiment
from sidecar_science.recording.function import RecordedFunction


class Instrumented:
    """A method of somebody else's class that is recorded now; ``undo()`` gives the class its own method back.

    Made by `Sidecar.instrument`, with ``declare`` to make the experiment in ``registry``. Raises `DeclarationError`
    when the class has no such method, it cannot be replaced, or it is recorded already.
    """

    def __init__(
        self,
        registry: dict[str, SidecarExperiment],
        cls: type,
        method: str,
        declare: Callable[[], SidecarExperiment],
    ) -> None:
        self._registry = registry
        self._cls = cls
        self._method = method
        self._inherited, self._original = _found(cls, method)
        self.experiment = declare()
        try:
            self._recorded = self.experiment.wrap(self._original, cls)
            setattr(cls, method, self._recorded)
        except (DeclarationError, TypeError, AttributeError) as error:
            self._withdraw()
            if isinstance(error, DeclarationError):
                raise
            raise DeclarationError(
                f"{_label(cls, method)} cannot be replaced ({error}); subclass it, and decorate the subclass's method"
            ) from error

    def undo(self) -> None:
        """Restore the class, and withdraw the experiment; a second call does nothing.

        Where somebody else has replaced the method since, it is left alone: what is left of ours below it does nothing.
        """
        if self.experiment.function is None:
            return
        self.experiment.unwrap()
        self._withdraw()
        if vars(self._cls).get(self._method) is not self._recorded:
            return
        if self._inherited:
            delattr(self._cls, self._method)
        else:
            setattr(self._cls, self._method, self._original)

    def _withdraw(self) -> None:
        if self._registry.get(self.experiment.name) is self.experiment:
            del self._registry[self.experiment.name]


def _found(cls: Any, method: str) -> tuple[bool, Any]:
    """Whether ``cls`` inherits the method, and the method as it stands in its class."""
    if not isinstance(cls, type):
        raise DeclarationError(f"instrument() takes a class, and was given {cls!r}; a function is decorated")
    found = inspect.getattr_static(cls, method, None)
    if found is None:
        raise DeclarationError(f"{_label(cls, method)} does not exist; write the name of one of the class's methods")
    if issubclass(type(found), RecordedFunction):
        raise DeclarationError(f"{_label(cls, method)} is recorded already; undo() that first")
    return method not in vars(cls), found


def _label(cls: type, method: str) -> str:
    return f"{cls.__module__}.{cls.__qualname__}.{method}"
