"""What is changed for B, what two answers teach, and what A's answer is on B."""

from __future__ import annotations

from uuid import UUID

import pytest

from sidecar_science.comparison.difference import Difference
from sidecar_science.translation import Id, Ids, MemoryIds, Pair, TranslatedIds, Translation
from sidecar_science.translation.arguments import Arguments

A_UUID = "d1b1c2e0-5ee9-4b8c-9d7e-0a5c3a1f2b3c"
B_UUID = "0e7c5d1a-1b2c-4d3e-8f90-a1b2c3d4e5f6"
NONE = TranslatedIds()


def declared(*places, drop=(), **kinds):
    return Ids.declare("experiment 'x'", dict(places) | kinds, drop)


def translation(ids, *pairs, also=(), learning=True):
    """A translation that knows ``pairs``."""
    known = MemoryIds({}, "b")
    known.learn([Pair(*pair) for pair in pairs])
    return Translation(declared=[ids, *also], ids=known if learning else None)


def call(*args, names=("subscriber_id",), **kwargs):
    return Arguments(args=args, kwargs=kwargs, names=names)


SUBSCRIBER = declared(("$.id", "subscriber"), ("subscriber_id", "subscriber"))


# -- arguments -------------------------------------------------------------------------------------------------------


def test_an_id_at_a_declared_parameter_is_changed_however_it_is_given():
    """By its place or by its name, in the type that it has."""
    known = translation(SUBSCRIBER, ("subscriber", "5", "9"))

    by_place, _ = known.into_b(SUBSCRIBER, None, call(5, 5))
    by_name, sent = known.into_b(SUBSCRIBER, None, call(subscriber_id="5", count=5))

    assert by_place.args == (9, 5)
    assert by_name.kwargs == {"subscriber_id": "9", "count": 5}
    assert sent.known == {Id("subscriber", "5"): "9"}
    assert sent.unmapped == frozenset()


def test_a_small_number_is_left_alone_where_it_is_not_declared():
    """A count of five is no subscriber."""
    known = translation(SUBSCRIBER, ("subscriber", "5", "9"))

    arguments, _ = known.into_b(SUBSCRIBER, None, call(6, names=("subscriber_id", "limit"), limit=5, path="/x/5"))

    assert arguments.kwargs == {"limit": 5, "path": "/x/5"}


def test_what_can_be_nothing_but_an_id_is_changed_wherever_it_stands():
    """In nested values and in URLs, as text and as UUID."""
    known = translation(SUBSCRIBER, ("subscriber", A_UUID, B_UUID))
    given = {
        "who": A_UUID,
        "all": [UUID(A_UUID)],
        "url": f"https://a.test/{A_UUID}/x?of={A_UUID}",
        "word": f"a {A_UUID}",
    }

    arguments, _ = known.into_b(SUBSCRIBER, None, call(7, given, names=("subscriber_id", "payload")))

    assert arguments.args[1] == {
        "who": B_UUID,
        "all": [UUID(B_UUID)],
        "url": f"https://a.test/{B_UUID}/x?of={B_UUID}",
        "word": f"a {A_UUID}",
    }
    assert given["who"] == A_UUID


def test_places_reach_into_arguments():
    """Into dicts and lists, and into the segments of paths."""
    ids = declared(("payload.lists[*].id", "list"), ("path", "list"), ("$.id", "list"))
    known = translation(ids, ("list", "5", "9"))
    payload = {"lists": [{"id": 5}, {"id": 6}, {"id": None}], "id": 5}

    arguments, sent = known.into_b(ids, None, call(payload, "/lists/5?list=5&n=55", names=("payload", "path")))

    assert arguments.args == ({"lists": [{"id": 9}, {"id": 6}, {"id": None}], "id": 5}, "/lists/9?list=9&n=55")
    assert sent.unmapped == {Id("list", "6")}


def test_a_path_in_which_nothing_is_known_is_unmapped():
    """Its numbers are ids of which nobody knows B's; its words are none."""
    ids = declared(("link", "list"), ("$.id", "list"))
    known = translation(ids, ("list", "5", "9"))

    assert known.into_b(ids, None, call("/v2/lists/6", names=("link",)))[1].unmapped == {Id("list", "6")}
    assert known.into_b(ids, None, call("/pages/6/lists/5", names=("link",)))[1].unmapped == frozenset()
    assert known.into_b(ids, None, call("/lists/all", names=("link",)))[1].unmapped == frozenset()


def test_an_id_that_is_a_path_is_changed_as_a_whole():
    """Base paths are ids as well."""
    ids = declared(("$.base_path", "page"), ("base_path", "page"))
    known = translation(ids, ("page", "/a/b", "/c"))

    arguments, sent = known.into_b(ids, None, call("/a/b", names=("base_path",)))

    assert arguments.args == ("/c",)
    assert sent.unmapped == frozenset()


def test_an_unknown_id_is_unmapped_only_where_some_answer_teaches_its_kind():
    """Another experiment's answers do. Where none does, ids are the same on both sides, or nothing can be done."""
    taking, giving = declared(("subscriber_id", "subscriber")), declared(("$.id", "subscriber"))

    alone = translation(taking).into_b(taking, None, call(5))
    taught = translation(taking, also=[giving]).into_b(taking, None, call(5))

    assert alone[1].unmapped == frozenset()
    assert taught[1].unmapped == {Id("subscriber", "5")}
    assert taught[0].args == (5,)


def test_what_must_not_leave_the_process_is_not_asked_for():
    """B's own secrets are among the arguments."""
    asked = []
    ids = declared(("subscriber_id", "subscriber"), ("$.id", "subscriber"))

    class Watched(MemoryIds):
        def lookup(self, ids):
            asked.extend(each.text for each in ids)
            return super().lookup(ids)

    known = Translation(declared=[ids], ids=Watched({}, "b"))

    known.into_b(ids, None, call(A_UUID, token=B_UUID), untouchable={B_UUID})

    assert A_UUID in asked
    assert B_UUID not in asked


def test_a_dropped_argument_is_not_sent():
    """At any depth; a place that has to be filled gets None."""
    ids = declared(drop=("previous_version", "payload.version", "if_match"))

    arguments, _ = translation(ids).into_b(
        ids, None, call(3, {"version": 1, "title": "x"}, names=("previous_version", "payload"), if_match="w", other=1)
    )

    assert arguments.args == (None, {"title": "x"})
    assert arguments.kwargs == {"other": 1}


def test_arguments_without_any_id_are_the_same_objects():
    """Nothing is copied for nothing."""
    payload = {"a": [1, 2]}

    arguments, _ = translation(SUBSCRIBER).into_b(
        SUBSCRIBER, None, call(5, payload, names=("subscriber_id", "payload"))
    )

    assert arguments.args[1] is payload


# -- learning --------------------------------------------------------------------------------------------------------


def test_two_answers_teach_a_pair():
    """At the declared place alone."""
    known = translation(SUBSCRIBER)

    lesson = known.learn(SUBSCRIBER, None, {"id": 5, "n": 1}, {"id": 9, "n": 2}, NONE)

    assert lesson.known == {Id("subscriber", "5"): "9"}
    assert known.into_b(SUBSCRIBER, None, call(5))[0].args == (9,)


@pytest.mark.parametrize(
    ("a", "b"),
    [({"id": 5}, {"id": "9"}), ({"id": 5}, {}), ({"id": None}, {"id": None}), ({"id": True}, {"id": False}), (None, 5)],
)
def test_what_is_no_pair_teaches_nothing(a, b):
    """Of two types, of one side alone, or no id at all."""
    assert translation(SUBSCRIBER).learn(SUBSCRIBER, None, a, b, NONE).known == {}


def test_a_list_is_paired_by_its_order():
    """When both have as many."""
    ids = declared(("$.all[*].id", "list"))

    lesson = translation(ids).learn(ids, None, {"all": [{"id": 1}, {"id": 2}]}, {"all": [{"id": 11}, {"id": 12}]}, NONE)

    assert lesson.known == {Id("list", "1"): "11", Id("list", "2"): "12"}


@pytest.mark.parametrize("of_b", [[2, 1], [1], [2, 7], [11, 1]])
def test_a_list_in_another_order_teaches_nothing(of_b):
    """An id of A at another place on B says that nobody can tell."""
    ids = declared(("$[*]", "list"))

    assert translation(ids).learn(ids, None, [1, 2], of_b, NONE).known == {}


def test_in_a_list_that_teaches_nothing_what_is_known_is_known():
    """A's list has B's ids where they are known, in A's order: B's is another one, and is told as that."""
    ids = declared(("$[*]", "list"))
    known = translation(ids, ("list", "1", "2"), ("list", "2", "3"))

    lesson = known.learn(ids, None, [1, 2, 9], [2, 3, 10], NONE)

    assert known.as_b_would_say(ids, None, [1, 2, 9], lesson) == [2, 3, 9]


def test_a_contradiction_is_told_and_what_is_known_stays():
    """A's 5 is B's 9, and so it should have said."""
    known = translation(SUBSCRIBER, ("subscriber", "5", "9"))

    lesson = known.learn(SUBSCRIBER, None, {"id": 5}, {"id": 10}, NONE)

    assert lesson.conflicts == (Pair("subscriber", "5", "10"),)
    assert lesson.known == {Id("subscriber", "5"): "9"}
    assert known.as_b_would_say(SUBSCRIBER, None, {"id": 5}, lesson) == {"id": 9}


def test_an_echo_of_a_small_number_is_evidence_only_where_all_else_agrees():
    """Asked for 5, B answers about its own 5, which may be somebody else."""
    known = translation(SUBSCRIBER)
    _, sent = known.into_b(SUBSCRIBER, None, call(5))

    lesson = known.learn(SUBSCRIBER, None, {"id": 5}, {"id": 5}, sent)
    assert lesson.known == {}
    assert known.into_b(SUBSCRIBER, None, call(5))[1].unmapped

    known.confirm(lesson)
    assert known.into_b(SUBSCRIBER, None, call(5))[1].known == {Id("subscriber", "5"): "5"}


def test_an_echo_of_a_uuid_is_evidence_at_once():
    """Nobody has it by accident."""
    known = translation(SUBSCRIBER)
    _, sent = known.into_b(SUBSCRIBER, None, call(A_UUID))

    assert known.learn(SUBSCRIBER, None, {"id": A_UUID}, {"id": A_UUID}, sent).known == {
        Id("subscriber", A_UUID): A_UUID
    }


def test_versions_are_paired_within_their_key():
    """Version 3 of one document is not that of another."""
    ids = declared(("$.version", "version per key"), ("previous_version", "version per key"))
    known = translation(ids)
    known.learn(ids, "one", {"version": 3}, {"version": 17}, NONE)
    known.learn(ids, "two", {"version": 3}, {"version": 18}, NONE)

    sent = [known.into_b(ids, key, call(3, names=("previous_version",)))[0].args for key in ("one", "two", "three")]

    assert sent == [(17,), (18,), (3,)]


def test_nothing_is_learned_or_changed_without_a_map():
    """But what is declared still tells which ids nobody knows."""
    known = translation(SUBSCRIBER, learning=False)

    assert known.learn(SUBSCRIBER, None, {"id": 5}, {"id": 9}, NONE).known == {}
    assert known.into_b(SUBSCRIBER, None, call(5)) == (
        call(5),
        TranslatedIds(unmapped=frozenset({Id("subscriber", "5")})),
    )


# -- comparing -------------------------------------------------------------------------------------------------------


def left(differences, *, pairs=(("subscriber", "5", "9"),), job=True, ids=SUBSCRIBER):
    """What pairs leave of ``differences``; ``job``: the job has to do with them."""
    known = translation(ids, *pairs)
    lesson = known.learn(ids, None, None, None, TranslatedIds(known={Id(k, a): b for k, a, b in pairs} if job else {}))
    return known.unexplained([Difference(*each) for each in differences], lesson)


@pytest.mark.parametrize(
    "difference",
    [
        ("exchange", "$[0].path", "changed", "/subscribers/5", "/subscribers/9"),
        ("exchange", "$[0].query.id", "changed", "5", "9"),
        ("exchange", "$[0].body.id", "changed", 5, 9),
        ("error", "$.message", "changed", "no subscriber 5 here", "no subscriber 9 here"),
        ("value", "$.href", "changed", "https://x.test/subscribers/5", "https://x.test/subscribers/9"),
    ],
)
def test_an_id_of_the_job_stands_for_its_other(difference):
    """As a whole value and as a whole word of what was sent and what went wrong; in values, in paths."""
    assert left([difference]) == ()


@pytest.mark.parametrize(
    "difference",
    [
        ("value", "$.count", "changed", 5, 9),
        ("value", "$.title", "changed", "5 of them", "9 of them"),
        ("value", "$.href", "changed", "/subscribers/5", "/subscribers/8"),
        ("exchange", "$[0].path", "changed", "/subscribers/5", "/subscriptions/9"),
        ("exchange", "$[0].path", "changed", "/subscribers/15", "/subscribers/19"),
        ("exchange", "$[0].status", "type", 5, "9"),
        ("exchange", "$[0].body.id", "missing", 5, None),
        ("exchange", "$[0].body.id", "changed", 9, 5),
    ],
)
def test_anything_else_stays_a_difference(difference):
    """A count that changed from five to nine did change."""
    assert len(left([difference])) == 1


def test_what_can_be_nothing_but_an_id_is_asked_for_where_it_differs():
    """The job itself need not have to do with it."""
    pairs = [("subscriber", A_UUID, B_UUID)]
    differences = [
        ("value", "$.links[0]", "changed", A_UUID, B_UUID),
        ("value", "$.text", "changed", f"see {A_UUID}.", f"see {B_UUID}."),
        ("value", "$.other", "changed", B_UUID, A_UUID),
    ]

    assert [each.path for each in left(differences, pairs=pairs, job=False)] == ["$.other"]
