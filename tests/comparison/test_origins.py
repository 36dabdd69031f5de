"""Mapped base URLs stand for each other inside answers; everything else stays what it is."""

from __future__ import annotations

import time

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.codec.markers import Opaque, Secret
from sidecar_science.comparison.origins import Origins
from sidecar_science.comparison.projection import project_error
from sidecar_science.errors import DeclarationError

A = "http://a.example.com"
B = "http://127.0.0.1:3193"


def origins(a=A, b=B):
    return Origins({"notify": [a] if isinstance(a, str) else a}, {"notify": b})


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example.com",
        "http://a.example.com/",
        "http://a.example.com/v2/x?page=2#top",
        "see http://a.example.com.",
        "(http://a.example.com)",
        '<a href="http://a.example.com/x">',
        "http://A.Example.COM/x",
        "HTTP://a.example.com/x",
        "http://a.example.com:80/x",
        "a=http://a.example.com&b=http://a.example.com/y",
        "/proxy/http://a.example.com/x",
        "//a.example.com/logo.png",
        'src="//a.example.com/logo.png"',
    ],
)
def test_an_origin_is_found_in_every_spelling(text):
    """Host in any case, default port or none, before whatever ends a host."""
    lowered = text.replace("HTTP:", "http:").replace("A.Example.COM", "a.example.com").replace(":80", "")
    mirrored = lowered.replace("http://a.example.com", B).replace("//a.example.com", "//127.0.0.1:3193")

    assert "a.example.com" not in origins().normalize(text).lower()
    assert origins().normalize(text) == origins().normalize(mirrored)


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example.com.evil/",
        "http://a.example.comevil/",
        "http://a.example.com-evil/",
        "http://a.example.com@evil.example/",
        "http://a.example.com:80@evil.example/",
        "http://a.example.com:8080/",
        "http://xa.example.com/",
        "http://x.a.example.com/",
        "http://evil/?a.example.com",
        "https://a.example.com/",
        "xhttp://a.example.com/",
        "a.example.com",
        "http://127.0.0.1:31934/",
        "http://127.0.0.1/",
        "http://c.example.com/",
        "",
    ],
)
def test_what_is_not_the_origin_is_not_touched(text):
    """A longer host, another port or scheme, a user before another host, a third host: all stay."""
    assert origins().normalize(text) == text


@pytest.mark.parametrize("b", ["http://localhost:3193", "http://127.0.0.1:3193", "http://[::1]:3193"])
@pytest.mark.parametrize("seen", ["http://localhost:3193/x", "http://127.0.0.1:3193/x", "http://[::1]:3193/x"])
def test_the_loopback_host_has_three_names(b, seen):
    """Whichever name the route uses, the others are the same host."""
    assert origins(b=b).normalize(seen) == "{notify}/x"


def test_an_address_of_version_six_is_found():
    """Brackets belong to the URL."""
    assert origins(a="http://[2001:db8::1]:80").normalize("http://[2001:DB8::1]/x") == "{notify}/x"


def test_default_ports_and_explicit_ones_are_the_same():
    """A base URL with :443 is the one without."""
    found = origins(a="https://a.example.com:443/", b="https://b.example.com")

    assert found.normalize("https://a.example.com/x") == found.normalize("https://b.example.com:443/x") == "{notify}/x"


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("http://a.example.com/api", "{notify}"),
        ("http://a.example.com/api/v2/x", "{notify}/v2/x"),
        ("http://a.example.com/api?x=1", "{notify}?x=1"),
        ("http://a.example.com/api, or", "{notify}, or"),
        ("http://127.0.0.1:3193/branch/v2/x", "{notify}/v2/x"),
        ("http://a.example.com/apiary", "http://a.example.com/apiary"),
        ("http://a.example.com/api-v2", "http://a.example.com/api-v2"),
        ("http://a.example.com/api.json", "http://a.example.com/api.json"),
        ("http://a.example.com/other", "http://a.example.com/other"),
        ("http://a.example.com", "http://a.example.com"),
    ],
)
def test_a_base_path_ends_at_a_segment(text, normalized):
    """The path of a base URL is part of it, and a longer word is not."""
    assert origins(a="http://a.example.com/api/", b=f"{B}/branch").normalize(text) == normalized


def test_of_two_services_on_one_host_the_longer_path_decides():
    """A URL belongs to the service that is further down."""
    found = Origins(
        {"root": [A], "api": [f"{A}/api"]},
        {"root": "http://b.example.com", "api": "http://c.example.com"},
    )

    assert found.normalize(f"{A}/api/x {A}/x") == "{api}/x {root}/x"
    assert found.normalize("http://c.example.com/x http://b.example.com/x") == "{api}/x {root}/x"


def test_services_that_share_an_origin_share_a_token():
    """What cannot be told apart on A is not told apart on B."""
    found = Origins(
        {"one": [A], "two": [A, "http://a2.example.com"], "three": ["http://a3.example.com"]},
        {"one": "http://b1.example.com", "two": "http://b2.example.com", "three": "http://b3.example.com"},
    )

    tokens = {found.normalize(f"http://{host}.example.com") for host in ("a", "a2", "b1", "b2")}

    assert tokens == {"{one}"}
    assert found.normalize("http://b3.example.com") == "{three}"


def test_a_service_may_have_several_origins_and_one_given_as_text():
    """All of A's base URLs stand for B's one."""
    found = Origins({"notify": (A, "https://old.example.com"), "x": "http://x.example.com"}, {"notify": B, "x": B})

    assert found.normalize("https://old.example.com/1") == found.normalize(f"{A}/1") == found.normalize(f"{B}/1")


def test_a_service_without_a_route_is_left_alone():
    """What is not mapped stands for nothing else."""
    assert Origins({"notify": [A]}, {}).normalize(f"{A}/x") == f"{A}/x"


def test_origins_are_found_at_any_depth_and_in_keys():
    """Values, list elements and keys are normalized; other types are not looked at."""
    value = {"a": [{"href": f"{A}/1", "n": 1, "p": Secret("aa")}], f"{A}/key": None, "raw": A.encode()}

    assert origins().normalize(value) == {
        "a": [{"href": "{notify}/1", "n": 1, "p": Secret("aa")}],
        "{notify}/key": None,
        "raw": A.encode(),
    }


def test_two_keys_that_become_one_are_both_kept():
    """An entry is worth more than the normalization of its key."""
    value = {f"{A}/k": 1, f"{B}/k": 2}

    assert origins().normalize(value) == {"{notify}/k": 1, f"{B}/k": 2}


def test_data_without_an_origin_is_given_back_as_the_same_object():
    """Where no mapped host occurs, nothing is copied."""
    value = {"a": ["http://www.example.org/", "text"]}

    assert origins().normalize(value) is value
    assert Origins().normalize(value) is value


@pytest.mark.parametrize("unpackable", [10**30, "\ud800", Opaque("x")])
def test_data_that_cannot_be_encoded_is_normalized_all_the_same(unpackable):
    """The look ahead is for speed alone."""
    assert origins().normalize([unpackable, f"{A}/x"]) == [unpackable, "{notify}/x"]


def test_what_lies_deeper_than_any_answer_stays_as_it_is():
    """Two hundred levels are normalized, and depth cannot crash the walk."""
    value = f"{A}/x"
    for _ in range(5_000):
        value = [value]

    found = origins().normalize(value)
    while isinstance(found, list):
        found = found[0]

    assert found == f"{A}/x"


@pytest.mark.parametrize("tail", [":x", ".", "/api" + "." * 50, "@", "/api", " "])
def test_long_texts_full_of_origins_take_linear_time(tail):
    """However often a host occurs, and whatever follows it, half a megabyte is done at once."""
    text = (A + tail) * (500_000 // len(A + tail)) + "." * 100_000

    start = time.perf_counter()
    origins(a=f"{A}/api").normalize_error(text)

    assert time.perf_counter() - start < 5


def test_messages_of_failed_connections_agree():
    """What requests says about an unreachable A is what it says about an unreachable B."""
    messages = []
    for url in ("http://localhost:9/api/v2/x", "http://127.0.0.1:1/branch/v2/x"):
        with pytest.raises(requests.ConnectionError) as raised:
            requests.get(url, timeout=2)
        messages.append(project_error(raised.value))

    found = origins(a="http://localhost:9/api", b="http://127.0.0.1:1/branch")
    first, second = map(found.normalize_error, messages)

    assert first == second
    assert "{notify}" in first["message"]
    assert "url: /v2/x" in first["message"]


@pytest.mark.parametrize(
    ("message", "normalized"),
    [
        ("HTTPSConnectionPool(host='a.example.com', port=80): late", "HTTPConnectionPool({notify}): late"),
        ("HTTPConnection(host='127.0.0.1', port=3193): refused", "HTTPConnection({notify}): refused"),
        ("HTTPConnectionPool(host='::1', port=3193): refused", "HTTPConnectionPool({notify}): refused"),
        ("HTTPConnectionPool(host='c', port=80): refused", "HTTPConnectionPool(host='c', port=80): refused"),
        ("cannot connect to a.example.com:80!", "cannot connect to {notify}!"),
        ("cannot connect to localhost:3193", "cannot connect to {notify}"),
        ("cannot connect to a.example.com:8080", "cannot connect to a.example.com:8080"),
        ("Failed to resolve 'a.example.com'", "Failed to resolve '{host}'"),
        ("Failed to resolve 'x.a.example.com'", "Failed to resolve 'x.a.example.com'"),
        ("write to jo@a.example.com", "write to jo@a.example.com"),
        ("404 for url: http://a.example.com/v2/x", "404 for url: {notify}/v2/x"),
        ("404 for url: http://c.example.com/v2/x", "404 for url: http://c.example.com/v2/x"),
        ("no host here", "no host here"),
    ],
)  # fmt: skip
def test_hosts_in_messages_are_found_without_a_scheme(message, normalized):
    """In errors a host may stand alone, with its port, or as urllib3 writes it."""
    assert origins().normalize_error({"message": message, "body": [message]}) == {
        "message": normalized,
        "body": [normalized],
    }


def test_hosts_without_a_scheme_are_no_urls_in_values():
    """In an answer, the name of a host is content."""
    assert origins().normalize({"host": "a.example.com:80"}) == {"host": "a.example.com:80"}


def test_the_message_of_a_pool_goes_to_the_service_whose_path_it_names():
    """Two services on one host are told apart by the path that failed."""
    found = Origins(
        {"one": [f"{A}/one"], "two": [f"{A}/two"]},
        {"one": "http://b1.example.com", "two": "http://b2.example.com"},
    )
    text = "HTTPConnectionPool(host='{}', port=80): Max retries exceeded with url: {} (Caused by X)"

    control = found.normalize_error(text.format("a.example.com", "/two/x"))
    candidate = found.normalize_error(text.format("b2.example.com", "/x"))

    assert control == candidate
    assert "{two}" in control


@pytest.mark.parametrize(
    ("origin", "path", "relative"),
    [
        ("http://a.example.com:80", "/api/v2/x", "/v2/x"),
        ("http://a.example.com", "/api", "/"),
        ("http://127.0.0.1:3193", "/branch/v2/x", "/v2/x"),
        ("http://localhost:3193", "/branch/v2/x", "/v2/x"),
        ("http://a.example.com", "/apiary/x", "/apiary/x"),
        ("http://c.example.com", "/api/v2/x", "/api/v2/x"),
        ("https://a.example.com", "/api/v2/x", "/api/v2/x"),
        ("", "/api/v2/x", "/api/v2/x"),
        ("http://[bad", "/api/v2/x", "/api/v2/x"),
    ],
)
def test_the_path_of_a_request_is_taken_below_its_base_url(origin, path, relative):
    """The base paths of A and B stand for each other in exchanges too."""
    assert origins(a="http://a.example.com/api", b=f"{B}/branch").relative(origin, path) == relative


@pytest.mark.parametrize(
    "url", ["a.example.com", "ftp://a.example.com", "http://", "http://a:port/", "http://[::1", ""]
)
def test_what_is_no_base_url_is_refused(url):
    """The error shows the text and how a base URL is written."""
    with pytest.raises(DeclarationError, match="http\\[s\\]://host"):
        Origins({"x": [url]}, {"x": B})


TEXTS = st.lists(
    st.sampled_from([A, B, "/x", ".evil", ":80", "@", "//", "http:", " ", "a.example.com", "localhost:3193", "é", "'"]),
    max_size=6,
).map("".join)


@given(TEXTS)
def test_normalizing_is_idempotent_and_never_parts_what_is_equal(text):
    """Once is enough, and both sides are treated alike."""
    found = origins()

    assert found.normalize(found.normalize(text)) == found.normalize(text)
    assert found.normalize_error(found.normalize_error(text)) == found.normalize_error(text)
