"""Secrets are taken out of all parts of a call alike, whichever part gave them away."""

from __future__ import annotations

import pytest

from sidecar_science.checks.exchanges import Exchange
from sidecar_science.checks.secrecy import Parts, redact
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Secret
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec
from sidecar_science.errors import CodecError, TooLarge

CODEC = Codec()
KEYRING = Keyring(["k" * 32], namespace="desk")


def redactor(**more):
    return Redactor(fingerprint=KEYRING.fingerprint, **more)


def clean(args=(), kwargs=None, places=(), value=None, error=None, context=None, seen=(), found=None, **more):
    """All parts after redaction, decoded."""
    parts = Parts(
        arguments=[(CODEC.encode([list(args), kwargs or {}]), places)],
        value=CODEC.encode(value),
        error=CODEC.encode(error),
        context=CODEC.encode(context),
    )
    result = redact(parts, list(seen), redactor(**more), CODEC, found)
    return (
        CODEC.decode(result.arguments[0][0]),
        CODEC.decode(result.value),
        CODEC.decode(result.error),
        CODEC.decode(result.context),
        [] if result.exchanges is None else CODEC.decode(result.exchanges),
        result.cut,
    )


def exchange(**more):
    return Exchange(**{"method": "GET", "origin": "https://service:443", "target": "/a", **more})


def test_a_parameter_counts_by_its_place_as_by_its_name():
    """Equal secrets have equal fingerprints."""
    by_place, *_ = clean(args=("me", "hunter22"), places=[(1, "password"), (5, "token")])
    by_name, *_ = clean(args=("me",), kwargs={"password": "hunter22"})

    assert by_place[0][0] == "me"
    assert by_place[0][1] == by_name[1]["password"]
    assert isinstance(by_place[0][1], Secret)


@pytest.mark.parametrize(
    "given",
    [
        {"kwargs": {"password": "hunter22"}},
        {"args": ("hunter22",), "places": [(0, "password")]},
        {"kwargs": {"payload": {"user": [{"api_key": "hunter22"}]}}},
        {"context": {"session_id": "hunter22"}},
        {"seen": [exchange(secrets=("Bearer hunter22",))]},
        {"seen": [exchange(secrets=("Basic bWU6aHVudGVyMjI=",))]},
        {"seen": [exchange(target="/a?access_token=hunter22")]},
        {"seen": [exchange(body=b'{"secret": "hunter22"}', body_size=22)]},
        {"found": {"hunter22"}},
    ],
    ids=str,
)
def test_a_secret_that_one_part_gives_away_is_cut_out_of_all_others(given):
    """Arguments, value, error, context and what was sent."""
    given = {
        "value": {"echo": "you said hunter22"},
        "error": {"message": "GET /a?x=hunter22 failed"},
        "seen": [exchange(target="/path/hunter22")],
        **given,
    }
    parts = clean(**given)

    assert "hunter22" not in str(parts)
    assert parts[1] == {"echo": "you said <secret>"}
    assert parts[2] == {"message": "GET /a?x=<secret> failed"}


def test_a_path_names_what_no_name_gives_away():
    """In every part, from its root."""
    arguments, value, *_ = clean(
        kwargs={"pin": "1234"}, value={"user": {"pin": "1234"}}, paths=["$.user.pin", "$.pin"], places=()
    )

    assert isinstance(value["user"]["pin"], Secret)
    assert arguments[1]["pin"] == value["user"]["pin"]


def test_what_holds_no_secret_is_not_touched():
    """The bytes are the very same."""
    parts = Parts(arguments=[(CODEC.encode([[1], {}]), ())], value=CODEC.encode({"a": 1}))

    result = redact(parts, [], redactor(), CODEC)

    assert result.arguments[0][0] is parts.arguments[0][0]
    assert result.value is parts.value
    assert (result.error, result.exchanges, result.cut) == (None, None, [False])


@pytest.mark.parametrize(
    ("given", "cut"),
    [
        ({"kwargs": {"password": "hunter22"}}, False),
        ({"kwargs": {"password": "hunter22", "title": "my hunter22"}}, True),
        ({"args": ("https://me:hunter22@service",)}, True),
        ({"args": ("/reset/hunter22",), "value": {"token": "hunter22"}}, True),
    ],
)
def test_arguments_that_were_cut_are_said_to_be(given, cut):
    """B must not be called with half of a text."""
    assert clean(**given)[-1] == [cut]


def test_a_secret_in_an_address_is_taken_out_of_results_and_errors():
    """No name stands above it there."""
    _, value, error, *_ = clean(
        value={"download": "https://files/a?X-Amz-Signature=hunter22"},
        error={"message": "cannot reach https://me:topsecret@service/a"},
    )

    assert "hunter22" not in str(value)
    assert "topsecret" not in str(error)


def test_parts_that_are_not_there_stay_away():
    """Arguments without an exact form, for one."""
    result = redact(Parts(arguments=[(None, [(0, "password")])]), [], redactor(), CODEC, {"hunter22"})

    assert (result.arguments, result.cut, result.value) == ([(None, [(0, "password")])], [False], None)


def test_what_cannot_be_read_is_refused():
    """Fails closed."""
    with pytest.raises(CodecError):
        redact(Parts(value=b"\xc1"), [], redactor(), CODEC)


def test_exchanges_that_are_too_large_are_told_without_bodies():
    """And if even that is too much, the call is."""
    small = Codec(max_bytes=400)
    seen = [exchange(body=b"x" * 300, body_size=300)] * 2

    result = redact(Parts(), seen, redactor(), small)
    kept = [each["body"] for each in CODEC.decode(result.exchanges)] if result.exchanges else []

    assert len(kept) in (0, 2)
    with pytest.raises(TooLarge):
        redact(Parts(), seen * 20, redactor(), small)
