"""The parameters of a recorded function, and where in a call to find each: worked out once, at declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sidecar_science.errors import DeclarationError

Getter = Callable[[tuple[Any, ...], Mapping[str, Any]], Any]


def getter_of(key: Callable[..., Any]) -> Getter:
    """What asks ``key``, a function with the control's own signature."""
    return lambda args, kwargs: key(*args, **kwargs)


@attrs.frozen
class Signature:
    """``names`` are the parameters that a place in ``args`` can fill, without ``self`` or ``cls``."""

    names: tuple[str, ...]
    keyword_only: tuple[str, ...]
    defaults: Mapping[str, Any]
    annotations: Mapping[str, Any]
    takes_any_keyword: bool

    @classmethod
    def of(cls, function: Callable[..., Any], *, bound: bool) -> Signature:
        """The signature of ``function``; ``bound``: its first parameter is filled by the object it belongs to."""
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except Exception:  # noqa: BLE001 - some builtins have none, and a foreign object's may be anything
            return cls((), (), {}, {}, True)
        placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        placed = placed[1:] if bound else placed
        keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        named = [*placed, *keyword]
        return cls(
            names=tuple(p.name for p in placed),
            keyword_only=tuple(p.name for p in keyword),
            defaults={p.name: p.default for p in named if p.default is not p.empty},
            annotations={p.name: p.annotation for p in named if p.annotation is not p.empty},
            takes_any_keyword=any(p.kind is p.VAR_KEYWORD for p in parameters),
        )

    def knows(self, name: str) -> bool:
        return name in self.names or name in self.keyword_only or self.takes_any_keyword

    def getter(self, experiment: str, key: str | Callable[..., Any] | None) -> Getter | None:
        """What finds the key of a call. Raises `DeclarationError` when ``key`` names no parameter."""
        if key is None:
            return None
        if callable(key):
            return getter_of(key)
        if not self.knows(key):
            known = ", ".join((*self.names, *self.keyword_only)) or "none"
            raise DeclarationError(
                f"experiment {experiment!r}: key={key!r} is no parameter of the function (its parameters: {known}); "
                "write the name of one of them, or a callable with the function's own signature, or key=None"
            )
        return self._getter(key)

    def _getter(self, name: str) -> Getter:
        place = self.names.index(name) if name in self.names else len(self.names) + 1000
        default = self.defaults.get(name)

        def get(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
            if place < len(args):
                return args[place]
            return kwargs.get(name, default)

        return get
