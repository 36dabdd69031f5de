"""The function of an experiment: what kind it is, how it runs, and how the worker calls it on another adapter."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import types
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
        if self.kind != "function" or not hasattr(self.inner, "__get__"):
            return attrs.evolve(self, owner=owner)
        # Whatever its first parameter is called: the class will fill it.
        return attrs.evolve(self, owner=owner, kind="method", signature=Signature.of(self.inner, bound=True))

    @property
    def is_bound(self) -> bool:
        """Whether its first parameter is filled by the adapter or its class."""
        return self.kind in ("method", "classmethod")

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
    if isinstance(inner, types.MethodType):
        # It has its object already.
        return "function"
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


class RecordedMethod(wrapt.BoundFunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """A recorded function as an attribute of an object or a class. It is pickled and copied as methods are."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        owner = getattr(self, "__self__", None)
        if owner is None:
            return _found, (self.__module__, self.__qualname__)
        return getattr, (owner, self.__name__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        owner = getattr(self, "__self__", None)
        return self if owner is None else getattr(copy.deepcopy(owner, memo), self.__name__)


class RecordedFunction(wrapt.FunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore]
    """A function that is recorded; transparent to ``inspect``, to ``isinstance`` and to whoever calls it.

    It is pickled by its name and copied as itself, as functions are.
    """

    __bound_function_wrapper__ = RecordedMethod
    _self_experiment: Any = None

    def __set_name__(self, owner: type, name: str) -> None:
        if self._self_experiment is not None:
            self._self_experiment.owned_by(owner)
        forward = getattr(type(self.__wrapped__), "__set_name__", None)
        if forward is not None:
            forward(self.__wrapped__, owner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _found, (self.__module__, self.__qualname__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def experiment_of(function: Any) -> Any:
    """The experiment that ``function`` is recorded under, bound or not; None when it is under none."""
    # By its real type: a mock has every attribute that it is asked for.
    kind = type(function)
    if issubclass(kind, RecordedMethod):
        function = function._self_parent
    return function._self_experiment if issubclass(type(function), RecordedFunction) else None


def _found(module: str, qualname: str) -> Any:
    """What stands under that name: for unpickling."""
    return functools.reduce(getattr, qualname.split("."), importlib.import_module(module))
