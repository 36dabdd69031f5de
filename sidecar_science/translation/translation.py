"""One object between a worker and the id map: arguments for B, what two answers teach, what A's answer is on B."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.paths import Pattern
from sidecar_science.translation.answers import as_b_says, ids_in, pairs_of
from sidecar_science.translation.arguments import MOST_IDS, Arguments, Rewritten, rewritten
from sidecar_science.translation.declared import Ids
from sidecar_science.translation.idmap import Id, IdMap, Pair
from sidecar_science.translation.sameness import Sameness
from sidecar_science.translation.texts import is_telling, text_of


@attrs.frozen(kw_only=True)
class TranslatedIds:
    """The ids in one call: B's for those that are ``known``, and those of which nobody knows B's."""

    known: Mapping[Id, str] = attrs.field(factory=dict)
    unmapped: frozenset[Id] = frozenset()


@attrs.frozen(kw_only=True)
class Lesson:
    """What two answers of one job taught.

    ``known`` are the pairs that hold for this job, ``conflicts`` those that contradicted a known one, ``echoes`` ids
    that B was asked for as they are and answered so: they prove something only where nothing else differs.
    ``unlearned`` are pairs that were seen, where nothing is learned.
    """

    known: Mapping[Id, str]
    conflicts: tuple[Pair, ...] = ()
    echoes: tuple[Pair, ...] = ()
    unlearned: tuple[Pair, ...] = ()


class Translation:
    """Translates by what every experiment of the application declares. Safe to share between lanes.

    Without ``ids`` nothing is learned and nothing changed: what is declared still tells which ids there are.
    """

    def __init__(self, *, declared: Collection[Ids], ids: IdMap | None) -> None:
        self._ids = ids
        self._kinds = frozenset(kind for each in declared for kind in each.kinds)
        self._taught = frozenset(place.kind for each in declared for place in each.answers)

    def into_b(
        self, ids: Ids, key: str | None, arguments: Arguments, untouchable: Collection[str] = ()
    ) -> tuple[Arguments, TranslatedIds]:
        """``arguments`` for B; ``untouchable`` are texts that must not leave the process."""
        done: Rewritten = rewritten(
            ids, key, arguments, kinds=self._general_kinds, lookup=self._lookup, untouchable=untouchable
        )
        # What no answer teaches can have no pair: then an id is the same on both sides, or nothing can be done.
        learnable = {place.kind_for(key) for place in ids.arguments if place.kind in self._taught}
        unmapped = frozenset(each for each in done.unmapped if each.kind in learnable)
        return done.arguments, TranslatedIds(known=done.known, unmapped=unmapped)

    def learn(self, ids: Ids, key: str | None, a: Any, b: Any, sent: TranslatedIds) -> Lesson:
        """Keep the pairs that A's result ``a`` and B's ``b`` show. Call it before the job is settled."""
        seen = pairs_of(ids, key, a, b)
        if self._ids is None:
            return Lesson(known=sent.known, unlearned=tuple(seen))
        echoes = [each for each in seen if each.id in sent.unmapped and each.a == each.b and not is_telling(each.a)]
        sure = [each for each in seen if each not in echoes]
        conflicts = self._learn(sure)
        known = {**sent.known, **{each.id: each.b for each in sure if each not in conflicts}}
        # Also of what B has answered otherwise, or in another order: what is known is what it should have said.
        known.update(self._lookup([each for each in ids_in(ids, key, a) if each not in known][:MOST_IDS]))
        return Lesson(known=known, conflicts=tuple(conflicts), echoes=tuple(echoes))

    def confirm(self, lesson: Lesson) -> Lesson:
        """Keep what an answer that agrees in everything else has shown."""
        if not lesson.echoes:
            return lesson
        conflicts = self._learn(lesson.echoes)
        return attrs.evolve(lesson, conflicts=(*lesson.conflicts, *conflicts), echoes=())

    def as_b_would_say(self, ids: Ids, key: str | None, value: Any, lesson: Lesson) -> Any:
        """A's result with B's ids at the declared places."""
        return as_b_says(ids, key, value, lesson.known) if lesson.known else value

    def unexplained(self, differences: Sequence[Difference], lesson: Lesson) -> tuple[Difference, ...]:
        """Those of ``differences`` that are more than two ids of the same thing."""
        sameness = Sameness(lesson.known, kinds=self._general_kinds, lookup=self._lookup)
        return sameness.unexplained(differences)

    def beyond_ids(self, ids: Ids, key: str | None, differences: Sequence[Difference], lesson: Lesson) -> bool:
        """Whether ``differences`` are more than pairs that were seen and not learned."""
        pairs = {each.id: each.b for each in lesson.unlearned}
        places = [(Pattern.parse(place.text), place.kind_for(key)) for place in ids.answers]

        def is_id(each: Difference) -> bool:
            a, b = text_of(each.control), text_of(each.candidate)
            return each.where == "value" and any(
                pattern.covers(each.path) and a is not None and pairs.get(Id(kind, a)) == b for pattern, kind in places
            )

        left = [each for each in differences if not is_id(each)]
        return bool(Sameness(pairs, kinds=(), lookup=self._lookup).unexplained(left))

    @property
    def _general_kinds(self) -> frozenset[str]:
        return self._kinds if self._ids is not None else frozenset()

    def _lookup(self, ids: Sequence[Id]) -> Mapping[Id, str]:
        return self._ids.lookup(ids) if self._ids is not None and ids else {}

    def _learn(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        return self._ids.learn(pairs) if self._ids is not None and pairs else ()
