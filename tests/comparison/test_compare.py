"""Two observations side by side: value, error, exchanges, and what the owner of an experiment has to say."""

from __future__ import annotations

import pytest

from sidecar_science.codec.markers import Secret
from sidecar_science.comparison.compare import compare, query_of
from sidecar_science.comparison.observed import Observed
from sidecar_science.comparison.origins import Origins

A, B = "http://a.example.com/api", "http://b.example.com/branch"
ORIGINS = Origins({"api": [A]}, {"api": B})


def told(control, candidate, **rules):
    return [(d.where, d.path, d.kind) for d in compare(control, candidate, origins=ORIGINS, **rules)]


def error(message="no", status=404, kind="shop.NotFound", body=None):
    return {"type": kind, "message": message, "status": status, "body": body}


def exchange(method="GET", path="/api/v2/x", query="", status=200, body=None, origin="http://a.example.com:80", **more):
    return {
        "method": method,
        "origin": origin,
        "path": path,
        "query": query,
        "status": status,
        "body": body,
        "duration": 0.1,
        "sent": True,
        **more,
    }


def on_b(**parts):
    return exchange(**{"origin": "http://b.example.com:80", "path": "/branch/v2/x", **parts})


def test_the_same_answer_is_no_difference():
    """Value, and exchanges whose origins are mapped, agree; durations do not matter."""
    control = Observed(value={"a": 1}, exchanges=(exchange(),), duration=1)
    candidate = Observed(value={"a": 1.0}, exchanges=(on_b(duration=9),), duration=2)

    assert told(control, candidate) == []
    assert compare(Observed(value=1), Observed(value=1)) == ()


def test_values_are_compared_with_their_origins_mapped():
    """A link to A in A's answer is a link to B in B's; a third host is a third host."""
    control = Observed(value={"next": f"{A}/x?page=2", "host": "http://c.example.com/"})
    candidate = Observed(value={"next": f"{B}/x?page=2", "host": "http://d.example.com/"})

    assert told(control, candidate) == [("value", "$.host", "changed")]


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (Observed(value=1), Observed(error=error()), [("error", "$", "extra")]),
        (Observed(error=error()), Observed(value=1), [("error", "$", "missing")]),
        (Observed(error=error()), Observed(error=error()), []),
        (Observed(error=error()), Observed(error=error(status=500)), [("error", "$.status", "changed")]),
        (Observed(error=error()), Observed(error=error(kind="E")), [("error", "$.type", "changed")]),
        (Observed(error=error()), Observed(error=error("other")), [("error", "$.message", "changed")]),
        (
            Observed(error=error(body=[{"f": "#/a"}])),
            Observed(error=error(body=[{"f": "#/b"}])),
            [("error", "$.body[0].f", "changed")],
        ),
        (Observed(error=error(f"at {A}/x")), Observed(error=error(f"at {B}/x")), []),
        (Observed(error=error("host='a.example.com'")), Observed(error=error("host='b.example.com'")), []),
    ],
)
def test_errors_are_compared_by_type_message_status_and_body(control, candidate, expected):
    """An error on one side only is the whole difference; the value of that call is not compared."""
    assert told(control, candidate) == expected


def test_a_comparator_decides_about_values():
    """True means the same, whatever the values; it sees them as they are, the control's first."""
    seen = []

    def same_id(control, candidate):
        seen.append((control, candidate))
        return control["id"] == candidate["id"]

    assert told(Observed(value={"id": 1, "t": A}), Observed(value={"id": 1, "t": B + "x"}), compare=same_id) == []
    assert seen == [({"id": 1, "t": A}, {"id": 1, "t": B + "x"})]


def test_a_comparator_that_says_no_leaves_the_differences_that_there_are():
    """Where the walk finds some, they are told; where it finds none, the root has changed."""
    never = lambda control, candidate: None  # noqa: E731

    assert told(Observed(value=[1]), Observed(value=[2]), compare=never) == [("value", "$[0]", "changed")]
    assert told(Observed(value=[1]), Observed(value=[1]), compare=never) == [("value", "$", "changed")]


def test_a_comparator_that_raises_is_told_and_counts_as_a_mismatch():
    """The operation and the error go to the owner, and the values differ."""
    heard = []

    def broken(control, candidate):
        raise KeyError("id")

    found = told(Observed(value=1), Observed(value=1), compare=broken, told=lambda *operation: heard.append(operation))

    assert found == [("value", "$", "changed")]
    assert [(operation, type(error)) for operation, error in heard] == [("compare", KeyError)]
    assert told(Observed(value=1), Observed(value=1), compare=broken) == [("value", "$", "changed")]


def test_a_comparator_of_values_is_not_asked_about_errors():
    """Where a side raised, values mean nothing."""
    refuse = lambda control, candidate: pytest.fail("asked")  # noqa: E731

    assert told(Observed(error=error()), Observed(value=1), compare=refuse) == [("error", "$", "missing")]


def test_a_comparator_of_errors_decides_about_errors():
    """It is asked when either side raised, one of the two may be None, and it is not asked when neither did."""
    seen = []

    def judge(control, candidate):
        seen.append((control and control["status"], candidate and candidate["status"]))
        return True

    same = {"compare_errors": judge}
    assert told(Observed(error=error()), Observed(error=error(status=500)), **same) == []
    assert told(Observed(error=error()), Observed(), **same) == []
    assert told(Observed(), Observed(error=error(status=500)), **same) == []
    assert told(Observed(), Observed(), **same) == []
    assert seen == [(404, 500), (404, None), (None, 500)]


def test_a_comparator_of_errors_that_says_no_or_raises_is_a_mismatch():
    """Differences that can be shown are shown, else the root has changed."""
    heard = []
    never = {"compare_errors": lambda control, candidate: False}
    broken = {"compare_errors": lambda control, candidate: control["nothing"], "told": lambda *op: heard.append(op)}

    assert told(Observed(error=error()), Observed(error=error()), **never) == [("error", "$", "changed")]
    assert told(Observed(error=error()), Observed(error=error("x")), **never) == [("error", "$.message", "changed")]
    assert told(Observed(error=error()), Observed(error=error()), **broken) == [("error", "$", "changed")]
    assert [operation for operation, _ in heard] == ["compare_errors"]


@pytest.mark.parametrize(
    ("parts", "path", "kind"),
    [
        ({"method": "PUT"}, "$[0].method", "changed"),
        ({"path": "/branch/v3/x"}, "$[0].path", "changed"),
        ({"query": "page=2"}, "$[0].query.page", "extra"),
        ({"status": 500}, "$[0].status", "changed"),
        ({"status": None}, "$[0].status", "type"),
        ({"body": {"a": 2}}, "$[0].body.a", "changed"),
    ],
)
def test_exchanges_are_compared_part_by_part(parts, path, kind):
    """A swallowed error shows here: the value is the same on both sides, the status is not."""
    control = Observed(value=False, exchanges=(exchange(body={"a": 1}),))
    candidate = Observed(value=False, exchanges=(on_b(**{"body": {"a": 1}, **parts}),))

    assert told(control, candidate) == [("exchange", path, kind)]


def test_a_second_request_where_a_sent_one_is_a_difference():
    """The number of exchanges is compared, and the common ones are too."""
    once = Observed(exchanges=(exchange(method="POST"),))
    twice = Observed(exchanges=(on_b(method="POST", status=503), on_b(method="POST")))

    assert told(once, twice) == [("exchange", "$", "length"), ("exchange", "$[0].status", "changed")]
    assert told(once, Observed()) == [("exchange", "$", "length")]


def test_bodies_are_compared_only_where_both_sides_have_one():
    """A stream that could not be looked at on one side is no difference."""
    control = Observed(exchanges=(exchange(body=None), exchange(body={"a": 1})))
    candidate = Observed(exchanges=(on_b(body={"a": 1}), on_b(body=None)))

    assert told(control, candidate) == []


def test_bodies_and_queries_of_exchanges_have_their_origins_mapped():
    """A callback address may stand in either."""
    control = Observed(exchanges=(exchange(query="to=http%3A%2F%2Fa.example.com%2Fapi%2Fc", body={"url": f"{A}/c"}),))
    candidate = Observed(exchanges=(on_b(query="to=http%3A%2F%2Fb.example.com%2Fbranch%2Fc", body={"url": f"{B}/c"}),))

    assert told(control, candidate) == []


def test_an_exchange_without_parts_is_compared_by_those_it_has():
    """Older recordings may lack some."""
    assert told(Observed(exchanges=({"method": "GET"},)), Observed(exchanges=({"method": "GET"},))) == []


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        ("", {}),
        (None, {}),
        ("a=1&b=2", {"b": "2", "a": "1"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=%2F+x", {"a": "/ x"}),
        ({"a": "1"}, {"a": "1"}),
    ],
)
def test_a_query_is_a_mapping(query, parsed):
    """The order of keys does not matter, the order of one key's values does."""
    assert query_of(query) == parsed


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        ((2, True), (2, True), []),
        ((2, False), (2, False), []),
        ((2, False), (2, True), []),
        ((2, True), (2, False), [("value", "$", "length")]),
        ((2, True), (1, True), [("value", "$", "length")]),
        ((None, True), (2, False), []),
        ((2, True), (None, True), []),
    ],
)
def test_generators_are_compared_by_how_much_they_gave(control, candidate, expected):
    """Another count, or going on where the control had ended, is a length difference of the value."""
    sides = [
        Observed(value=[0], consumed=consumed, exhausted=exhausted) for consumed, exhausted in (control, candidate)
    ]

    assert told(*sides) == expected


def test_items_of_generators_are_compared_up_to_where_they_failed():
    """The length is told once; items that came before an error count."""
    control = Observed(value=[1, 2], consumed=2, error=error())
    candidate = Observed(value=[9], consumed=1, exhausted=False, error=error("x"))

    assert told(control, candidate) == [
        ("value", "$", "length"),
        ("value", "$[0]", "changed"),
        ("error", "$.message", "changed"),
    ]


def test_secrets_are_compared_in_all_three_places():
    """Fingerprints stand for the secrets wherever they were."""
    control, same, other = (
        Observed(value=[Secret(f)], exchanges=(exchange(body={"p": Secret(f)}),)) for f in ("aa", "aa", "bb")
    )

    assert told(control, same) == []
    assert told(control, other) == [("value", "$[0]", "changed"), ("exchange", "$[0].body.p", "changed")]
