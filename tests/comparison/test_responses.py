"""HTTP responses as results: status, telling headers and decoded body, from real requests objects."""

from __future__ import annotations

import io
import json
import types

import httpx
import pytest
import requests
import requests_mock

from sidecar_science.codec.markers import Opaque, Oversize
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.projection import project
from tests.comparison.foreign import holding, named


def response(content, status=200, **headers):
    made = requests.Response()
    made.status_code = status
    made._content = content
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


def body(content, **headers):
    return project(response(content, **headers))["body"]


def test_a_response_is_its_status_its_telling_headers_and_its_body():
    """Volatile headers and the client's own state are left out."""
    made = response(b'{"id": 3}', 201, Content_Type="application/json", Location="/v2/3", Date="now", ETag="w")

    assert project(made) == {
        "status": 201,
        "headers": {"content-type": "application/json", "location": "/v2/3"},
        "body": {"id": 3},
    }


def test_responses_with_the_same_answer_are_the_same():
    """Two response objects are never equal; their projections are."""
    first, second = response(b"[1]", Date="a"), response(b"[1]", Date="b")

    assert first != second
    assert diff(project(first), project(second)) == []


@pytest.mark.parametrize(
    ("content", "content_type", "decoded"),
    [
        (b'{"a": 1}', "application/json; charset=utf-8", {"a": 1}),
        (b'[{"fragment": "#/base_path"}]', "application/problem+json", [{"fragment": "#/base_path"}]),
        (b'"text"', "application/json", "text"),
        (b"\xef\xbb\xbf{}", "application/json", {}),
        (b'{"a": 1}', "text/html", {"a": 1}),
        (b'{"a": 1}', None, {"a": 1}),
        (b"{not json", "application/json", "{not json"),
        (b"<p>caf\xc3\xa9</p>", "text/html", "<p>café</p>"),
        (b"caf\xe9", "text/plain; charset=iso-8859-1", "café"),
        (b"plain", None, "plain"),
        (b"a=1", "application/x-www-form-urlencoded", "a=1"),
        (b"\xff\xfe", "text/plain", b"\xff\xfe"),
        (b"\xff", "application/json", b"\xff"),
        (b"text", "text/plain; charset=nonsense", b"text"),
        (b"%PDF", "application/pdf", b"%PDF"),
        (b"[" * 100_000, "application/json", "[" * 100_000),
        (b"", "application/json", None),
        (None, "application/json", None),
    ],
)
def test_a_body_is_json_then_text_then_bytes(content, content_type, decoded):
    """What is JSON is compared as data, whatever the server called it; what is neither JSON nor text stays bytes."""
    headers = {"Content_Type": content_type} if content_type else {}

    assert body(content, **headers) == decoded


def test_a_large_binary_body_is_known_by_its_digest():
    """A document is compared though it is not kept."""
    found = body(b"%PDF" + b"x" * 100_000, Content_Type="application/pdf")

    assert isinstance(found, Oversize)
    assert found.size == 100_004


def test_a_body_that_nobody_has_read_is_left_to_the_caller():
    """An unread stream is not touched; it is compared as unknown, never as empty."""
    with requests_mock.Mocker() as mocked:
        mocked.get("http://a.example/", content=b"streamed")
        streamed = requests.get("http://a.example/", stream=True, timeout=1)

        found = project(streamed)

        assert found["body"] == Opaque("unread body")
        assert streamed.content == b"streamed"
        assert project(streamed)["body"] == "streamed"


def test_responses_of_httpx_are_known_by_their_shape():
    """Read ones give their body, streamed ones stay untouched."""
    read = httpx.Response(200, json={"a": 1})
    streamed = httpx.Response(200, stream=httpx.ByteStream(b"later"))

    assert project(read) == {"status": 200, "headers": {"content-type": "application/json"}, "body": {"a": 1}}
    assert project(streamed)["body"] == Opaque("unread body")
    assert streamed.read() == b"later"


def test_a_response_of_another_shape_gives_the_content_that_it_holds():
    """A client's own fallback response counts, if its content is bytes that it already has."""
    kind = named("directory_client_core.helpers.FailureResponse")
    held = holding(kind, status_code=503, headers={}, content=b"gone")
    lazy = holding(kind, status_code=503, headers={}, content=io.BytesIO(b"gone"))

    assert project(held) == {"status": 503, "headers": {}, "body": "gone"}
    assert project(lazy)["body"] == Opaque("unread body")


@pytest.mark.parametrize(
    "value",
    [
        types.SimpleNamespace(status_code="200", headers={}),
        types.SimpleNamespace(status_code=200),
        types.SimpleNamespace(headers={}),
    ],
)
def test_what_only_resembles_a_response_is_opaque(value):
    """A status that is no number, or no headers: no response."""
    assert project(value) == Opaque("types.SimpleNamespace")


def test_a_response_inside_a_result_is_projected_too():
    """Clients return tuples of (response, data)."""
    found = project((response(json.dumps({"x": 1}).encode()), {"y": 2}))

    assert found[0]["body"] == {"x": 1}
    assert found[1] == {"y": 2}
