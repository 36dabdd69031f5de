"""May this reader open this box? An archive rewrites the permission lookup of its reading room, and asks both ways.

The old lookup walks a list of rules, and the first that fits decides. The new one looks up what the reader's groups are
granted. Every question of the desk is answered by the old lookup; the new one is asked beside it. See README.md.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable
from typing import Any, ClassVar

from sidecar_science.scientist import Experiment, Observation, Result, science, set_default

Groups = tuple[str, ...]
Box = dict[str, Any]

READERS: dict[str, Groups] = {
    "ada": ("staff",),
    "bela": ("scholar",),
    "chidi": ("donor", "scholar"),
    "dora": ("visitor",),
    "emre": (),
}
BOXES: dict[str, Box] = {
    "letters": {"kind": "manuscript", "embargo": False},
    "diaries": {"kind": "manuscript", "embargo": True},
    "maps": {"kind": "print", "embargo": False},
    "posters": {"kind": "poster", "embargo": False},
    "plates": {"kind": "glass", "embargo": False},
}


# The old way: a list of rules.

RULES: list[tuple[Callable[[Groups, Box], bool], bool]] = [
    (lambda groups, box: "staff" in groups, True),
    (lambda groups, box: box["embargo"], False),
    (lambda groups, box: "scholar" in groups, True),
    (lambda groups, box: box["kind"] in ("print", "poster"), True),
]


def may_open(reader: str, box: str) -> bool:
    """Walk the rules. The first that fits decides; none means no."""
    groups, described = READERS[reader], BOXES[box]
    return next((allowed for fits, allowed in RULES if fits(groups, described)), False)


# The new way: grants by group.

GRANTS = {
    "staff": {"manuscript", "print", "poster", "glass"},
    "scholar": {"manuscript", "print", "poster", "glass"},
    "visitor": {"print"},
    "anyone": {"print"},
}


def may_open_by_grant(reader: str, box: str) -> bool:
    """Look up what the reader's groups are granted. It has two slips: read the README to see them found."""
    kind = BOXES[box]["kind"]
    return any(kind in GRANTS[group] for group in (*READERS[reader], "anyone"))


def may_open_by_grant_repaired(reader: str, box: str) -> bool:
    """The same; groups may have no grant at all, and an embargo holds for everybody but staff."""
    groups = READERS[reader]
    if BOXES[box]["embargo"] and "staff" not in groups:
        return False
    return any(BOXES[box]["kind"] in GRANTS.get(group, ()) for group in (*groups, "anyone"))


# The experiment.


class DeskExperiment(Experiment):
    """Counts how questions ended and keeps what differed, by the groups of the reader and never by name."""

    ended: ClassVar[collections.Counter[str]] = collections.Counter()
    differences: ClassVar[dict[str, list[str]]] = collections.defaultdict(list)

    def enabled(self) -> bool:
        return True

    def publish(self, result: Result) -> None:
        self.ended["mismatched" if result.is_mismatched else "ignored" if result.is_ignored else "matched"] += 1
        for candidate in result.mismatched:
            answers = f"was {told(result.control)}, would be {told(candidate)}"
            self.differences[f"{result.context['groups']}: {answers}"].append(result.context["box"])


def told(observation: Observation) -> str:
    return repr(observation.exception) if observation.raised else observation.cleaned_value


def ask(reader: str, box: str, new_way: Callable[[str, str], bool]) -> bool:
    """The question as the desk asks it: the old way answers, whatever the new one does."""
    with science("may-open") as e:
        e.context(groups="+".join(READERS[reader]) or "nobody", box=box)
        e.use(may_open, reader, box)
        e.try_(new_way, reader, box)
        e.clean(lambda allowed: "open" if allowed else "closed")
        # Posters are for members from now on. The old way does not know that, and need not learn it.
        e.ignore(lambda old, new: box == "posters" and new is False)
    return e.value


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask an old and a new permission lookup the same questions.")
    parser.add_argument("--repaired", action="store_true", help="ask the repaired new lookup")
    parser.add_argument("--strict", action="store_true", help="raise at the first mismatch, as a test would")
    options = parser.parse_args()

    set_default(DeskExperiment)
    DeskExperiment.raise_on_mismatches = options.strict
    new_way = may_open_by_grant_repaired if options.repaired else may_open_by_grant
    opened = sum(ask(reader, box, new_way) for reader in READERS for box in BOXES)

    ended = DeskExperiment.ended
    print(f"{ended.total()} questions, {opened} boxes opened, all as the old lookup said")
    print(f"matched {ended['matched']}, mismatched {ended['mismatched']}, ignored {ended['ignored']}")
    for difference, boxes in DeskExperiment.differences.items():
        print(f"  {difference} ({', '.join(boxes)})")


if __name__ == "__main__":
    main()
