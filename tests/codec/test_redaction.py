"""Secrets leave before anything else does."""

from __future__ import annotations

import base64
import copy
import io
import json
import re
from collections import OrderedDict
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.codec.redaction import DEFAULT_HEADERS, DEFAULT_NAMES, Redactor
from sidecar_science.codec.values import Codec, canonical
from sidecar_science.errors import DeclarationError, TooLarge

from .sameness import EXACT, KEYS, same
from .shop import CLASSES, Basket, Color, Pair, Ticket, Unregistered, Word

RING = Keyring(["a signing key of ours"], namespace="shop")
CANARY = "c4n4ry-v4lue"

codec = Codec(classes=CLASSES)


def redactor(*paths, names=()):
    return Redactor(names=names, paths=paths, fingerprint=RING.fingerprint)


def secret(value):
    return Secret(RING.fingerprint(canonical(value)))


def redacted(value, *paths, names=()):
    return redactor(*paths, names=names).redact(value, set())


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["apiKey", "api_key", "API-Key", "APIKEY", "Api Key", "_api_key", "\uff41\uff50\uff49key"]
)
def test_one_name_has_many_spellings(name):
    """Case, separators, camel case and full-width letters make no difference."""
    assert redactor().is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokens_used",
        "session_count",
        "shipping",
        "author",
        "pinned",
        "keyword",
        "cookie_policy",
        "design",
        "",
        "x" * 99,
    ],
)
def test_a_name_is_secret_as_a_whole(name):
    """Words that only contain a secret's name are kept."""
    assert not redactor().is_secret(name)


def test_the_usual_names_are_known():
    """Names and headers that hold credentials in the clients that were looked at."""
    known = redactor()

    assert all(map(known.is_secret, [*DEFAULT_NAMES, *DEFAULT_HEADERS]))
    assert {"Authorization", "CDP-Api-Key", "GOVUK-Account-Session", "X-Signature"} <= DEFAULT_HEADERS


def test_an_application_adds_its_own_names():
    """They are compared as the usual ones are, and one name alone may be given as text."""
    assert redactor(names=["national_insurance_number"]).is_secret("nationalInsuranceNumber")
    assert redactor(names="nino").is_secret("NINO")
    assert not redactor(names="nino").is_secret("n")


@pytest.mark.parametrize("name", ["", "-_", "x" * 65])
def test_a_name_that_can_name_nothing_is_refused(name):
    """An empty one would hide nothing, and an endless one is none."""
    with pytest.raises(DeclarationError):
        redactor(names=[name])


def test_names_that_were_harmless_are_remembered_up_to_a_bound():
    """Keys that are data do not fill the memory of a process."""
    known = redactor()

    for n in range(10_000):
        known.is_secret(f"name {n}")

    assert len(known._harmless) == 4096
    assert not known.is_secret("name 9999")


# -- redacting -------------------------------------------------------------------------------------------------------


def test_what_stands_under_a_secret_name_becomes_a_fingerprint():
    """At any depth, as a whole, and whatever it is."""
    value = {"a": [{"password": "hunter22"}], "token": {"old": 1, "new": ["x"]}, "pin": 0, "otp": True, "sig": ""}

    assert redacted(value) == {
        "a": [{"password": secret("hunter22")}],
        "token": secret({"new": ["x"], "old": 1}),
        "pin": secret(0),
        "otp": secret(True),
        "sig": secret(""),
    }


def test_no_secret_is_no_secret():
    """None stays None, and what is redacted already stays as it is."""
    once = redacted({"password": None, "token": "abcd"})

    assert once == {"password": None, "token": secret("abcd")}
    assert redacted(once) == once


def test_what_holds_no_secret_is_given_back_itself():
    """Nothing is copied in vain, at any level."""
    harmless = {"a": [1, (2, {3})], "b": Basket([1])}
    value = {"harmless": harmless, "password": "x"}

    assert redactor("$.z").redact(harmless, set()) is harmless
    assert redactor().redact(value, set())["harmless"] is harmless


@given(EXACT)
@settings(max_examples=100, deadline=None)
def test_the_callers_object_is_never_changed(value):
    """Redaction and scrubbing make new containers where they change something."""
    value = {"password": value, "other": [value, "password"]}
    before = copy.deepcopy(value)

    redactor("$.other[*]").redact(value, set())
    redactor().scrub(value, {"pass", "e"})

    assert same(value, before)


def test_containers_and_records_keep_their_types():
    """Exact arguments are rebuilt as what they were."""
    basket, ticket = Basket({"token": CANARY}), Ticket("x", [{"token": CANARY}])
    value = ([(basket,)], ticket, Pair(1, "secret"), OrderedDict(token=1), Unregistered("abc"), {"b": {"x"}})

    (((clean,),), also, pair, ordered, other, same_), changed = redacted(value), ticket.tags

    assert clean == Basket({"token": secret(CANARY)})
    assert also.tags == [{"token": secret(CANARY)}]
    assert also.extra == ticket.extra
    assert pair == Pair(1, secret("secret"))
    assert dict(ordered) == {"token": secret(1)}
    assert other == Unregistered(secret("abc"))
    assert same_ is value[5]
    assert changed == [{"token": CANARY}]


@pytest.mark.parametrize("key", [b"password", Word.PASSWORD, type("Safe", (str,), {})("password")])
def test_keys_that_are_text_in_disguise_are_names(key):
    """Bytes, members of a StrEnum, and text of a subclass."""
    assert redacted({key: "abcd"}) == {key: secret("abcd")}


def test_what_has_no_form_is_still_a_secret():
    """A session object under the name "session" does not get away for being one."""
    marker = redacted({"session": object()})["session"]

    assert type(marker) is Secret
    assert marker == redacted({"session": object()})["session"]
    assert marker != redacted({"session": io})["session"]


def test_equal_secrets_have_equal_fingerprints():
    """That is how they are compared: the order of keys does not count, what they are does."""
    assert redacted({"token": {"a": 1, "b": 2}}) == redacted({"token": {"b": 2, "a": 1}})
    assert redacted({"token": "1"}) != redacted({"token": 1})


def test_too_deep_is_an_error_and_no_leak():
    """What cannot be searched to its end is not passed on."""
    around: list = []
    around.append(around)

    for hostile in (around, {"password": around}):
        with pytest.raises(TooLarge):
            redacted(hostile)
    with pytest.raises(TooLarge):
        redactor().scrub(around, {"abcd"})


# -- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("$.user.x", {"user": {"x": 1, "y": 2}, "x": 3}, {"user": {"x": secret(1), "y": 2}, "x": 3}),
        (
            "$.items[*].code",
            {"items": [{"code": 1}, {"code": None}, 3]},
            {"items": [{"code": secret(1)}, {"code": None}, 3]},
        ),
        ("$[1]", (1, 2, 3), (1, secret(2), 3)),
        ("$.a[*]", {"a": {5}}, {"a": {secret(5)}}),
        ("$.a[*].x", {"a": {"k": {"x": 1}}}, {"a": {"k": {"x": secret(1)}}}),
        ("$.*.x", {"k": {"x": 1}}, {"k": {"x": secret(1)}}),
        ('$["a b"].x', {"a b": {"x": 1}}, {"a b": {"x": secret(1)}}),
        ("$['é.'][0]", {"é.": [1, 2]}, {"é.": [secret(1), 2]}),
        ("$.a[3]", {"a": {3: "x", "3": "y"}}, {"a": {3: secret("x"), "3": "y"}}),
        ("$.items", Basket([1]), Basket(secret([1]))),
        ("$", [1], secret([1])),
        ("$.a.b", {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
    ],
)
def test_a_path_names_places_that_no_name_gives_away(path, value, expected):
    """Keys, indexes, all of them, fields of records, members of sets, and the root."""
    assert redacted(value, path) == expected


def test_a_value_may_stand_below_the_root():
    """Parts of a call are redacted one by one, each at its own path."""
    at = redactor("$.user.x", "$[0].y")

    assert at.redact({"x": 1}, set(), "$.user") == {"x": secret(1)}
    assert at.redact(1, set(), "$.user.x") == secret(1)
    assert at.redact({"y": 1}, set(), "$[0]") == {"y": secret(1)}
    assert at.redact({"x": 1}, set(), "$.other") == {"x": 1}


@pytest.mark.parametrize("path", ["user.pin", "", "$user", "$.", "$..a", "$[", "$[x]", "$.a b", '$["a]', "$.a[-1]"])
def test_what_is_no_path_is_refused(path):
    """The error shows how one is written."""
    with pytest.raises(DeclarationError, match=r"\$\.items\[\*\]\.code"):
        redactor(path)


def test_one_path_may_be_given_as_text():
    """A path alone is no list of letters."""
    assert Redactor(paths="$.x", fingerprint=RING.fingerprint).redact({"x": 1}, set()) == {"x": secret(1)}


# -- the prefilter ---------------------------------------------------------------------------------------------------

SPELLINGS = st.sampled_from(
    [
        "password",
        "Password",
        "pass_word",
        "P-I-N",
        "apiKey",
        "API-Key",
        "X-Amz-Security-Token",
        "sig",
        "\uff50in",
        "nino",
    ]
)
NAMED = st.one_of(
    SPELLINGS,
    SPELLINGS.map(str.encode),
    SPELLINGS.map(type("Safe", (str,), {})),
    st.sampled_from([Word.PASSWORD, Word.YES]),
    st.text(max_size=8),
    KEYS,
)
SUSPECT = st.recursive(
    st.one_of(st.integers(0, 300), st.text(max_size=5), SPELLINGS, st.none()),
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.lists(below, max_size=3).map(tuple),
        st.dictionaries(NAMED, below, max_size=4),
        st.builds(Basket, below),
        st.builds(Pair, below, below),
        st.builds(OrderedDict, st.dictionaries(NAMED, below, max_size=3)),
    ),
    max_leaves=12,
)


@given(SUSPECT)
@settings(max_examples=400, deadline=None)
def test_the_prefilter_never_lets_a_secret_pass(value):
    """Where it says no, redaction changes nothing."""
    known = redactor(names=["nino"])
    encoded = codec.encode(value)
    decoded = codec.decode(encoded)

    changed = known.redact(decoded, set()) is not decoded

    assert known.might_hold(encoded) or not changed


def test_the_prefilter_knows_names_from_values():
    """A secret's name in a text is no secret."""
    known = redactor()

    assert known.might_hold(codec.encode([{"a": ({"password": 1},)}]))
    assert not known.might_hold(codec.encode({"label": "password", "shipping": ["token", "pin"], 97: "sig"}))


def test_the_prefilter_is_careful_where_it_cannot_know():
    """With paths, with enumerations as keys, and with bytes that are no value."""
    assert redactor("$.a").might_hold(codec.encode([]))
    assert redactor().might_hold(codec.encode({Color.RED: 1}))
    assert redactor().might_hold(b"\xc1")
    assert not redactor().might_hold(codec.encode({(1, 2): [Color.RED]}))


# -- what was found --------------------------------------------------------------------------------------------------


def found_in(value):
    found: set[str] = set()
    redactor().redact(value, found)
    return found


def test_the_texts_of_secrets_are_collected():
    """Every text of four characters, at any depth, and numbers of six digits."""
    value = {
        "token": [{"k": ("abcd", {b"bytes"})}, "abc", 1234567, 12345, True, Color.RED, io.BytesIO(b"file"), "pad "]
    }

    assert found_in(value) == {"abcd", "bytes", "1234567", "file", "pad "}


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("Bearer abcdefgh", {"Bearer abcdefgh", "abcdefgh"}),
        ("bearer  abcdefgh", {"bearer  abcdefgh", "abcdefgh"}),
        (
            "Basic dXNlcjpwYXNzd29yZA==",
            {"Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==", "user:password", "password"},
        ),
        ("Basic c2tfbGl2ZV9rZXk6", {"Basic c2tfbGl2ZV9rZXk6", "c2tfbGl2ZV9rZXk6", "sk_live_key:", "sk_live_key"}),
        ("Basic no base64", {"Basic no base64", "no base64"}),
        ("Digest abcdefgh", {"Digest abcdefgh"}),
    ],
)
def test_credentials_are_taken_apart(header, parts):
    """What comes after the scheme, and user and password of basic authentication."""
    assert found_in({"Authorization": header}) == parts


def test_the_values_of_cookies_are_secrets_by_themselves():
    """A cookie's value turns up without its name."""
    assert {"0123456789", "abcdefgh"} <= found_in({"Cookie": "sid=0123456789; lang=en; x=abcdefgh"})


# -- scrubbing -------------------------------------------------------------------------------------------------------


def scrubbed(value, *found):
    return redactor().scrub(value, set(found))


def test_copies_of_a_secret_are_cut_out_wherever_they_stand():
    """In text, keys, bytes, files, previews and records, at any depth."""
    value = {
        f"key {CANARY}": [f"a {CANARY} b", f"{CANARY}".encode(), bytearray(CANARY, "ascii"), ({CANARY},)],
        "o": Oversize("d", 3, f"<{CANARY}>"),
        "b": Basket(f"is {CANARY}"),
        "f": io.BytesIO(CANARY.encode()),
        "n": [1, None, Opaque("x")],
    }

    clean = scrubbed(value, CANARY)

    assert clean["key <secret>"] == ["a <secret> b", b"<secret>", bytearray(b"<secret>"), ({"<secret>"},)]
    assert clean["o"] == Oversize("d", 3, "<<secret>>")
    assert clean["b"] == Basket("is <secret>")
    assert clean["f"].read() == b"<secret>"
    assert clean["n"] is value["n"]


def test_nothing_found_means_nothing_done():
    """The same object is given back."""
    value = [{"a": bytearray(b"x"), "f": io.StringIO("text")}]

    assert scrubbed(value) is value
    assert scrubbed(value, "not in there") is value


@pytest.mark.parametrize(
    "text", ["pa ss/wörd+&=", 'quote"and\\back', "line\nbreak", "simple-secret", "\u2028 \N{GRINNING FACE}"]
)
def test_every_usual_form_of_a_secret_is_cut_out(text):
    """Percent-encoded in each way, escaped in JSON, and in base64 at any offset."""
    forms = [
        text,
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        base64.b64encode(text.encode()).decode(),
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    ]

    for form in forms:
        assert "<secret>" in scrubbed(f"x{form}y", text)
    for before in ("", "a", "us", "use", "user:"):
        for after in ("", "z", "zz"):
            encoded = base64.b64encode(f"{before}{text}{after}".encode()).decode()
            assert "<secret>" in scrubbed(encoded, text)


def test_longer_secrets_are_cut_before_those_they_contain():
    """Nothing of a longer secret stays because a shorter one was found first."""
    assert scrubbed("Bearer abcdefgh", "abcd", "Bearer abcdefgh", "abcdefgh") == "<secret>"


def test_a_mark_is_not_cut_again():
    """A secret that is the word "secret" does not nest marks."""
    assert scrubbed("my secret", "secret", "<secr") == "my <secret>"


def test_keys_that_become_the_same_are_numbered():
    """No value is lost with a secret in its key."""
    assert scrubbed({"a-abcd": 1, "a-efgh": 2, "a-ijkl": 3}, "abcd", "efgh", "ijkl") == {
        "a-<secret>": 1,
        "a-<secret> 2": 2,
        "a-<secret> 3": 3,
    }


def test_a_file_keeps_its_name():
    """And a text file stays one."""
    file = io.StringIO(f"a {CANARY}")
    file.name = "notes.txt"

    clean = scrubbed([file], CANARY)[0]

    assert (clean.read(), clean.name) == ("a <secret>", "notes.txt")


@given(EXACT, st.sampled_from(["abcd", "é\ud800", "a/b c+d"]))
@settings(max_examples=100, deadline=None)
def test_a_look_at_the_bytes_tells_whether_there_is_a_copy(value, text):
    """Where it says no, scrubbing changes nothing; a copy anywhere is found."""
    known = redactor()
    encoded = codec.encode(value)

    assert known.holds_copy(encoded, {text}) or known.scrub(value, {text}) is value
    assert known.holds_copy(codec.encode([value, {"x": (f"a {quote(text, errors='surrogatepass')}",)}]), {text})


def test_the_scrubber_of_the_same_secrets_is_used_again():
    """One job is scrubbed part by part."""
    known = redactor()
    known.scrub("x", {"abcd"})
    first = known._scrubber[1]

    known.scrub("y", {"abcd"})
    assert known._scrubber[1] is first
    assert known.scrub("abcd efgh", {"efgh"}) == "abcd <secret>"


# -- addresses -------------------------------------------------------------------------------------------------------


def test_secret_values_of_a_query_become_fingerprints():
    """By the name of the key, decoded; the rest of the query stays to the letter."""
    found: set[str] = set()

    clean = redactor().redact_query("a=1&api%5Fkey=s%20ecret&sig&user[password]=x&tokens[]=y&token[]=z&b=%41&&=", found)

    assert clean == (
        f"a=1&api%5Fkey={secret('s ecret')}&sig&user[password]={secret('x')}&tokens[]=y&token[]={secret('z')}&b=%41&&="
    )
    assert found == {"s%20ecret", "s ecret"}


def test_credentials_query_and_fragment_of_an_address_are_redacted():
    """What stands before the host is a secret whatever it is called."""
    found: set[str] = set()

    clean = redactor().redact_url("https://bob:hunt%40er@host:8/p@th?token=abcd&x=1#access_token=efgh&y", found)

    assert clean == (
        f"https://{secret('bob:hunt@er')}@host:8/p@th?token={secret('abcd')}&x=1#access_token={secret('efgh')}&y"
    )
    assert {"hunt@er", "bob:hunt@er", "abcd", "efgh"} == found


@pytest.mark.parametrize(
    "url", ["", "/path?x=1", "https://host/a@b", "mailto:a@b", "//host", "https://[::1", "?", "#", "https://h/?a#b"]
)
def test_addresses_without_secrets_stay_to_the_letter(url):
    """Broken ones too."""
    assert redactor().redact_url(url, set()) == url


# -- the whole -------------------------------------------------------------------------------------------------------


@given(EXACT, st.sampled_from(["password", "apiKey", "Authorization"]), st.text('ab/ é"%+', min_size=4, max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_planted_secret_stays(value, name, text):
    """A secret under its name, and its copies in text, keys, bytes, URLs, JSON and base64, are all gone."""
    canary = f"Zq7{text}"
    copies = [f"error: {canary}", quote_plus(canary), json.dumps({"x": canary}), base64.b64encode(canary.encode())]
    planted = [value, {"deep": ({name: {"inner": [canary]}}, copies), f"k{canary}": canary.encode()}]
    found: set[str] = set()

    clean = redactor().scrub(redactor().redact(codec.decode(codec.encode(planted)), found), found)

    encoded = codec.encode(clean)
    for form in (canary, quote_plus(canary), json.dumps(canary)[1:-1], base64.b64encode(canary.encode()).decode()):
        assert form.encode() not in encoded
    assert canary in found
