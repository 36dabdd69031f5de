"""The function of an experiment: what kind it is, how it runs, and how the worker calls it on another adapter."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

import attrs
import wrapt

from sidecar_science.recording.signature import Signature

Kind = Literal["function", "method", "classmethod", "staticmethod"]
Shape = Literal["plain", "async", "generator", "async generator"]


@attrs.frozen(kw_only=True)
class Function:
    """``inner`` is the function itself, below every decorator that stands above ours: a cache there must not answer
    for B."""

    inner: Callable[..., Any]
    kind: Kind
    shape: Shape
    signature: Signature
    owner: type | None = None

    @classmethod
    def of(cls, function: Any, owner: type | None = None) -> Function:
        inner = function.__func__ if isinstance(function, classmethod | staticmethod) else function
        kind = _kind(function, inner, owner)
        return cls(
            inner=inner,
            kind=kind,
            shape=_shape(inner),
            signature=Signature.of(inner, bound=kind in ("method", "classmethod")),
            owner=owner,
        )

    def of_class(self, owner: type) -> Function:
        """The same, now that the class body that it stands in has been executed."""
        if self.owner is not None:
            return self
        kind: Kind = "method" if self.kind == "function" and _takes_self(self.inner) else self.kind
        return attrs.evolve(self, owner=owner, kind=kind)

    @property
    def label(self) -> str:
        module = getattr(self.inner, "__module__", None)
        name = getattr(self.inner, "__qualname__", type(self.inner).__qualname__)
        return f"{module}.{name}" if module else str(name)

    @property
    def needs_adapter(self) -> bool:
        return self.kind == "method" or (self.kind == "classmethod" and self.owner is None)

    def on(self, adapter: Any) -> Callable[..., Any]:
        """The function as the worker calls it: a method on ``adapter``, a classmethod on its class."""
        if self.kind == "method":
            return self.inner.__get__(adapter, type(adapter))  # type: ignore[no-any-return]
        if self.kind == "classmethod":
            return self.inner.__get__(self._class_for(adapter))  # type: ignore[no-any-return]
        return self.inner

    def _class_for(self, adapter: Any) -> type | None:
        if self.owner is None or isinstance(adapter, self.owner):
            return type(adapter)
        return self.owner


def _kind(function: Any, inner: Any, owner: type | None) -> Kind:
    if isinstance(function, classmethod):
        return "classmethod"
    if isinstance(function, staticmethod):
        return "staticmethod"
    if owner is not None:
        return "method"
    # In a class body there is no class yet; the qualified name tells that there will be one.
    local = getattr(inner, "__qualname__", "").rpartition("<locals>.")[2]
    if "." not in local:
        return "function"
    if _first_parameter(inner) == "cls":
        return "classmethod"
    return "method" if _takes_self(inner) else "function"


def _takes_self(inner: Any) -> bool:
    return _first_parameter(inner) == "self"


def _first_parameter(inner: Any) -> str | None:
    code = getattr(inspect.unwrap(inner), "__code__", None)
    return code.co_varnames[0] if code is not None and code.co_argcount else None


def _shape(inner: Any) -> Shape:
    if inspect.iscoroutinefunction(inner):
        return "async"
    if inspect.isasyncgenfunction(inner):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(inner) else "plain"


class RecordedFunction(wrapt.FunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """A function that is recorded; transparent to ``inspect``, to ``isinstance`` and to whoever calls it."""

    _self_experiment: Any = None

    def __set_name__(self, owner: type, name: str) -> None:
        if self._self_experiment is not None:
            self._self_experiment.owned_by(owner)
        forward = getattr(type(self.__wrapped__), "__set_name__", None)
        if forward is not None:
            forward(self.__wrapped__, owner, name)


def experiment_of(function: Any) -> Any:
    """The experiment that ``function`` is recorded under, bound or not; None when it is under none."""
    for candidate in (function, getattr(function, "_self_parent", None)):
        experiment = getattr(candidate, "_self_experiment", None)
        if experiment is not None:
            return experiment
    return None
