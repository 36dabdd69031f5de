"""Users' own tests mock HTTP in three ways; none of them is disturbed, whatever the order of start and stop."""

from __future__ import annotations

import contextlib
import itertools

import pytest
import requests
import requests_mock
import responses
import vcr
from urllib3 import connectionpool

from sidecar_science.checks.exchanges import install, observing, uninstall

URL = "http://service.invalid/a"


@pytest.fixture(autouse=True)
def as_it_was():
    """urllib3's own before and after."""
    uninstall()
    own = connectionpool.HTTPConnectionPool._make_request
    yield
    uninstall()
    assert connectionpool.HTTPConnectionPool._make_request is own


@contextlib.contextmanager
def with_responses(tmp_path, url):
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(responses.GET, url, json={"mocked": True})
        yield


@contextlib.contextmanager
def with_requests_mock(tmp_path, url):
    with requests_mock.Mocker() as mock:
        mock.get(url, json={"mocked": True})
        yield


@contextlib.contextmanager
def with_vcr(tmp_path, url):
    """A cassette that was recorded earlier."""
    cassette = tmp_path / "cassette.yaml"
    cassette.write_text(
        f"""
interactions:
- request: {{body: null, headers: {{}}, method: GET, uri: '{url}'}}
  response:
    body: {{string: '{{"mocked": true}}'}}
    headers: {{Content-Type: [application/json], Content-Length: ['16']}}
    status: {{code: 200, message: OK}}
version: 1
"""
    )
    with vcr.use_cassette(str(cassette), record_mode="none", allow_playback_repeats=True):
        yield


MOCKS = {"responses": with_responses, "requests_mock": with_requests_mock, "vcrpy": with_vcr}


def ask():
    return requests.get(URL, timeout=5).json()


class Steps:
    """One mock and our wrapper, each started and stopped when it is told to."""

    def __init__(self, mock, tmp_path):
        self._mock = mock(tmp_path, URL)

    def start(self):
        self._mock.__enter__()

    def stop(self):
        self._mock.__exit__(None, None, None)

    install = staticmethod(install)
    uninstall = staticmethod(uninstall)


ORDERS = [
    order
    for order in itertools.permutations(("start", "stop", "install", "uninstall"))
    if order.index("start") < order.index("stop") and order.index("install") < order.index("uninstall")
]


@pytest.mark.parametrize("name", MOCKS)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_mock_answers_in_every_order(name, order, tmp_path):
    """While it is on, it answers; we only look, and see what it lets through to where we stand."""
    steps = Steps(MOCKS[name], tmp_path)
    is_on = False

    for step in order:
        getattr(steps, step)()
        is_on = {"start": True, "stop": False}.get(step, is_on)
        if is_on:
            assert ask() == {"mocked": True}
            with observing() as seen:
                assert ask() == {"mocked": True}
            # Only vcrpy replaces what lies below us.
            assert len(seen) == (1 if name == "vcrpy" else 0)
            if "install" not in order[: order.index(step) + 1] or step == "uninstall":
                uninstall()


@pytest.mark.parametrize("name", MOCKS)
def test_a_mock_does_not_stay_on_for_us(name, tmp_path, site):
    """Stopped in the inverted order, real requests are real again."""
    mock = MOCKS[name](tmp_path, URL)
    with observing():
        mock.__enter__()
        assert ask() == {"mocked": True}
    mock.__exit__(None, None, None)

    with observing() as seen:
        assert requests.get(site.url, timeout=5).json() == {"ok": True}

    assert len(seen) == len(site.seen) == 1


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(MOCKS, 2)))
def test_two_mocks_one_inside_the_other_work_around_us(one, other, tmp_path):
    """The inner one answers, and afterwards the outer one again."""
    with MOCKS[one](tmp_path, URL):
        assert ask() == {"mocked": True}
        with observing(), contextlib.ExitStack() as stack:
            stack.enter_context(MOCKS[other](tmp_path, URL))
            assert ask() == {"mocked": True}


@pytest.mark.parametrize("name", MOCKS)
def test_a_recorded_call_is_mocked_as_any_other(name, tmp_path, desk):
    """In users' tests the sidecar may be on."""

    @desk.experiment("get")
    def get():
        return ask()

    with MOCKS[name](tmp_path, URL):
        assert get() == {"mocked": True}

    assert desk.decode(desk.job.value) == {"mocked": True}


def test_a_mock_that_refuses_what_it_does_not_know_still_refuses(desk):
    """The error is its own."""
    get = desk.experiment("get")(lambda: requests.get("http://unknown.invalid", timeout=5))

    with responses.RequestsMock(), pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
        get()
    with requests_mock.Mocker(), pytest.raises(requests_mock.NoMockAddress):
        get()
