"""What is kept of arguments, results and errors."""

from __future__ import annotations

import collections
import dataclasses
import io

import pytest

from sidecar_science.codec.markers import Opaque, Oversize
from sidecar_science.recording.snapshots import oversize


@dataclasses.dataclass
class Login:
    user: str
    password: str


class Response:
    def __init__(self, status_code, body):
        self.status_code = status_code
        self.headers = {"content-type": "application/json"}
        self._content = body


class HTTPError(Exception):
    def __init__(self, response):
        super().__init__("failed")
        self.response = response


def test_a_result_is_kept_as_plain_data(desk):
    """What is not plain is projected, the same way on both sides."""
    experiment = desk.experiment("get")

    assert desk.decode(experiment.encode_value(Login("a", "b"))) == {"user": "a", "password": "b"}
    assert desk.decode(experiment.encode_value({1: (2, {3})})) == {"1": [2, [3]]}


def test_an_experiments_projection_is_applied_first(desk):
    """To each item of a generator as well."""
    experiment = desk.experiment("get", project=lambda value: value["body"])

    items = [experiment.encode_value({"body": n}) for n in range(2)]

    assert desk.decode(experiment.join_values(items)) == [0, 1]


def test_an_error_is_kept_with_the_status_and_body_of_its_response(desk):
    """The experiment's projection is for results alone."""
    experiment = desk.experiment("get", project=lambda value: 1 / 0)

    kept = desk.decode(experiment.encode_error(HTTPError(Response(422, b'{"a": 1}'))))

    assert kept == {
        "type": f"{__name__}.HTTPError",
        "message": "failed",
        "status": 422,
        "body": {"a": 1},
    }
    assert desk.stats["errors"] == {}


@pytest.mark.parametrize(("status", "sent"), [(500, True), (None, False)])
def test_an_error_that_came_with_a_status_was_sent(desk, status, sent):
    """The client may be one whose exchanges nobody observes."""

    @desk.experiment("get")
    def get():
        raise HTTPError(Response(status, b""))

    with pytest.raises(HTTPError):
        get()

    assert desk.job.sent is sent


def test_what_can_be_read_of_arguments_is_searched_for_secrets(desk):
    """B cannot be given them, and the result may quote them all the same."""

    @desk.experiment("login")
    def login(session, password, more, record):
        return f"{password} {more['x'][0]['token']} {record.password}"

    login(object(), "hunter22", {"x": ({"token": "tok-12345"},), 7: bytearray(b"x")}, Login("me", "topsecret"))

    assert desk.decode(desk.job.value) == "<secret> <secret> <secret>"
    assert desk.job.calls[0].arguments is None


def test_arguments_that_cannot_even_be_searched_lose_the_call(desk):
    """Their secrets would be unknown, and the result might quote them."""

    class Bag(collections.abc.Mapping):
        def __getitem__(self, key):
            return key

        def __iter__(self):
            return iter(())

        def __len__(self):
            return 0

    @desk.experiment("login")
    def login(bag, many):
        return many[0]

    login(Bag(), ["x" * 600_000, "y" * 500_000])

    assert desk.accounts == (1, 0, {"too_large": 1}, 0)


def test_a_file_among_such_arguments_is_not_read(desk):
    """Only what lies open is."""
    file = io.BytesIO(b"abc")

    @desk.experiment("upload")
    def upload(session, file):
        return file.read()

    assert upload(object(), file) == b"abc"
    assert desk.job.calls[0].obstacle.endswith("$[0][0]")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * 2000, (2000, "x" * 1000)),
        (b"\xff" * 2000, (2000, "\ufffd" * 1000)),
        (["x"] * 10, (0, "")),
        ("\ud800" * 10, (30, "\ud800" * 10)),
    ],
)
def test_what_is_too_large_has_a_digest_a_size_and_a_beginning(value, kept):
    """The size in bytes, of text and bytes; of others it is not known."""
    made = oversize(value)

    assert (made.size, made.preview) == kept
    assert len(made.digest) == 64


@pytest.mark.parametrize("value", ["x" * 17_000_000, [None] * 1_000_001, object])
def test_beyond_sixteen_megabytes_there_is_no_digest(value):
    """Nor for what resists."""
    assert oversize([value]).digest is None if value is not object else True


def test_what_is_too_large_is_equal_for_equal_values():
    """The order of keys says nothing."""
    one = {"a": "x" * 10, "b": [1, 2]}
    other = {"b": [1, 2], "a": "x" * 10}

    assert oversize(one) == oversize(other) != oversize({"a": 1})
    assert isinstance(oversize(one), Oversize)


def test_an_object_is_never_equal_to_another(desk):
    """It is known by its type alone."""
    assert desk.decode(desk.experiment("get").encode_value(object())) == Opaque("object")
