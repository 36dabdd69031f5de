"""What a person is shown of one mismatched job."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.codec.markers import Secret
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.observed import Observed
from sidecar_science.reports.excerpt import MAX_SHOWN, MAX_SIDE, excerpt
from sidecar_science.reports.plain import encoded

from .bench import changed

SCALARS = st.none() | st.integers() | st.text(max_size=300)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner), max_leaves=80
)


def shown(control, candidate, *differences):
    return excerpt("job-1", control, candidate, differences)


@given(VALUES, VALUES)
def test_a_side_takes_at_most_four_kilobytes(control, candidate):
    """Excerpt and differing values together stay within the bound, whatever the two answers are."""
    sample = excerpt("job-1", {"value": control}, {"value": candidate}, diff(control, candidate))

    for side in ("control", "candidate"):
        told = sum(len(encoded(one.get(side, ""))) for one in sample["differences"])
        assert len(encoded(sample[side])) + told <= MAX_SIDE + 2 * MAX_SHOWN


@given(VALUES, VALUES)
def test_every_shown_value_stands_where_its_path_says(control, candidate):
    """Small values are shown as they are in the two answers."""
    sample = excerpt("job-1", {"value": control}, {"value": candidate}, differences := diff(control, candidate))

    for told, difference in zip(sample["differences"], differences, strict=False):
        for side in ("control", "candidate"):
            value = getattr(difference, side)
            if side in told and isinstance(value, int):
                assert told[side] == value


def test_small_sides_are_whole():
    """What fits is not cut, and empty parts are left out."""
    sample = shown(
        Observed(value={"title": "old"}, exchanges=({"status": 200},)), Observed(value={"title": "new"}), changed()
    )

    assert sample == {
        "job": "job-1",
        "control": {"value": {"title": "old"}, "exchanges": [{"status": 200}]},
        "candidate": {"value": {"title": "new"}},
        "differences": [{"where": "value", "path": "$.title", "kind": "changed", "control": "old", "candidate": "new"}],
    }


def test_a_value_alone_is_the_part_of_that_name():
    """A side that is no mapping of parts is a value, even where it looks like a mapping."""
    assert shown({"title": "old"}, 7, changed())["control"] == {"value": {"title": "old"}}
    assert shown({"title": "old"}, 7, changed())["candidate"] == {"value": 7}
    assert shown({}, None)["control"] == {"value": {}}


def test_large_sides_are_cut_to_the_places_that_differ():
    """Of a large answer, what leads to the differences stays, with keys and indexes, and the rest is counted."""
    control = {"links": [{"href": f"/{n}", "text": "x" * 100} for n in range(500)], "body": "y" * 9_000}
    candidate = {**control, "links": [*control["links"][:7], {"href": "/other"}, *control["links"][8:]]}

    sample = shown({"value": control}, {"value": candidate}, changed("$.links[7].href", "/7", "/other"))

    assert sample["control"]["value"] == {
        "links": {"[7]": {"href": "/7", "…": "1 more"}, "…": "499 more"},
        "…": "1 more",
    }
    assert sample["candidate"]["value"]["links"]["[7]"] == {"href": "/other"}


def test_a_side_without_the_place_says_what_it_has_instead():
    """Where one side ends before the path does, the others of that level are counted."""
    control = {"a": {"b": 1}, "pad": "x" * 9_000}

    sample = shown({"value": control}, {"value": {"pad": "x" * 9_000}}, changed("$.a.b", 1, None, kind="missing"))

    assert sample["candidate"] == {"value": {"…": "1 more"}}
    assert "candidate" not in sample["differences"][0]


def test_a_path_into_a_scalar_shows_the_scalar():
    """Where an answer was cleaned to something else, its end is shown."""
    sample = shown({"value": "z" * 9_000}, {"value": 1}, changed("$.a.b"))

    assert sample["control"]["value"].startswith("zzz")
    assert sample["differences"] == [{"where": "value", "path": "$.a.b", "kind": "changed"}]


def test_long_texts_are_shown_around_the_place_where_they_part():
    """Two long texts that share a beginning are cut at the same place, and say how much is before and after."""
    control, candidate = "a" * 9_000 + "X" + "b" * 500, "a" * 9_000 + "Y" + "b" * 500

    told = shown({"value": control}, {"value": candidate}, changed("$", control, candidate))["differences"][0]

    assert told["control"] == "(8940 bytes before) …" + "a" * 60 + "X" + "b" * 59 + "… (441 bytes more)"
    assert told["candidate"] == told["control"].replace("X", "Y")


def test_values_that_clean_took_away_are_not_shown():
    """Differences were made before ``clean``; what it hides must not come back through them."""
    secret = "correct horse battery staple"

    sample = shown({"value": {"id": 1}}, {"value": {"id": 1}}, changed("$.password", secret, secret + "!"))

    assert "horse" not in json.dumps(sample)


def test_values_that_clean_replaced_are_shown_replaced():
    """What stands at the path after ``clean`` is what may be shown."""
    sample = shown({"value": {"email": "***"}}, {"value": {"email": "***"}}, changed("$.email", "a@b", "c@d"))

    assert sample["differences"][0]["control"] == "***"


def test_in_an_aligned_list_the_value_is_found_beside_its_index():
    """A difference in a list that was aligned holds one side's index; the other's value is looked for nearby."""
    control, candidate = {"value": [1, 2, 30, 4]}, {"value": [0, 1, 2, 31, 4]}

    told = shown(control, candidate, changed("$[2]", 30, 31))["differences"][0]

    assert (told["control"], told["candidate"]) == (30, 31)


def test_beside_an_index_only_the_same_place_counts():
    """A neighbor that holds the value elsewhere, or nothing at all, is not taken for it."""
    control = {"value": [{"a": 4}]}
    candidate = {"value": [7, {"b": 6}, {"a": 6}]}

    told = shown(control, candidate, changed("$[3].a", 5, 6))["differences"][0]

    assert told == {"where": "value", "path": "$[3].a", "kind": "changed", "candidate": 6}


def test_true_is_not_taken_for_one():
    """Looking beside an index is typed."""
    told = shown({"value": [1, True]}, {"value": [2, False]}, changed("$[1]", True, False))["differences"][0]

    assert told["control"] is True


def test_errors_and_exchanges_have_their_own_paths():
    """Where a difference is decides in which part its path is looked up."""
    control = {"error": {"status": 404}, "exchanges": [{"status": 404}]}
    candidate = {"value": None, "exchanges": [{"status": 200}]}

    sample = shown(
        control,
        candidate,
        changed("$.status", 404, None, where="error", kind="missing"),
        changed("$[0].status", 404, 200, where="exchange"),
    )

    assert [one.get("control") for one in sample["differences"]] == [404, 404]
    assert sample["differences"][1]["candidate"] == 200


def test_lists_of_different_length_are_told_by_their_length():
    """Nobody counts items by eye."""
    told = shown({"value": [1] * 9}, {"value": [1] * 8}, changed("$", [1] * 9, [1] * 8, kind="length"))["differences"]

    assert (told[0]["control"], told[0]["candidate"]) == (9, 8)


def test_quoted_keys_are_found():
    """Keys that are no plain names stand in brackets in a path."""
    value = {"a.b": {'q"[0]': [5]}}

    told = shown({"value": value}, {"value": value}, changed('$["a.b"]["q\\"[0]"][0]', 5, 5))["differences"][0]

    assert told["control"] == 5


def test_a_path_that_cannot_be_read_leads_nowhere():
    """A difference from elsewhere must not stop a settlement."""
    sample = shown({"value": {"a": 1}}, {"value": {}}, changed(r'$["\x"]'), changed("nonsense["))

    assert [one["path"] for one in sample["differences"]] == [r'$["\x"]', "nonsense["]


def test_secrets_are_fingerprints():
    """A secret that was kept as a fingerprint is shown as one."""
    one, other = Secret("aaaa"), Secret("bbbb")

    told = shown({"value": {"k": one}}, {"value": {"k": other}}, changed("$.k", one, other))["differences"][0]

    assert (told["control"], told["candidate"]) == ({"secret": "aaaa"}, {"secret": "bbbb"})


def test_only_a_few_differences_are_told():
    """Six places say enough; the group counts all."""
    value = {f"k{n}": n for n in range(40)}

    sample = shown({"value": value}, {"value": {}}, *(changed(f"$.k{n}", n, None, kind="missing") for n in range(40)))

    assert len(sample["differences"]) == MAX_SHOWN
