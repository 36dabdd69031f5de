"""Bodies of requests as plain data, and without the secrets that they name."""

from __future__ import annotations

import gzip
import json

import pytest
import requests

from sidecar_science.checks.bodies import bare_body, plain_body
from sidecar_science.checks.exchanges import Exchange
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Secret
from sidecar_science.codec.redaction import Redactor

KEYRING = Keyring(namespace="desk")


def plain(body, content_type="", names=()):
    """A body as plain data, and the texts of the secrets in it."""
    found = set()
    exchange = Exchange(
        method="POST", origin="", target="/", body=body, body_size=len(body or b""), content_type=content_type
    )
    return plain_body(exchange, Redactor(names=names, fingerprint=KEYRING.fingerprint), found), found


def prepared(**how):
    """A body as requests makes it, and its type."""
    request = requests.Request("POST", "http://service", **how).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return body, request.headers.get("Content-Type", "")


def secret(value):
    return Redactor(fingerprint=KEYRING.fingerprint).redact({"password": value}, set())["password"]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (None, "", None),
        (b"", "", ""),
        (b'{"a": [1, null]}', "application/json", {"a": [1, None]}),
        (b'{"a": 1}', "", {"a": 1}),
        (b"[1]", "text/plain", [1]),
        (b"7", "application/json; charset=utf-8", 7),
        (b'{"a": ', "application/json", '{"a": '),
        (b"<a>b</a>", "application/xml", "<a>b</a>"),
        (b"a=b&a=c&d=", "application/x-www-form-urlencoded", [["a", "b"], ["a", "c"], ["d", ""]]),
        (b"a=b+c%20d", "Application/X-WWW-Form-URLEncoded; charset=utf-8", [["a", "b c d"]]),
        (b"a=b&c=d", "", [["a", "b"], ["c", "d"]]),
        (b"a=b c", "", "a=b c"),
        (b"a=b", "text/plain", "a=b"),
        ("ü".encode(), "", "ü"),
    ],
)
def test_a_body_is_read_as_what_it_is(body, content_type, expected):
    """By its type, or where that says nothing, by its looks."""
    assert plain(body, content_type) == (expected, set())


def test_bytes_that_are_no_text_are_known_by_their_digest():
    """Two images are the same, or not."""
    one, _ = plain(b"\xff\x00")
    other, _ = plain(b"\xff\x01")

    assert (one["size"], len(one["sha256"])) == (2, 64)
    assert one != other


@pytest.mark.parametrize("text", ["[" * 30_000, '{"a":' * 30_000, "9" * 5_000])
def test_json_that_was_made_to_hurt_stays_text(text):
    """It is compared as it is."""
    assert plain(text.encode(), "application/json")[0] == text


def test_a_compressed_body_is_opened():
    """One that is damaged, or too large when it is opened, is known by its digest."""
    body = gzip.compress(json.dumps({"a": 1}).encode())

    assert plain(body)[0] == {"a": 1}
    assert plain(body[:15])[0]["size"] == 15
    assert plain(gzip.compress(b"x" * 2_000_000))[0].keys() == {"size", "sha256"}


def test_a_body_that_was_not_kept_is_known_by_what_was():
    """Its size, and its digest where one was taken."""
    large = Exchange(method="POST", origin="", target="/", body=b"", body_size=70_000, body_digest="d" * 64)
    huge = Exchange(method="POST", origin="", target="/", body=b"", body_size=9_000_000)
    small = Exchange(method="POST", origin="", target="/", body=b"abc", body_size=3)
    none = Exchange(method="POST", origin="", target="/")

    assert bare_body(large) == {"size": 70_000, "sha256": "d" * 64}
    assert bare_body(huge) == {"size": 9_000_000, "sha256": None}
    assert len(bare_body(small)["sha256"]) == 64
    assert bare_body(none) is None


def test_a_multipart_body_is_a_list_of_its_parts():
    """Its boundary is random, and says nothing."""
    parts = {
        "title": (None, "A title"),
        "file": ("a.bin", b"\xff\x00\r\n", "application/octet-stream"),
        "data": ("d.json", b'{"a": 1}\n', "application/json"),
    }
    one, _ = plain(*prepared(files=parts))
    other, _ = plain(*prepared(files=parts))

    assert one == other
    title, file, data = one
    assert title == {"head": ['Content-Disposition: form-data; name="title"'], "content": "A title"}
    assert (file["head"][0], file["content"]["size"]) == (
        'Content-Disposition: form-data; name="file"; filename="a.bin"',
        4,
    )
    assert data["content"] == {"a": 1}


def test_what_only_says_that_it_is_multipart_is_text():
    """It has no boundary, or is cut off."""
    assert plain(b"abc", "multipart/form-data")[0] == "abc"
    assert plain(b"abc", "multipart/form-data; boundary=x")[0] == "abc"


@pytest.mark.parametrize(
    "how",
    [
        {"json": {"user": {"password": "hunter22"}}},
        {"data": {"password": "hunter22"}},
        {"data": {"user[password]": "hunter22"}},
        {"data": "password=hunter22"},
        {"data": json.dumps({"password": "hunter22"})},
        {"files": {"password": (None, "hunter22")}},
        {"files": {"user[password]": (None, "hunter22"), "a": (None, "b")}},
        {"files": {"data": ("d.json", b'{"password": "hunter22"}', "application/json")}},
        {"files": {"password": ("p.txt", b"hunter22", "text/plain")}},
    ],
    ids=str,
)
def test_a_secret_is_taken_out_by_its_name(how):
    """In JSON, forms and multipart; its text is known from then on."""
    body, content_type = prepared(**how)

    found_body, found = plain(body, content_type)

    assert "hunter22" not in repr(found_body)
    assert "hunter22" in found
    assert secret("hunter22").fingerprint[:8] in repr(found_body)


def test_a_name_of_ones_own_is_a_secret_too():
    """As everywhere else."""
    assert plain(b"pin_code=1234", "", names=["pin_code"])[0] == [["pin_code", str(secret("1234"))]]
    assert plain(b'{"pin_code": "1234"}', "", names=["pin_code"])[0] == {"pin_code": secret("1234")}
    assert isinstance(secret("1234"), Secret)


def test_a_part_without_a_name_is_read_like_any_other():
    """Mail is made of such."""
    body = b"--x\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x\r\n\r\nnothing said\r\n--x--\r\n"

    parts, _ = plain(body, "multipart/mixed; boundary=x")

    assert parts == [
        {"head": ["Content-Type: text/plain"], "content": "abc"},
        {"head": [], "content": "nothing said"},
    ]
