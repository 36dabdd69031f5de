"""Payloads that really drifted: nothing is found where nothing changed, and everything where something did."""

from __future__ import annotations

import copy
import re
import tomllib
from collections import Counter

import pytest

from sidecar_science.comparison.applying import apply
from sidecar_science.comparison.compare import compare
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.projection import project
from sidecar_science.comparison.rules import rule_from
from sidecar_science.comparison.sieve import RuleSet
from tests import govuk
from tests.comparison.walks import told_by_index

WORDS = {"missing": "removed", "extra": "added"}

needs_examples = pytest.mark.skipif(govuk.root() is None, reason="the GOV.UK examples are not at hand")


def spoken(found):
    """Our differences in the words and paths of SOURCE.md."""
    return sorted((WORDS.get(d.kind, d.kind), d.path.removeprefix("$").removeprefix(".")) for d in found)


@needs_examples
def test_all_current_payloads_match_themselves():
    """332 payloads, each against a copy of itself: no difference, and projection has nothing to do."""
    payloads = list(govuk.current())

    differing = [name for name, payload in payloads if diff(payload, copy.deepcopy(payload))]

    assert differing == []
    assert len(payloads) == 332
    assert all(project(payload) is payload for _, payload in payloads)


@needs_examples
def test_all_drift_pairs_differ_exactly_where_an_independent_walk_says():
    """74 pairs, 2022 against today: the same kinds at the same paths as index by index, unless a list was aligned.

    Then there are fewer differences, and what is told still makes B out of A; so it does everywhere.
    """
    pairs = list(govuk.pairs())

    agreeing = []
    for name, old, new in pairs:
        found, walked = spoken(diff(old, new)), sorted(told_by_index(old, new))
        assert found, name
        assert apply(old, diff(old, new)) == new, name
        if found == walked:
            agreeing.append(name)
        else:
            assert len(found) < len(walked), name

    assert len(pairs) == 74
    assert len(agreeing) == 68


@needs_examples
def test_the_counts_are_those_of_the_drift_table():
    """SOURCE.md counts the differences of every pair, and names some of them; six pairs have lists that were aligned."""
    table = govuk.counted()

    other = set()
    for name, old, new in govuk.pairs():
        counts, some = table[name]
        found = spoken(compare(Observed(value=old), Observed(value=new)))
        if Counter(kind for kind, _ in found) != counts or not set(some) <= set(found):
            other.add(name)

    assert len(table) == 74
    assert other == {
        name for name, old, new in govuk.pairs() if spoken(diff(old, new)) != sorted(told_by_index(old, new))
    }


RULES = """
rules = [
    { rule = "pattern", path = "$", regex = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)' },
    { rule = "hosts", path = "$", control = "https://www.integration.publishing.service.gov.uk", candidate = "https://www.gov.uk" },
    { rule = "ignore", path = "$.publishing_request_id" },
    { rule = "ignore", path = "$.payload_version" },
]
"""
VOLATILE = re.compile(r"\d{4}-\d\d-\d\dT|integration\.publishing|^\d+-\d+\.\d+$")


def in_2022(payload):
    """The payload as another environment would have answered it: its clock, its host, its ids and versions."""

    def disturbed(value):
        if isinstance(value, dict):
            return {key: disturbed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [disturbed(item) for item in value]
        if isinstance(value, str):
            value = value.replace("https://www.gov.uk", "https://www.integration.publishing.service.gov.uk")
            return re.sub(r"(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(\.\d+)?(Z|\+\d\d:\d\d)", r"\1:07.250+00:00", value)
        return value

    return {**disturbed(payload), "publishing_request_id": "17-1650031.882", "payload_version": 3}


@needs_examples
def test_a_few_rules_take_what_is_volatile_out_of_the_drift_and_leave_the_rest():
    """Clocks, hosts, request ids and versions differ in every pair; with four rules none is told, and nothing else goes."""
    assert len(RULES.strip().splitlines()) <= 10
    rules = RuleSet(map(rule_from, tomllib.loads(RULES)["rules"]))
    seen = 0

    for name, *pair in govuk.pairs():
        old, new = ({key: item for key, item in each.items() if key != "publishing_request_id"} for each in pair)
        before, after = in_2022(old), {**new, "publishing_request_id": "42-1764000.123", "payload_version": 4}
        bare, sieve = diff(before, after), rules.sieve()
        kept = diff(before, after, sieve=sieve)

        assert len(bare) > len(diff(old, new)), name
        assert sieve.explained["ignore $.payload_version"] == 1
        volatile = [one for one in diff(old, new) if is_volatile(one)]
        assert told(kept) == told(one for one in diff(old, new) if one not in volatile), name
        assert not [one for one in kept if is_volatile(one)], name
        seen += len(bare) - len(kept)

    assert seen > 1000


def is_volatile(difference):
    """A clock or a host, and no more than that."""
    texts = (difference.control, difference.candidate)
    return (
        difference.kind == "changed"
        and all(isinstance(text, str) for text in texts)
        and bool(VOLATILE.search(texts[0]))
    )


def told(differences):
    return [(one.kind, one.path) for one in differences]


EXPECTED = {
    "answer": [("changed", "$.updated_at"), ("changed", "$.links.organisations[0].schema_name")],
    "browse_page": [
        ("order", "$.details.ordered_second_level_browse_pages"),
        ("changed", "$.details.second_level_ordering"),
        ("order", "$.links.second_level_browse_pages"),
    ],
    "case_study": [
        ("missing", "$.details.tags.topics"),
        ("extra", "$.details.headers"),
        ("missing", "$.links.suggested_ordered_related_items"),
    ],
    "email_signup": [
        ("type", "$.details.subscription_list_title_prefix"),
        ("type", "$.details.email_signup_choice[1].prechecked"),
        ("type", "$.links.related"),
    ],
    "place": [
        ("type", "$.details.need_to_know"),
        ("changed", "$.details.centre.lon"),
        ("type", "$.details.results_per_page"),
    ],
    "transaction_put": [
        ("changed", "$.rendering_app"),
        ("changed", '$.details.variants["yn-gymraeg"].title'),
        ("missing", '$.details.variants["a.b"].hidden'),
    ],
    "travel_advice": [
        ("length", "$.details.parts"),
        ("changed", "$.details.parts[0].slug"),
        ("changed", "$.details.parts[0].title"),
        ("changed", "$.details.parts[0].body"),
        ("missing", "$.details.summary"),
    ],
}


@pytest.mark.parametrize(("name", "old", "new"), [pytest.param(*pair, id=pair[0]) for pair in govuk.own_pairs()])
def test_small_payloads_of_our_own_differ_where_they_were_changed(name, old, new):
    """Each pair that is kept with the tests has known differences, and none with itself."""
    assert [(d.kind, d.path) for d in diff(old, new)] == EXPECTED[name]
    assert diff(new, copy.deepcopy(new)) == diff(old, copy.deepcopy(old)) == []


def test_every_small_pair_is_there():
    """Payloads and expectations are complete."""
    assert {name for name, _, _ in govuk.own_pairs()} == set(EXPECTED)
