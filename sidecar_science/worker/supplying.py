"""Putting B's secrets where A's were taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar_science.codec.markers import Secret
from sidecar_science.codec.rebuilding import parts, rebuilt
from sidecar_science.codec.secret_texts import texts
from sidecar_science.worker.declared import DeclaredExperiment
from sidecar_science.worker.endings import skipped


def supplied(
    experiment: DeclaredExperiment, owner: DeclaredExperiment, function: str, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any], frozenset[str]]:
    """The arguments with a value in the place of every secret, and the texts that were put in.

    The ``supply`` hook is the experiment's, or else that of the ``owner`` of the function. Raises `Ended` when there
    is none, or it has no value for one of them.
    """
    if not _holds_secret((args, kwargs)):
        return args, kwargs, frozenset()
    filling = _Filling(_given(experiment if experiment.supplier is not None else owner))
    for index, name in experiment.secret_places(function):
        if index < len(args) and isinstance(args[index], Secret):
            args[index] = filling.take(name)
    return filling.filled(args, None), filling.filled(kwargs, None), frozenset(filling.texts)


def _holds_secret(value: Any) -> bool:
    return isinstance(value, Secret) or any(map(_holds_secret, parts(value)))


def _given(experiment: DeclaredExperiment) -> Mapping[str, Any]:
    if experiment.supplier is None:
        raise skipped("not_replayable", "its arguments hold secrets, and the experiment has no supply hook for B's")
    try:
        return dict(experiment.supplier())
    except Exception as error:
        experiment.told("supply", error)
        raise skipped("not_replayable", f"the supply hook raised {type(error).__name__}") from error


class _Filling:
    """Takes values out of what a hook gave, and remembers their texts: they must be scrubbed from what B answers."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.texts: set[str] = set()
        self._values = values

    def take(self, name: str | None) -> Any:
        if name is None or name not in self._values:
            raise skipped("not_replayable", f"the supply hook gives no value for the secret {name!r}")
        value = self._values[name]
        self.texts.update(texts((value,)))
        return value

    def filled(self, value: Any, name: str | None) -> Any:
        """``value`` with every secret replaced by what is supplied under the name that it stands under."""
        if isinstance(value, Secret):
            return self.take(name)
        return rebuilt(value, lambda part, key: self.filled(part, key if isinstance(key, str) else name))
