"""Which URL of B stands for which URL of A."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_science.errors import DeclarationError, UsageError
from sidecar_science.routing.origins import Origin, canonical, is_address, place
from sidecar_science.routing.routes import Routes


def resolver(**hosts: str) -> Any:
    """Answers as socket.getaddrinfo does, from a table; what is not in it does not resolve."""

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        if host.replace(".", "_") not in hosts:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (hosts[host.replace(".", "_")], port))]

    return resolve


# Hosts


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("API.Example.", "api.example"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("999.999.999.999", "999.999.999.999"),
        ("a:b", "a:b"),
    ],
)
def test_every_spelling_of_a_host_has_one_canonical_form(spelling: str, expected: str) -> None:
    """Case, final dots, number systems, brackets, zones and mapped addresses do not tell hosts apart."""
    assert canonical(spelling) == expected


@pytest.mark.parametrize(
    "spelling", ["localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "::", "::ffff:127.0.0.1", "127.1"]
)
def test_the_loopback_host_is_one_place(spelling: str) -> None:
    """Whatever leads to this machine's loopback address is the same place."""
    assert place(spelling) == "localhost"


@pytest.mark.parametrize(
    ("host", "expected"), [("10.0.0.1", True), ("::1", True), ("2130706433", True), ("api", False)]
)
def test_addresses_are_told_from_names(host: str, expected: bool) -> None:
    """An address in any spelling needs no resolver; a name does."""
    assert is_address(host) is expected


# Origins


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.internal", "https://api.internal"),
        ("https://api.internal:443/", "https://api.internal"),
        ("http://api.internal:8080/v2/", "http://api.internal:8080/v2"),
        ("HTTP://[::1]:8080/a/b", "http://[::1]:8080/a/b"),
        ("http://bücher.example/", "http://xn--bcher-kva.example"),
        ("http://api//v2/./x", "http://api/v2/x"),
    ],
)
def test_a_base_url_is_read_into_its_parts(url: str, expected: str) -> None:
    """Scheme, host, port and path are read, and written again in one spelling."""
    assert Origin.parse(url).url == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.internal", "without http:// or https://"),
        ("api.internal:8080/x", "without http:// or https://"),
        ("ftp://api.internal", "without http:// or https://"),
        ("http:api.internal", "without http:// or https://"),
        ("http://", "without a host"),
        ("http://user:hunter2@api.internal", "with a user or password"),
        ("http://api.internal?x=1", "with a query or fragment"),
        ("http://api.internal/#top", "with a query or fragment"),
        ("http://api.internal:x", "cannot be taken apart"),
        ("http://api.internal:99999", "cannot be taken apart"),
        ("http://api.internal:0", "with port 0"),
        ("http://[::1", "cannot be taken apart"),
        ("http://xn--a\u00ad\u0600.example", "cannot be taken apart"),
        ("http://api internal", "with a space"),
        ("http://b.internal\\@a.internal", "with a space, a control character or a backslash"),
        ("http://api.internal/../x", "with '..'"),
        (b"http://api.internal", "a bytes and no text"),
        (None, "a NoneType and no text"),
    ],
)
def test_what_is_no_base_url_is_refused_with_the_reason(url: Any, said: str) -> None:
    """The error names the setting, shows what stands there, says what is wrong and what to write."""
    with pytest.raises(DeclarationError) as raised:
        Origin.parse(url, what="the base URL of service 'api'")

    assert said in str(raised.value)
    assert str(raised.value).startswith("the base URL of service 'api' is ")
    assert "write http[s]://host[:port][/path]" in str(raised.value)


def test_the_error_about_a_password_does_not_quote_it() -> None:
    """A base URL with credentials in it is refused without repeating them."""
    with pytest.raises(DeclarationError) as raised:
        Origin.parse("https://user:hunter2@api.internal/x?token=s3cret")

    assert "hunter2" not in str(raised.value)
    assert "s3cret" not in str(raised.value)


# Rerouting


@pytest.mark.parametrize(
    ("control", "target", "url", "expected"),
    [
        ("https://a", "http://b:3000", "https://a/x/y?q=1&r#end", "http://b:3000/x/y?q=1&r#end"),
        ("https://a", "http://b:3000/branch", "https://a/x/", "http://b:3000/branch/x/"),
        ("https://a/api", "http://b", "https://a/api/x", "http://b/x"),
        ("https://a/api", "http://b", "https://a/api", "http://b/"),
        ("https://a/api/", "http://b/v2/", "https://a/api//x", "http://b/v2//x"),
        ("https://a", "http://b", "https://A:443", "http://b/"),
        ("https://a", "http://b", "https://user:secret@a/x", "http://b/x"),
        ("http://localhost:80", "http://b", "http://127.0.0.1/x", "http://b/x"),
        ("http://127.0.0.1:5000", "http://b", "http://[::1]:5000/x", "http://b/x"),
        ("https://a/caf%C3%A9", "http://b", "https://a/caf%c3%a9/x%2Fy", "http://b/x%2Fy"),
        ("https://a/api", "http://b", "https://a/other/../api/x", "http://b/x"),
        ("https://a", "http://b", "https://a/x/.", "http://b/x/"),
        ("https://a", "https://[2001:db8::1]:8443", "https://a/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_a_url_of_a_becomes_the_same_url_of_b(control: str, target: str, url: str, expected: str) -> None:
    """The base path of A gives way to that of B; the rest, the query and the fragment stay."""
    routes = Routes({"api": [control]}, {"api": target})

    assert routes.reroute(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://a.evil.example/api/x",
        "https://aa/api/x",
        "https://a:8443/api/x",
        "http://a/api/x",
        "https://a/apix",
        "https://a/other",
        "https://a/api/../other",
        "https://evil.example/https://a/api",
        "https://a@evil.example/api",
        "https://evil.example\\@b/api",
        "mailto:someone@a",
        "/api/x",
        "https://a:x/api",
        "https://[a/api",
        "",
    ],
)
def test_what_only_resembles_a_url_of_a_is_not_rerouted(url: str) -> None:
    """Scheme, host, port and whole path segments decide, and never how the text begins."""
    assert Routes({"api": ["https://a/api"]}, {"api": "http://b"}).reroute(url) is None


def test_the_longest_base_path_decides() -> None:
    """Of services that share an origin, the one whose base path says most gets the request."""
    routes = Routes({"api": ["https://a"], "v2": ["https://a/v2"]}, {"api": "http://b1", "v2": "http://b2"})

    assert routes.reroute("https://a/v2/x", "api") == "http://b2/x"
    assert routes.reroute("https://a/v1/x", "v2") == "http://b1/v1/x"


def test_the_service_that_is_replayed_comes_first_among_equals() -> None:
    """Services with the same base URL are told apart by the replay; without one, by the order of declaration."""
    routes = Routes({"x": ["https://a"], "y": "https://a"}, {"x": "http://b1", "y": "http://b2"})

    assert routes.reroute("https://a/1", "y") == "http://b2/1"
    assert routes.reroute("https://a/1", "x") == "http://b1/1"
    assert routes.reroute("https://a/1") == "http://b1/1"


def test_a_service_without_a_route_lends_its_url_to_one_that_has_one() -> None:
    """Of services with the same base URL the one with a route is taken, if the replayed one has none."""
    routes = Routes({"x": ["https://a"], "y": ["https://a"]}, {"y": "http://b2"})

    assert routes.reroute("https://a/1", "x") == "http://b2/1"


def test_a_more_specific_service_without_a_route_keeps_its_urls() -> None:
    """What belongs to a service without a route does not go to the B of another one."""
    routes = Routes({"api": ["https://a"], "v2": ["https://a/v2"]}, {"api": "http://b1"})

    assert routes.reroute("https://a/v2/x", "api") is None
    assert routes.is_control("https://a/v2/x")


def test_each_base_url_of_a_service_leads_to_its_route() -> None:
    """A service may have several origins on A; it has one on B."""
    routes = Routes({"api": ["https://a1", "https://a2/api"]}, {"api": "http://b"})

    assert [routes.reroute("https://a1/x"), routes.reroute("https://a2/api/x")] == ["http://b/x", "http://b/x"]


def test_a_and_b_are_recognized_by_host_and_port() -> None:
    """Whether a URL aims at A or at B does not depend on scheme or path."""
    routes = Routes({"api": ["https://a/api"], "other": ["http://c"]}, {"api": "http://b:3000/x"})

    assert routes.is_control("http://a:443/elsewhere")
    assert routes.is_control("http://c/")
    assert not routes.is_control("http://b:3000/x")
    assert routes.is_target("http://b:3000/")
    assert not routes.is_target("http://b/")
    assert not routes.is_target("nonsense")


def test_the_endpoints_are_those_of_b_alone() -> None:
    """Guard and floor are told host and port of each route; A's are kept apart."""
    routes = Routes({"api": ["https://a"], "other": ["http://c"]}, {"api": "http://b:3000/x"})

    assert routes.endpoints() == {("b", 3000)}
    assert routes.control_endpoints() == {("a", 443), ("c", 80)}


@given(
    st.lists(st.text("ab%/.", min_size=1, max_size=4), max_size=4),
    st.sampled_from(["", "?q=a/b&c", "#f", "?a#b"]),
)
def test_only_the_base_changes(pieces: list[str], rest: str) -> None:
    """For any path: what is rerouted is B's base URL with what a server would read behind A's."""
    path = "/".join(["", *pieces])
    plain = Routes({"api": ["http://a"]}, {"api": "http://a"})
    routes = Routes({"api": ["http://a"]}, {"api": "http://b:1/base"})

    same = plain.reroute(f"http://a{path}{rest}")
    moved = routes.reroute(f"http://a{path}{rest}")

    assert same is not None
    assert moved is not None
    assert moved.removeprefix("http://b:1/base") in (same.removeprefix("http://a"), same.removeprefix("http://a/"))


# Bad routes


def test_a_route_for_an_unknown_service_is_refused_with_the_known_ones() -> None:
    """A misspelled service is an error of usage that lists what is declared."""
    with pytest.raises(UsageError, match=r"no service 'apo' is declared; declared: api, notify; "):
        Routes({"notify": ["http://n"], "api": ["http://a"]}, {"apo": "http://b"})


def test_a_route_where_nothing_is_declared_says_so() -> None:
    """Without any service the list is not just empty."""
    with pytest.raises(UsageError, match="declared: none at all"):
        Routes({}, {"api": "http://b"})


def test_a_bad_route_is_an_error_of_usage() -> None:
    """A's base URLs are the application's declaration, B's are the command line's."""
    with pytest.raises(UsageError, match="the route of service 'api' is 'b:3000', without http"):
        Routes({"api": ["http://a"]}, {"api": "b:3000"})
    with pytest.raises(DeclarationError, match="the base URL of service 'api' is 'a'"):
        Routes({"api": ["a"]}, {})


# A and B apart


@pytest.mark.parametrize(
    ("control", "target"),
    [
        ("http://127.0.0.1:5000", "http://localhost:5000"),
        ("http://127.0.0.1:5000", "http://[::1]:5000/other"),
        ("http://127.0.0.1:5000", "http://[::ffff:127.0.0.1]:5000"),
        ("http://127.0.0.1:5000", "http://2130706433:5000"),
        ("http://127.0.0.1:5000", "http://0.0.0.0:5000"),
        ("http://127.0.0.1:5000", "http://127.1.2.3:5000"),
        ("https://a.example", "http://A.example.:443/b"),
        ("https://a.example", "https://192.0.2.10"),
        ("https://a.example", "https://alias.example"),
        ("https://a.example", "https://[::ffff:192.0.2.10]"),
    ],
)
def test_a_route_that_leads_to_a_is_refused(control: str, target: str) -> None:
    """Another name, notation, path or scheme: what is one host and port is refused, and both are named."""
    routes = Routes({"other": [control], "api": ["http://elsewhere.example"]}, {"api": target})
    resolve = resolver(a_example="192.0.2.10", alias_example="192.0.2.10")

    with pytest.raises(UsageError) as raised:
        routes.check_separate(resolve)

    text = str(raised.value)
    assert text.startswith(f"the route api={routes.targets['api'].url} leads to A: service 'other' is declared at ")
    assert "give B an address or a port of its own" in text


@pytest.mark.parametrize(
    ("control", "target"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001"),
        ("https://a.example", "https://b.example"),
        ("https://a.example", "https://a.example:8443"),
        ("https://gone.example", "https://also-gone.example"),
    ],
)
def test_a_route_apart_from_a_passes(control: str, target: str) -> None:
    """Another port, another address, or names that do not resolve here are no collision."""
    routes = Routes({"api": [control]}, {"api": target})

    routes.check_separate(resolver(a_example="192.0.2.10", b_example="192.0.2.11"))


def test_names_are_resolved_by_the_system_unless_told_otherwise() -> None:
    """The real resolver knows that localhost and 127.0.0.1 are one."""
    routes = Routes({"api": ["http://localhost:5000"]}, {"api": "http://127.0.0.1:5000"})

    with pytest.raises(UsageError, match="both are localhost port 5000"):
        routes.check_separate()
