"""Rules as data: what they explain, what they leave, and that they cover nothing that did not differ."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.comparison.compare import compare
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.difference import Difference
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.rules import rule_from
from sidecar_science.comparison.sieve import RuleSet
from sidecar_science.errors import DeclarationError


def rule(verb, path, **more):
    return rule_from({"rule": verb, "path": path, **more})


def sifted(control, candidate, *rules, **options):
    sieve = RuleSet(rules).sieve()
    found = diff(control, candidate, sieve=sieve, **options)
    return [(d.kind, d.path) for d in found], dict(sieve.explained)


def alike(one, other, *rules):
    """Whether the rules explain that these two differ."""
    kept, explained = sifted({"v": one}, {"v": other}, *rules)
    assert bool(kept) != bool(explained)
    return not kept


def difference(path, kind="changed", where="value"):
    return Difference(where, path, kind)


def test_ignored_differences_are_those_at_or_below_a_path():
    """Presence is covered too, and nothing beside the place."""
    differences = [
        difference("$.updated_at"),
        difference("$.updated_at2"),
        difference("$.links[3].href", "missing"),
        difference("$.links", "order"),
    ]
    sieve = RuleSet([rule("ignore", "$.updated_at"), rule("ignore", "$.links[*]")]).sieve()

    assert [d.path for d in sieve.kept(differences)] == ["$.updated_at2", "$.links"]
    assert sieve.explained == {"ignore $.updated_at": 1, "ignore $.links[*]": 1}
    assert RuleSet().sieve().kept(differences) == differences


def test_a_path_for_values_only_leaves_presence_compared():
    """A timestamp that is there on both sides may differ; one that is gone is a difference."""
    differences = [difference("$.at", kind) for kind in ("changed", "missing", "extra", "type")]

    kept = RuleSet([rule("ignore", "$.at", values_only=True)]).sieve().kept(differences)

    assert [d.kind for d in kept] == ["missing", "extra"]


def test_a_rule_covers_its_place_in_values_errors_and_exchanges():
    """A rule does not say where: its path does."""
    differences = [difference("$[0].query.at", where="exchange"), difference("$.message", where="error")]

    kept = RuleSet([rule("ignore", "$[*].query")]).sieve().kept(differences)

    assert [d.path for d in kept] == ["$.message"]


FORMS = [
    "2014-05-14T13:00:06Z",
    "2014-05-14T13:00:06.000Z",
    "2014-05-14T14:00:06+01:00",
    "2014-05-14T13:00:06.000+00:00",
]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(FORMS, 2)))
def test_the_four_forms_of_one_instant_are_alike(one, other):
    """With and without milliseconds, as Z and as an offset: what GOV.UK's payloads hold."""
    assert alike(one, other, rule("instant", "$.v"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2014-05-14T13:00:06Z", "2014-05-14T13:00:07Z"),
        ("2014-05-14T13:00:06.000Z", "2014-05-14T13:00:06.001Z"),
        ("2014-05-14T13:00:06Z", "2014-05-14T13:00:06+01:00"),
        ("2014-05-14T13:00:06Z", "2014-05-14T13:00:06"),
        ("2014-05-14T13:00:06Z", "yesterday"),
        ("2014-05-14T13:00:06Z", 1400072406),
        ("2014-05-14", "2014-05-15"),
    ],
)
def test_other_instants_are_not_alike_nor_is_what_names_none(one, other):
    """A millisecond is a difference, and a text without a zone names no instant."""
    assert not alike(one, other, rule("instant", "$.v"))


@pytest.mark.parametrize(
    ("one", "other", "how", "expected"),
    [
        (1.004, 1.0, {"digits": 2}, True),
        (1.006, 1.0, {"digits": 2}, False),
        (1234, 1230, {"digits": -1}, True),
        (0.1, 0.3, {"tolerance": 0.2}, True),
        (0.1, 0.31, {"tolerance": 0.2}, False),
        (10**400, 1.0, {"tolerance": 5}, False),
        (float("inf"), 1.0, {"digits": 2}, False),
        (float("nan"), 1.0, {"tolerance": 5}, False),
        (1, True, {"tolerance": 5}, False),
        ("1.0", 1.0, {"digits": 1}, False),
    ],
)
def test_numbers_are_alike_within_digits_or_tolerance(one, other, how, expected):
    """Of numbers only; true is none."""
    assert alike(one, other, rule("round", "$.v", **how)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (3, "3", True),
        ("3.5", 3.5, True),
        (3.0, "3", True),
        (1e3, "1e3", True),
        (3, "03", False),
        (3, " 3", False),
        (3, "4", False),
        (True, "1", False),
        (3, None, False),
        ("1.10", "1.1", False),
        (3, "9" * 5000, False),
    ],
)
def test_a_number_and_its_text_are_alike(one, other, expected):
    """As JSON spells numbers; two texts are what they were, so that 1.10 stays another version than 1.1."""
    assert alike(one, other, rule("numbers_as_strings", "$.v")) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("request 0af3 failed", "request 91bc failed", True),
        ("request 0af3 failed", "request 91bc ended", False),
        ("request 0af3 failed", "request failed", False),
        ("a", "b", False),
    ],
)
def test_what_an_expression_finds_is_alike_and_what_stands_around_it_is_compared(one, other, expected):
    """An id in a message may be another; the message may not."""
    assert alike(one, other, rule("pattern", "$.v", regex="[0-9a-f]{4}")) is expected


def test_addresses_below_two_base_urls_are_alike_and_a_third_host_is_not():
    """Asset hosts are no service of ours, and differ between environments all the same."""
    hosts = rule("hosts", "$.v", control="https://assets.a.test", candidate="http://127.0.0.1:3000/assets")

    assert alike("<img src='https://assets.a.test/x.png'>", "<img src='http://127.0.0.1:3000/assets/x.png'>", hosts)
    assert not alike("https://assets.a.test/x", "https://assets.c.test/x", hosts)
    assert not alike("https://assets.a.test/x", "http://127.0.0.1:3000/assets/y", hosts)


def test_case_is_folded():
    """Of texts alone."""
    assert alike("Straße", "STRASSE", rule("case", "$.v"))
    assert not alike("a", "b", rule("case", "$.v"))


def test_rules_at_one_place_work_together_whatever_their_order():
    """No rule explains this alone; both together do, and both are counted."""
    case, pattern = rule("case", "$"), rule("pattern", "$.v", regex="[0-9]+")

    for rules in ([case, pattern], [pattern, case]):
        assert sifted({"v": "ID 17"}, {"v": "id 18"}, *rules) == ([], {case.id: 1, pattern.id: 1})
        assert sifted({"v": "ID 17"}, {"v": "ID 18"}, *rules) == ([], {pattern.id: 1})


def test_an_unordered_list_is_compared_by_what_it_holds():
    """Order alone is explained; an element that only one side has is told as ever."""
    unordered = rule("unordered", "$.tags")

    assert sifted({"tags": [1, 2, 3]}, {"tags": [3, 1, 2]}, unordered) == ([], {unordered.id: 1})
    assert sifted({"tags": [1, 2]}, {"tags": [2, 1, 3]}, unordered) == ([("length", "$.tags")], {unordered.id: 1})
    assert sifted({"tags": [1, 2, 2]}, {"tags": [2, 1, 1]}, unordered)[0] == [("changed", "$.tags[2]")]
    assert sifted({"tags": [1, 2], "x": [1, 2]}, {"tags": [2, 1], "x": [2, 1]}, unordered)[0] == [("order", "$.x")]
    assert sifted({"tags": [1, 2, 3]}, {"tags": [1, 2, 4]}, unordered) == ([("changed", "$.tags[2]")], {})


def test_objects_of_an_unordered_list_are_found_again_by_what_names_them():
    """One changed on its way to another place: the change is told, at A's index."""
    control = {"rows": [{"id": n, "t": n} for n in range(9)]}
    candidate = {"rows": [{"id": n, "t": 99 if n == 4 else n} for n in reversed(range(9))]}

    kept, explained = sifted(control, candidate, rule("unordered", "$.rows"))

    assert kept == [("changed", "$.rows[4].t")]
    assert explained == {"unordered $.rows": 1}


@pytest.mark.parametrize("ordered", [True, False])
def test_elements_that_differ_in_nothing_that_matters_are_found_again(ordered):
    """Every element has another clock and no name: without it they are the same, so an insertion is still one."""
    control = {"rows": [{"at": f"10:{n:02}", "t": [n % 20]} for n in range(50)]}
    moved = control["rows"][5:] if ordered else control["rows"][::-1]
    candidate = {"rows": [{**row, "at": "11:00"} for row in moved]}
    rules = [rule("ignore", "$.rows[*].at")] + ([] if ordered else [rule("unordered", "$.rows")])

    kept, explained = sifted(control, candidate, *rules)

    assert kept == ([("length", "$.rows")] if ordered else [])
    assert explained["ignore $.rows[*].at"] == len(moved)


def test_what_did_not_differ_is_not_counted():
    """A rule on a place that is the same on both sides explains nothing."""
    rules = [rule("ignore", "$.a"), rule("case", "$"), rule("unordered", "$.l"), rule("instant", "$.t")]

    assert sifted({"a": 1, "l": [1, 2]}, {"a": 1, "l": [1, 2]}, *rules) == ([], {})
    assert sifted({"a": 1, "l": [1, 2], "x": 1}, {"a": 1, "l": [1, 2], "x": 2}, *rules) == ([("changed", "$.x")], {})


def test_what_is_explained_does_not_use_up_the_limit():
    """Thousands of clocks that do not matter do not keep a difference from being found that does."""
    control = {"rows": [{"at": n, "id": n} for n in range(5000)], "last": 1}
    candidate = {"rows": [{"at": -1 - n, "id": n} for n in range(5000)], "last": 2}

    kept, explained = sifted(control, candidate, rule("ignore", "$.rows[*].at"), limit=10)

    assert kept == [("changed", "$.last")]
    assert explained == {"ignore $.rows[*].at": 5000}


def test_a_walk_that_ended_early_is_never_explained_away():
    """What was not looked at may hold anything."""
    kept, _ = sifted([[n] for n in range(99)], [[-n - 1] for n in range(99)], rule("ignore", "$"), max_nodes=50)

    assert kept == [("changed", "$")]


def test_a_catastrophic_expression_is_stopped_and_told_once():
    """It has a tenth of a second; then it explains nothing more in this job, and its owner hears of it."""
    told = []
    texts = {f"k{n}": "a" * 40 + "!" for n in range(200)}
    rules = RuleSet([rule("pattern", "$", regex="(?:a|aa)+$"), rule("ignore", "$.k7")])

    found = compare(
        Observed(value=texts),
        Observed(value={key: text + "?" for key, text in texts.items()}),
        rules=rules,
        told=lambda operation, error: told.append((operation, type(error))),
    )

    assert len(found) == 199
    assert told == [("pattern", TimeoutError)]


def test_compare_says_what_was_explained():
    """What rules explained is counted over value, error and exchanges."""
    found = compare(
        Observed(value={"at": 1, "n": 1}, exchanges=({"method": "GET", "path": "/", "query": "at=1", "status": 200},)),
        Observed(value={"at": 2, "n": 1}, exchanges=({"method": "GET", "path": "/", "query": "at=2", "status": 200},)),
        rules=RuleSet([rule("ignore", "$.at"), rule("ignore", "$[*].query")]),
    )

    assert found == ()
    assert found.explained == {"ignore $.at": 1, "ignore $[*].query": 1}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("ignore", "is no rule"),
        ({"rule": "forget", "path": "$"}, "is no rule"),
        ({"rule": "ignore"}, "needs path"),
        ({"rule": "ignore", "path": "$", "digits": 2}, "has no digits"),
        ({"rule": "ignore", "path": "a.b"}, "does not start with"),
        ({"rule": "round", "path": "$"}, "digits=2 or tolerance"),
        ({"rule": "round", "path": "$", "digits": 2, "tolerance": 1}, "one of the two"),
        ({"rule": "round", "path": "$", "digits": "2"}, "no whole number"),
        ({"rule": "round", "path": "$", "tolerance": -1}, "above 0"),
        ({"rule": "pattern", "path": "$", "regex": "("}, "no regular expression"),
        ({"rule": "hosts", "path": "$", "control": "a", "candidate": "b"}, "no base URL"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_to_write(table, complaint):
    """At import, where it is written."""
    with pytest.raises(DeclarationError, match=complaint):
        rule_from(table)


VALUES = st.recursive(
    st.one_of(st.integers(0, 3), st.sampled_from(["a", "A", "1", "2014-05-14T13:00:06Z", 1.01, None])),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from("ab"), below, max_size=2),
    max_leaves=10,
)
RULES = st.lists(
    st.sampled_from(
        [
            rule("ignore", "$.a"),
            rule("ignore", "$[*].b", values_only=True),
            rule("unordered", "$"),
            rule("unordered", "$.b"),
            rule("case", "$"),
            rule("round", "$", digits=1),
            rule("numbers_as_strings", "$[*]"),
            rule("instant", "$"),
            rule("pattern", "$", regex="[0-9]"),
        ]
    ),
    max_size=5,
)


@given(VALUES, VALUES, RULES)
def test_rules_are_idempotent_and_their_order_does_not_matter(control, candidate, rules):
    """Said twice, in another order, or put again to what they left, they explain the same."""
    found = sifted(control, candidate, *rules)

    assert sifted(control, candidate, *reversed(rules)) == found
    assert sifted(control, candidate, *rules, *rules) == found
    left = diff(control, candidate, sieve=RuleSet(rules).sieve())
    assert RuleSet(rules).sieve().kept(left) == left


@given(VALUES, VALUES, RULES)
def test_rules_find_no_difference_where_there_is_none_and_hide_none_that_they_do_not_name(control, candidate, rules):
    """Nothing differs from itself under any rules; what differs is kept, or is counted as explained."""
    assert sifted(control, control, *rules) == ([], {})
    kept, explained = sifted(control, candidate, *rules)
    assert bool(kept or explained) == bool(diff(control, candidate))
