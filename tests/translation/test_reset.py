"""A reset of an environment takes its pairs along, in every twin of the journal."""

from __future__ import annotations

from sidecar_science.journal.layout import Keys
from sidecar_science.translation.idmap import Id, Pair
from sidecar_science.translation.memory import MemoryIds
from sidecar_science.translation.redis import RedisIds
from tests.twins import MemoryTwin


def ids_of(twin, environment):
    if isinstance(twin, MemoryTwin):
        return MemoryIds(twin.server.ids, environment)
    return RedisIds(twin.link, twin.namespace, environment)


def test_a_reset_forgets_the_pairs_of_its_environment_alone(journal_twin):
    """B's data is another one from here on, also where the epoch keeps its name."""
    known = Id("subscriber", "5")
    for environment in ("b", "c"):
        journal_twin.journal(environment).join(epoch="e")
        ids_of(journal_twin, environment).begin("e")
        ids_of(journal_twin, environment).learn([Pair("subscriber", "5", "9"), Pair("subscriber", "5", "8")])

    journal_twin.journal("b").reset(epoch="e")

    assert ids_of(journal_twin, "b").lookup([known]) == {}
    assert ids_of(journal_twin, "b").counts() == {}
    assert ids_of(journal_twin, "c").lookup([known]) == {known: "9"}


def test_the_pairs_stand_under_the_names_that_the_journal_knows(real_journal):
    """In two keys of one slot."""
    ids_of(real_journal, "b").learn([Pair("subscriber", "5", "9")])
    pairs, counts = Keys(real_journal.namespace).ids("b")

    assert pairs == f"sidecar:{{{real_journal.namespace}}}:ids:b"
    assert real_journal.link.command("HGETALL", pairs) == {b"a|subscriber|5": b"9", b"b|subscriber|9": b"5"}
    assert real_journal.link.command("HGETALL", counts) == {b"learned|subscriber": b"1"}
