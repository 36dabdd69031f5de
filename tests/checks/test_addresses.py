"""Addresses inside text carry credentials and secret parameters too."""

from __future__ import annotations

import time

import pytest

from sidecar_science.checks import addresses
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec

REDACTOR = Redactor(fingerprint=Keyring(namespace="desk").fingerprint)


def redacted(value):
    found = set()
    return addresses.redact(value, REDACTOR, found), found


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter22@service/a",
        "see https://service/a?token=hunter22, please",
        "(https://service/a?x=1&api_key=hunter22)",
        'href="https://service/a#access_token=hunter22"',
        "redis://:hunter22@redis:6379/0",
        "one https://a/?page=1 and another: s3+https://b/?X-Amz-Signature=hunter22.",
    ],
)
def test_secrets_in_an_address_are_taken_out(text):
    """What stands around it stays."""
    clean, found = redacted({"text": [text]})

    assert "hunter22" not in str(clean)
    assert "hunter22" in found
    assert clean["text"][0].split("http")[0] == text.split("http")[0] or "redis" in text


@pytest.mark.parametrize(
    "value",
    [
        "https://service/a?page=2#top",
        "https://service/@user/a:b",
        "mailto:me@service",
        "no address: a@b?token=hunter22",
        {"https://service/a?page=1": [1, None, b"https://a/?token=x"]},
        ("https://service", 7),
    ],
)
def test_what_holds_no_secret_is_the_same_object(value):
    """Comparing must not notice that we looked."""
    clean, found = redacted(value)

    assert clean is value
    assert found == set()


def test_an_address_that_is_a_key_is_known():
    """It is cut out with all other copies."""
    clean, found = redacted({"https://service/a?token=hunter22": 1})

    assert "hunter22" in found
    assert REDACTOR.scrub(clean, found) == {"https://service/a?token=<secret>": 1}


def test_whether_there_may_be_one_is_seen_in_the_encoded_value():
    """Most jobs hold none, and are not even decoded."""
    codec = Codec()

    assert addresses.might_hold(codec.encode(["https://a/?token=x"]))
    assert not addresses.might_hold(codec.encode(["https://a/b", "a://b"]))
    assert not addresses.might_hold(codec.encode(["a?b", "c@d"]))


def test_a_text_that_was_made_to_hurt_takes_no_longer():
    """The expression looks back no further than a scheme is long."""
    start = time.perf_counter()
    redacted("a" * 300_000 + "://?")
    redacted("a://" * 50_000)

    # A quadratic search would take minutes.
    assert time.perf_counter() - start < 5
