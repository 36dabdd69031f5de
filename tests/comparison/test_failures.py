"""Errors as plain data: type, message, status and body."""

from __future__ import annotations

import urllib.error
from email.message import Message

import pytest
import requests

from sidecar_science.codec.markers import Opaque
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.projection import project, project_error
from sidecar_science.comparison.projections import Projections
from tests.comparison.foreign import SlackResponse, holding
from tests.comparison.test_responses import response


class ApiError(Exception):
    """An error as API clients raise them, with attributes of every kind."""

    def __init__(self, message="failed", **attributes):
        super().__init__(message)
        for name, value in attributes.items():
            setattr(self, name, value)


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Lazy(Exception):
    @property
    def status_code(self):
        raise RuntimeError("needs the network")

    @property
    def errors(self):
        raise RuntimeError("needs the network")


def test_an_error_is_its_type_message_status_and_body():
    """An exception of requests names its class with module, and the answer that it came with."""
    answer = response(b'{"error": "no"}', 422, Content_Type="application/json")

    found = project_error(requests.HTTPError("422 Client Error", response=answer))

    assert found == {
        "type": "requests.exceptions.HTTPError",
        "message": "422 Client Error",
        "status": 422,
        "body": {"error": "no"},
    }


def test_an_error_without_an_answer_has_neither_status_nor_body():
    """A builtin is named without a module."""
    assert project_error(KeyError("id")) == {"type": "KeyError", "message": "'id'", "status": None, "body": None}


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"status_code": 404}, 404),
        ({"response": response(b"", 503)}, 503),
        ({"code": 410}, 410),
        ({"status": 500}, 500),
        ({"http_status": 402}, 402),
        ({"response_code": 409}, 409),
        ({"status_code": None, "code": 429}, 429),
        ({"status_code": "404"}, None),
        ({"code": 1}, None),
        ({"code": True}, None),
        ({"code": 10_001}, None),
        ({}, None),
    ],
)
def test_the_status_is_wherever_the_client_keeps_it(attributes, status):
    """Only what can be an HTTP status counts: exit codes and vendors' numbers do not."""
    assert project_error(ApiError(**attributes))["status"] == status


@pytest.mark.parametrize(
    ("attributes", "body"),
    [
        ({"errors": [{"error": "ValidationError"}]}, [{"error": "ValidationError"}]),
        ({"body": ("a", 1)}, ["a", 1]),
        ({"json_body": {"a": 1}}, {"a": 1}),
        ({"response_body": b"text"}, b"text"),
        ({"data": {"message": "Not Found"}}, {"message": "Not Found"}),
        ({"response": response(b"[1, 2]", 400), "errors": ["unused"]}, [1, 2]),
        ({"response": response(False, 400)}, None),
        ({"response": {"Error": {"Code": "NoSuchKey"}}}, {"Error": {"Code": "NoSuchKey"}}),
        ({"response": holding(SlackResponse, data={"ok": False})}, {"ok": False}),
        ({"response": object()}, None),
        ({"errors": lambda: ["a method"]}, None),
        ({}, None),
    ],
)
def test_the_body_is_the_answers_own_or_what_the_error_lists(attributes, body):
    """A body may be any JSON, an array too; one that was not read, or that nobody can look into, is None."""
    assert project_error(ApiError(**attributes))["body"] == body


def test_an_error_of_urllib_gives_its_status_and_its_stream_is_not_read():
    """The body of urllib's error is an open stream: it is the caller's."""
    error = urllib.error.HTTPError("http://a.example/", 404, "Not Found", Message(), None)

    found = project_error(error)

    assert (found["status"], found["body"], found["message"]) == (404, None, "HTTP Error 404: Not Found")


def test_a_long_message_is_cut_and_still_compared_to_its_end():
    """Beyond 8 KB stands a digest of the whole."""
    first, second = (project_error(ValueError("x" * 20_000 + end))["message"] for end in "ab")

    assert len(first) < 8_400
    assert first.startswith("x" * 8_192 + "… (20,001 characters, ")
    assert first != second


def test_memory_addresses_are_no_part_of_a_message():
    """Messages about connections quote objects with their address, which differs in every process."""
    one, other = (
        project_error(ValueError(f"<HTTPConnection object at {hex(2**44 + number)}>: refused")) for number in (1, 2)
    )

    assert diff(one, other) == []
    assert one["message"] == "<HTTPConnection object at 0x…>: refused"


def test_an_error_whose_text_cannot_be_had_says_so():
    """A foreign __str__ that raises costs the message only."""
    found = project_error(Unprintable())

    assert found["message"] == "<no message: str() of the exception raised>"
    assert found["type"] == f"{__name__}.Unprintable"


def test_properties_of_an_error_that_raise_count_as_absent():
    """Nothing that an exception does when it is asked can reach the caller."""
    assert project_error(Lazy("slow")) == {
        "type": f"{__name__}.Lazy",
        "message": "slow",
        "status": None,
        "body": None,
    }


def test_an_exception_that_is_returned_is_projected_like_one_that_is_raised():
    """Some clients return an error instead of raising it."""
    assert project([ApiError("404", code=404)]) == [
        {"type": f"{__name__}.ApiError", "message": "404", "status": 404, "body": None}
    ]


def test_rules_count_for_the_body_of_an_error_too():
    """A registry reaches into what the error lists."""
    registry = Projections()
    registry.register(frozenset, lambda found: "set")

    assert project_error(ApiError(errors=[frozenset()]), registry=registry)["body"] == ["set"]
    assert project_error(ApiError(errors=[object()]))["body"] == [Opaque("object")]
