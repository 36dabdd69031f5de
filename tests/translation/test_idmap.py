"""What every id map does: in memory, in fakeredis, and in real servers."""

from __future__ import annotations

from sidecar_science.translation.idmap import CachedIds, Counts, Id, Pair, ReadIds


def of(kind, text):
    return Id(kind, text)


def test_a_pair_that_was_learned_is_known(new_ids):
    """And what was not, is not."""
    ids = new_ids()

    assert list(ids.learn([Pair("subscriber", "5", "9")])) == []

    assert ids.lookup([of("subscriber", "5"), of("subscriber", "9")]) == {of("subscriber", "5"): "9"}
    assert ids.lookup([]) == {}
    assert list(ids.learn([])) == []


def test_kinds_know_nothing_of_one_another(new_ids):
    """Number 5 is a subscriber here and a list there."""
    ids = new_ids()

    ids.learn([Pair("subscriber", "5", "9"), Pair("list", "5", "7")])

    assert ids.lookup([of("subscriber", "5"), of("list", "5")]) == {of("subscriber", "5"): "9", of("list", "5"): "7"}


def test_a_second_id_of_b_for_one_of_a_changes_nothing_and_is_counted(new_ids):
    """What is known never changes."""
    ids = new_ids()
    ids.learn([Pair("subscriber", "5", "9")])

    assert list(ids.learn([Pair("subscriber", "5", "10")])) == [Pair("subscriber", "5", "10")]

    assert ids.lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "9"}
    assert ids.counts() == {"subscriber": Counts(learned=1, conflicts=1)}


def test_one_id_of_b_for_two_of_a_is_a_conflict_too(new_ids):
    """The second of them stays unknown."""
    ids = new_ids()

    refused = ids.learn([Pair("subscriber", "5", "9"), Pair("subscriber", "6", "9")])

    assert list(refused) == [Pair("subscriber", "6", "9")]
    assert ids.lookup([of("subscriber", "6")]) == {}
    assert ids.counts() == {"subscriber": Counts(learned=1, conflicts=1)}


def test_learning_a_pair_again_changes_and_counts_nothing(new_ids):
    """A job that is settled late may teach twice."""
    ids = new_ids()

    for _ in range(3):
        assert list(ids.learn([Pair("subscriber", "5", "5")])) == []

    assert ids.counts() == {"subscriber": Counts(learned=1)}


def test_environments_have_pairs_of_their_own(new_ids):
    """Two B-branches number differently."""
    new_ids("b-1").learn([Pair("subscriber", "5", "9")])

    assert new_ids("b-2").lookup([of("subscriber", "5")]) == {}
    assert new_ids("b-2").counts() == {}
    assert new_ids("b-1").lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "9"}


def test_another_epoch_forgets_everything_once(new_ids):
    """Other data: the pairs of the old ones hold no more. A worker that joins later forgets nothing again."""
    ids = new_ids()
    ids.begin("monday")
    ids.learn([Pair("subscriber", "5", "9"), Pair("subscriber", "5", "8")])

    ids.begin("tuesday")
    assert ids.lookup([of("subscriber", "5")]) == {}
    assert ids.counts() == {}

    ids.learn([Pair("subscriber", "5", "7")])
    new_ids().begin("tuesday")
    new_ids().begin(None)
    assert ids.lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "7"}


def test_beyond_the_limit_nothing_is_learned_and_that_is_counted(new_ids):
    """What was known stays known."""
    ids = new_ids(limit=2)

    refused = ids.learn([Pair("subscriber", str(n), str(n + 10)) for n in range(4)])

    assert list(refused) == []
    assert ids.lookup([of("subscriber", str(n)) for n in range(4)]) == {
        of("subscriber", "0"): "10",
        of("subscriber", "1"): "11",
    }
    assert ids.counts() == {"subscriber": Counts(learned=2, full=2)}


def test_what_means_something_within_its_key_is_counted_together(new_ids):
    """Or the counts would grow with the keys."""
    ids = new_ids()

    ids.learn([Pair("version per key k1", "3", "17"), Pair("version per key k2", "3", "18")])

    assert ids.lookup([of("version per key k1", "3")]) == {of("version per key k1", "3"): "17"}
    assert ids.counts() == {"version per key": Counts(learned=2)}


def test_any_text_is_an_id(new_ids):
    """Separators, other scripts and blanks are part of it."""
    ids = new_ids()
    odd = [
        Pair("a b", "x|y", "z|1"),
        Pair("a b", "x", "y|z|1"),
        Pair("a b", "/über/straße", "5 %"),
        Pair("a b", "-1", "0"),
    ]

    assert list(ids.learn(odd)) == []

    assert ids.lookup([pair.id for pair in odd]) == {pair.id: pair.b for pair in odd}


def test_a_cache_asks_for_a_known_pair_once(new_ids):
    """What is unknown it asks for each time: another worker may have learned it."""
    asked = Counting(new_ids())
    ids = CachedIds(asked)

    assert ids.lookup([of("subscriber", "5")]) == {}
    asked.learn([Pair("subscriber", "5", "9")])
    assert ids.lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "9"}
    assert ids.lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "9"}

    assert asked.lookups == 2
    assert list(ids.learn([Pair("subscriber", "5", "9")])) == []
    assert asked.learned == 1
    assert list(ids.learn([Pair("subscriber", "5", "8")])) == [Pair("subscriber", "5", "8")]
    assert ids.counts() == {"subscriber": Counts(learned=1, conflicts=1)}


def test_a_cache_forgets_with_its_epoch_and_holds_a_bounded_number(new_ids):
    """Memory of a worker that runs for weeks stays what it is."""
    asked = Counting(new_ids())
    ids = CachedIds(asked, size=1)
    ids.begin("monday")
    ids.learn([Pair("subscriber", "5", "9"), Pair("subscriber", "6", "8")])

    for _ in range(2):
        assert ids.lookup([of("subscriber", "5")]) == {of("subscriber", "5"): "9"}
        assert ids.lookup([of("subscriber", "6")]) == {of("subscriber", "6"): "8"}
    assert asked.lookups == 4

    ids.begin("tuesday")
    assert ids.lookup([of("subscriber", "6")]) == {}


def test_ids_that_are_only_read_learn_nothing(new_ids):
    """What is made again by hand makes another thing on B."""
    ids = new_ids()
    ids.learn([Pair("subscriber", "5", "9")])
    read = ReadIds(ids)

    read.begin("tuesday")
    assert list(read.learn([Pair("subscriber", "5", "10"), Pair("subscriber", "6", "11")])) == []

    assert read.lookup([of("subscriber", "5"), of("subscriber", "6")]) == {of("subscriber", "5"): "9"}
    assert read.counts() == {"subscriber": Counts(learned=1)}


class Counting:
    """An id map, and how often it was asked."""

    def __init__(self, ids):
        self.lookups = self.learned = 0
        self._ids = ids
        self.begin, self.counts = ids.begin, ids.counts

    def lookup(self, ids):
        self.lookups += 1
        return self._ids.lookup(ids)

    def learn(self, pairs):
        self.learned += 1
        return self._ids.learn(pairs)
