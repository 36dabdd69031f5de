"""Where in a call's positional arguments secrets stand, by the names of the parameters that they fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sidecar_science.recording.signature import Signature

Places = tuple[tuple[int, str], ...]


class SecretPlaces:
    """Looks functions up in ``registry``, once each; ``is_secret`` knows the names."""

    def __init__(self, registry: Mapping[str, Any], is_secret: Callable[[str], bool]) -> None:
        self._registry = registry
        self._is_secret = is_secret
        self._known: dict[str, Places] = {}

    def of(self, function: str) -> Places:
        """The places and names of the secret parameters of what is registered as ``function``."""
        if function not in self._known:
            names = enumerate(self.parameters(function))
            self._known[function] = tuple((place, name) for place, name in names if self._is_secret(name))
        return self._known[function]

    def parameters(self, function: str) -> tuple[str, ...]:
        """The parameters that positional arguments fill, of what is registered as ``function``."""
        declared = self._registry.get(function)
        if declared is not None and declared.function is not None:
            names: tuple[str, ...] = declared.function.signature.names
            return names
        owner, _, name = function.rpartition("#")
        candidate = self._registry[owner].candidates.get(name) if owner in self._registry else None
        # The adapter comes first, and is no argument of the call.
        return () if candidate is None else Signature.of(candidate, bound=True).names
