"""What ``requests`` works out anew for every request is told at a glance, and comes out the same."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import requests
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from sidecar_science.routing import shortcuts
from sidecar_science.routing.patching import Patches

REQUEST = requests.Request("GET", "http://b.test/x").prepare()


class Headers:
    """An answer of the standard library, as urllib3 keeps it."""

    def __init__(self, **headers):
        from email.message import Message

        self.msg = Message()
        for name, value in headers.items():
            self.msg[name.replace("_", "-")] = value


class Raw:
    def __init__(self, **headers):
        self._original_response = Headers(**headers)


def jar(**cookies):
    found = RequestsCookieJar()
    for name, value in cookies.items():
        found.set(name, value, domain="b.test", path="/")
    return found


def taken(extract, *arguments):
    """What a jar holds after an answer."""
    found = jar()
    extract(found, REQUEST, *arguments)
    return found.get_dict()


@pytest.fixture(params=[False, True], ids=["as they are", "with the shortcuts"])
def both(request):
    """Every test runs without them too: what it expects is what requests does."""
    patches = Patches()
    if request.param:
        shortcuts.install(patches)
    yield
    patches.undo()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, [("a", 1)]),
        (OrderedDict(a=1), [("a", 1)]),
        (CaseInsensitiveDict({"A": 1}), [("A", 1)]),
        ([("a", 1)], [("a", 1)]),
        (None, None),
    ],
)
def test_mappings_are_listed(both, value, expected):
    """And lists of pairs, and nothing."""
    assert requests.sessions.to_key_val_list(value) == expected


@pytest.mark.parametrize(
    ("params", "expected"), [({}, ""), (OrderedDict(), ""), ({"a": [1, 2]}, "a=1&a=2"), ("a=b", "a=b"), (b"", b"")]
)
def test_parameters_are_encoded(both, params, expected):
    """None of them too."""
    assert requests.models.RequestEncodingMixin._encode_params(params) == expected


@pytest.mark.parametrize(
    ("url", "expected"), [("http://b.test/x?y", ("", "")), ("http://me:pass%20word@b.test/", ("me", "pass word"))]
)
def test_credentials_in_a_url_are_found(both, url, expected):
    """Where there are any."""
    assert requests.models.get_auth_from_url(url) == expected


def test_cookies_are_sent(both):
    """Where there are any, and where the jar is somebody else's."""
    assert requests.models.get_cookie_header(jar(), REQUEST) is None
    assert requests.models.get_cookie_header(jar(a="1"), REQUEST) == "a=1"


def test_cookies_are_taken_from_answers(both):
    """Of any spelling; and nothing from an answer that has none, or none that could be looked at."""
    extract = requests.sessions.extract_cookies_to_jar

    assert taken(extract, Raw(Set_Cookie="a=1; Path=/")) == {"a": "1"}
    assert taken(extract, Raw(set_cookie="a=1; Path=/")) == {"a": "1"}
    assert taken(extract, Raw(Content_Type="text/plain")) == {}
    assert taken(extract, object()) == {}


def test_proxies_are_chosen(both):
    """Where there are any."""
    choose = requests.adapters.select_proxy

    assert choose("http://b.test/x", {}) is None
    assert choose("http://b.test/x", None) is None
    assert choose("http://b.test/x", {"http": "http://p.test"}) == "http://p.test"


def test_what_is_undone_is_gone():
    """The app's tests run in one process with ours."""
    before = [requests.sessions.to_key_val_list, vars(requests.models.RequestEncodingMixin)["_encode_params"]]
    patches = Patches()

    shortcuts.install(patches)
    patches.undo()

    assert [
        requests.sessions.to_key_val_list,
        vars(requests.models.RequestEncodingMixin)["_encode_params"],
    ] == before
