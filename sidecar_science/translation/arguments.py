"""A's arguments as they are for B."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from sidecar_science.codec.rebuilding import parts, rebuilt
from sidecar_science.translation.declared import Ids, Steps
from sidecar_science.translation.idmap import Id
from sidecar_science.translation.texts import is_place, is_telling, like, segments, text_of, with_segments
from sidecar_science.translation.walking import found, replaced, without

MOST_IDS: Final = 500
"""Ids that are looked up for one call."""

_DEEPEST: Final = 100

Lookup = Callable[[Sequence[Id]], Mapping[Id, str]]


@attrs.frozen(kw_only=True)
class Arguments:
    """The arguments of one call, by the names of their parameters: ``names`` are those that a place can fill."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    names: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, Any]:
        return {**dict(zip(self.names, self.args, strict=False)), **self.kwargs}

    def changed(self, named: Mapping[str, Any]) -> Arguments:
        """The same call with the arguments ``named``; what is missing there becomes None where a place needs it."""
        placed = tuple(named.get(name) for name in self.names[: len(self.args)])
        rest = self.args[len(placed) :]
        kwargs = {name: named[name] for name in self.kwargs if name in named}
        return attrs.evolve(self, args=(*placed, *rest), kwargs=kwargs)


@attrs.frozen(kw_only=True)
class Rewritten:
    """The arguments for B, the pairs that were known, and the declared ids that have none."""

    arguments: Arguments
    known: Mapping[Id, str]
    unmapped: frozenset[Id]


def rewritten(
    ids: Ids,
    key: str | None,
    arguments: Arguments,
    *,
    kinds: Collection[str],
    lookup: Lookup,
    untouchable: Collection[str] = (),
) -> Rewritten:
    """``arguments`` as they are for B.

    An id is changed where one is declared, as the whole value, or as a whole segment of a URL or path; and, of any of
    ``kinds``, wherever it stands if it can be nothing else. ``untouchable`` are texts that nobody may be asked about.
    """
    named = _dropped(ids, arguments.named)
    declared = [each for each in _declared(ids, key, named) if each.text not in untouchable]
    placed = [each for each in _in_places(ids, key, named) if each.text not in untouchable]
    telling = [text for text in _telling(named) if text not in untouchable][:MOST_IDS]
    wanted = dict.fromkeys((*declared, *placed, *(Id(kind, text) for text in telling for kind in sorted(kinds))))
    known = dict(lookup(list(wanted)[:MOST_IDS])) if wanted else {}
    unmapped = {each for each in declared if each not in known} | set(_unknown_places(ids, key, named, known))
    named = _with(ids, key, named, known)
    return Rewritten(
        arguments=arguments.changed(named),
        known=known,
        unmapped=frozenset(unmapped),
    )


def _dropped(ids: Ids, named: dict[str, Any]) -> dict[str, Any]:
    for steps in ids.dropped:
        named = without(named, steps)
    return named


def _declared(ids: Ids, key: str | None, named: Mapping[str, Any]) -> Iterator[Id]:
    """The ids that stand where one is declared, as whole values."""
    for place in ids.arguments:
        for value in found(named, place.steps):
            text = text_of(value)
            if text is not None and not (isinstance(value, str) and is_place(value)):
                yield Id(place.kind_for(key), text)


def _in_places(ids: Ids, key: str | None, named: Mapping[str, Any]) -> Iterator[Id]:
    """What may be an id in the URLs and paths that stand where one is declared, or such a text as a whole."""
    for place in ids.arguments:
        for value in found(named, place.steps):
            if isinstance(value, str) and is_place(value):
                texts = (text_of(value), *segments(value))
                yield from (Id(place.kind_for(key), text) for text in texts if text is not None)


def _unknown_places(ids: Ids, key: str | None, named: Mapping[str, Any], known: Mapping[Id, str]) -> Iterator[Id]:
    """What looks like an id in the URLs and paths at declared places in which nothing is known."""
    for place in ids.arguments:
        kind = place.kind_for(key)
        for value in found(named, place.steps):
            if isinstance(value, str) and is_place(value) and Id(kind, value) not in known:
                there = [Id(kind, text) for text in segments(value)]
                if not any(each in known for each in there):
                    yield from (each for each in there if each.text.isdecimal() or is_telling(each.text))


def _telling(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text that is an id wherever it stands."""
    if isinstance(value, str):
        if is_telling(value):
            yield value
        elif is_place(value):
            yield from filter(is_telling, segments(value))
    elif depth < _DEEPEST:
        text = text_of(value)
        if text is not None and is_telling(text):
            yield text
        for part in parts(value):
            yield from _telling(part, depth + 1)


def _with(ids: Ids, key: str | None, named: dict[str, Any], known: Mapping[Id, str]) -> dict[str, Any]:
    if not known:
        return named
    anywhere = {each.text: other for each, other in sorted(known.items(), key=str) if is_telling(each.text)}
    declared = [(place.steps, place.kind_for(key)) for place in ids.arguments]
    changed: dict[str, Any] = _everywhere(named, anywhere) if anywhere else named
    for steps, kind in declared:
        of_kind = {each.text: other for each, other in known.items() if each.kind == kind}
        changed = _declared_changed(changed, named, steps, of_kind)
    return changed


def _declared_changed(
    changed: dict[str, Any], original: dict[str, Any], steps: Steps, of: Mapping[str, str]
) -> dict[str, Any]:
    """``changed`` with B's ids at ``steps``, looked up by what stood there originally: what has changed is B's."""
    originals = iter(found(original, steps))
    done: dict[str, Any] = replaced(changed, steps, lambda part: _exchanged(next(originals, part), part, of))
    return done


def _exchanged(original: Any, changed: Any, of: Mapping[str, str]) -> Any:
    """B's id in place of the ``original``; ``changed`` where that is no known one of this kind."""
    other = of.get(text_of(original) or "")
    if other is not None:
        return like(original, other)
    return with_segments(changed, of.get) if isinstance(original, str) and is_place(original) else changed


def _everywhere(value: Any, known: Mapping[str, str], depth: int = 0) -> Any:
    if isinstance(value, str):
        if value in known:
            return known[value]
        return with_segments(value, known.get) if is_place(value) else value
    text = text_of(value)
    if text is not None:
        return like(value, known[text]) if text in known else value
    if depth >= _DEEPEST:
        return value
    return rebuilt(value, lambda part, _: _everywhere(part, known, depth + 1))
