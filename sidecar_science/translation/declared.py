"""Where an experiment's ids stand: in its answers, in its arguments, and what is left out for B."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from sidecar_science.comparison.paths import ROOT, Pattern
from sidecar_science.errors import DeclarationError
from sidecar_science.translation.idmap import PER_KEY

Steps = tuple[str | int | None, ...]
"""Keys, indexes, and None for any index."""

_KIND = re.compile(r"[\w][\w .\-]{0,63}")


@attrs.frozen
class Place:
    """One place, or with ``[*]`` several, at which an id of ``kind`` stands."""

    text: str
    steps: Steps
    kind: str

    def kind_for(self, key: str | None) -> str:
        """The kind as it is kept; ``key`` is the digest of the job's."""
        return f"{self.kind} {key}" if self.kind.endswith(PER_KEY) and key else self.kind


@attrs.frozen(kw_only=True)
class Ids:
    """What an experiment declares of ids; false where it declares nothing.

    ``answers`` are places in its result, ``arguments`` places in its call, of which the first step is a parameter;
    ``dropped`` are places in its call of which B hears nothing.
    """

    answers: tuple[Place, ...] = ()
    arguments: tuple[Place, ...] = ()
    dropped: tuple[Steps, ...] = ()

    @classmethod
    def declare(cls, where: str, ids: Mapping[str, str] | None = None, drop: Iterable[str] = ()) -> Ids:
        """What ``ids`` (place to kind) and ``drop`` (places in the call) say; ``where`` names the experiment.

        A place that starts with ``$`` is one in the result, any other one starts with a parameter's name. Raises
        `DeclarationError`.
        """
        if ids is not None and not isinstance(ids, Mapping):
            raise DeclarationError(f"{where}: ids={ids!r} is no mapping; write ids={{'$.id': 'subscriber'}}")
        if isinstance(drop, str) or not isinstance(drop, Iterable):
            raise DeclarationError(f"{where}: drop takes several names; write drop=({drop!r},)")
        places = [_place(where, text, kind) for text, kind in (ids or {}).items()]
        return cls(
            answers=tuple(place for place in places if place.text.startswith(ROOT)),
            arguments=tuple(place for place in places if not place.text.startswith(ROOT)),
            dropped=tuple(_in_call(where, text) for text in drop),
        )

    def __bool__(self) -> bool:
        return bool(self.answers or self.arguments or self.dropped)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(place.kind for place in (*self.answers, *self.arguments))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that are named."""
        named = [place.steps for place in self.arguments]
        return tuple(dict.fromkeys(str(found[0]) for found in (*named, *self.dropped)))


def _place(where: str, text: Any, kind: Any) -> Place:
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise DeclarationError(
            f"{where}: the kind {kind!r} cannot be used; write what the id is one of, such as 'subscriber'"
        )
    if isinstance(text, str) and text.startswith(ROOT):
        return Place(text, Pattern.parse(text).steps, kind)
    return Place(text, _in_call(where, text), kind)


def _in_call(where: str, text: Any) -> Steps:
    """The steps of a place in the call, which begins with a parameter."""
    if not isinstance(text, str) or not re.match(r"[^\W\d]", text):
        raise DeclarationError(
            f"{where}: {text!r} is no place in a call; begin with a parameter, as in 'payload.list_id'"
        )
    return Pattern.parse(f"{ROOT}.{text}").steps
