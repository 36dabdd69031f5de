"""What an adapter aims at A through requests goes to B."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Timeout

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import DeadlineExceeded, EgressRefused
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.deadline import bounded
from sidecar_science.routing.rerouting import Rerouting
from sidecar_science.routing.routes import Routes

from .conftest import StillClock
from .places import Place


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
def rerouting(routes: Routes, current: Current, clock: StillClock, environ: dict[str, str]) -> Iterator[Rerouting]:
    rerouting = Rerouting(routes, current, clock=clock, environ=environ)
    rerouting.install()
    yield rerouting
    rerouting.undo()


@pytest.fixture
def replaying(rerouting: Rerouting, current: Current, replay: CurrentReplay) -> Iterator[CurrentReplay]:
    with current.replaying(replay):
        yield replay


# Where requests go


def test_a_hard_coded_url_of_a_lands_on_b(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """Method, path, query and body arrive at B as they were meant for A, and A hears nothing."""
    answer = requests.post(f"{a.url}/items?page=2", json={"x": 1}, timeout=5)

    assert answer.url == f"{b.url}/items?page=2"
    assert (b.requests[0]["method"], b.requests[0]["target"], b.requests[0]["body"]) == (
        "POST",
        "/items?page=2",
        '{"x": 1}',
    )
    assert a.visits == 0


def test_a_request_to_b_stays_as_it_is(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """What the adapter from `build` sends to B needs no rewriting."""
    assert requests.get(f"{b.url}/x", timeout=5).json()["target"] == "/x"


def test_outside_a_replay_requests_pass(a: Place, rerouting: Rerouting) -> None:
    """Rerouting belongs to replays; what else the process does is for the guard to judge."""
    assert requests.get(f"{a.url}/x", timeout=5).json()["place"] == "A"


def test_the_callers_prepared_request_is_left_alone(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """A request that was prepared once can be sent again and still says what its owner wrote."""
    prepared = requests.Request("GET", f"{a.url}/x", headers={"Host": f"127.0.0.1:{a.port}"}).prepare()

    with requests.Session() as session:
        places = [session.send(prepared, timeout=5).json()["place"] for _ in range(2)]

    assert places == ["B", "B"]
    assert prepared.url == f"{a.url}/x"
    assert prepared.headers["Host"] == f"127.0.0.1:{a.port}"


@pytest.mark.parametrize("spelling", ["127.0.0.1:{a}", "LOCALHOST:{a}", b"127.0.0.1:{a}"])
def test_a_host_header_that_names_a_is_dropped(spelling: Any, a: Place, b: Place, replaying: CurrentReplay) -> None:
    """B is addressed by its own name, even where the adapter wrote A's into the header."""
    host = spelling.replace(b"{a}", str(a.port).encode()) if isinstance(spelling, bytes) else spelling.format(a=a.port)

    requests.get(f"{a.url}/x", headers={"Host": host}, timeout=5)

    assert dict(b.requests[0]["headers"])["Host"] == f"127.0.0.1:{b.port}"


def test_a_host_header_that_names_something_else_stays(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """A virtual host is the adapter's business."""
    requests.get(f"{a.url}/x", headers={"Host": "tenant.example"}, timeout=5)

    assert dict(b.requests[0]["headers"])["Host"] == "tenant.example"


def test_cookies_of_b_come_along(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """A session that B opened holds for requests that are still aimed at A, beside cookies that the adapter wrote."""
    with requests.Session() as session:
        session.get(f"{a.url}/cookie", timeout=5)
        session.get(f"{a.url}/x", cookies={"theme": "dark"}, timeout=5)
        session.get(f"{a.url}/y", headers={"Cookie": "session=mine"}, timeout=5)

    sent = [dict(request["headers"]).get("Cookie", "") for request in b.requests]
    assert sent[0] == ""
    assert sorted(sent[1].split("; ")) == ["session=of-B", "theme=dark"]
    assert sent[2] == "session=mine"


def test_a_file_that_is_sent_arrives_whole(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """Rewriting the address reads nothing of the body."""
    requests.post(f"{a.url}/upload", data=io.BytesIO(b"contents"), timeout=5)

    assert b.requests[0]["body"] == "contents"


def test_a_request_to_a_under_no_routed_base_url_is_refused(
    a: Place, b: Place, current: Current, replay: CurrentReplay
) -> None:
    """What aims at A's origin, but belongs to no service with a route, goes nowhere, and the error says what to add."""
    rerouting = Rerouting(Routes({"api": [f"{a.url}/v1"]}, {"api": b.url}), current)
    rerouting.install()
    try:
        with (
            current.replaying(replay),
            pytest.raises(EgressRefused, match="under no base URL of a service that has a route"),
        ):
            requests.get(f"{a.url}/v2/x", timeout=5)
    finally:
        rerouting.undo()

    assert replay.refused == 1
    assert (a.visits, b.visits) == (0, 0)


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_from_b_to_a_is_refused(code: int, a: Place, b: Place, replaying: CurrentReplay) -> None:
    """B sends the caller to A's canonical host: the replay ends there, and the refusal is put down."""
    with pytest.raises(EgressRefused, match=f"a redirect from B to http://127.0.0.1:{a.port}, an origin of A"):
        requests.post(f"{b.url}/redirect?code={code}&to={a.url}/x", json={}, timeout=5)

    assert a.visits == 0
    assert len(replaying.refusals) == 1


def test_a_redirect_to_a_is_refused_after_redirects_within_b(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """Every hop is looked at, not only the first; a request that was rerouted itself is followed no further either."""
    with pytest.raises(EgressRefused):
        requests.get(f"{a.url}/redirect?to=/redirect%3Fto={a.url}/x", timeout=5)

    assert [request["target"] for request in b.requests] == [
        f"/redirect?to=/redirect%3Fto={a.url}/x",
        f"/redirect?to={a.url}/x",
    ]
    assert a.visits == 0


def test_a_redirect_within_b_is_followed(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """B may redirect to itself, by path or by its own address."""
    answers = [requests.get(f"{b.url}/redirect?to={to}", timeout=5) for to in ("/x", f"{b.url}/x")]

    assert [answer.json()["target"] for answer in answers] == ["/x", "/x"]
    assert all(len(answer.history) == 1 for answer in answers)


def test_a_redirect_that_the_adapter_follows_by_hand_is_rerouted(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """Without allow_redirects the location is just an answer, and what the adapter does with it is its own request."""
    with requests.Session() as session:
        answer = session.get(f"{b.url}/redirect?to={a.url}/x", allow_redirects=False, timeout=5)
        assert answer.next is not None
        followed = session.send(answer.next, timeout=5)

    assert followed.json()["place"] == "B"
    assert replaying.refusals == []


def test_a_request_made_while_a_redirect_is_followed_is_rerouted(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """A response hook that calls A by itself is the adapter, not a redirect."""
    places: list[str] = []

    def hook(response: requests.Response, **_: Any) -> None:
        if response.url == f"{b.url}/x":
            places.append(requests.get(f"{a.url}/hooked", timeout=5).json()["place"])

    requests.get(f"{b.url}/redirect?to=/x", hooks={"response": hook}, timeout=5)

    assert places == ["B"]


# Time


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [(None, 3.0), (30, 3.0), (1, 1.0), ((1, None), (1.0, 3.0)), ((30, 2), (3.0, 2.0))],
)
def test_timeouts_are_bounded_by_the_replay(timeout: Any, expected: Any) -> None:
    """The smaller of what the adapter says and what the replay has left holds, in every form of a timeout."""
    assert bounded(timeout, 3.0) == expected


def test_a_timeout_object_is_bounded_as_a_copy() -> None:
    """The adapter's own Timeout may be shared, and stays as it is."""
    mine = Timeout(connect=1, read=30)

    theirs = bounded(mine, 3.0)

    assert (theirs.total, mine.total) == (3.0, None)


def test_without_a_deadline_no_timeout_is_added() -> None:
    """A replay without a deadline changes nothing."""
    assert bounded(None, math.inf) is None
    assert bounded((1, None), math.inf) == (1.0, None)
    assert bounded(None, 1e12) is None  # more than a socket can be told


def test_a_slow_b_is_given_up_at_the_deadline(b: Place, routes: Routes, current: Current) -> None:
    """An adapter without any timeout waits as long as the replay lasts."""
    rerouting = Rerouting(routes, current)
    rerouting.install()
    replay = CurrentReplay(job="1", environment="b", deadline=SYSTEM_CLOCK.monotonic() + 0.2)
    try:
        with current.replaying(replay), pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(f"{b.url}/slow")
    finally:
        rerouting.undo()


def test_the_default_of_a_transport_of_its_own_is_bounded_too(
    a: Place, rerouting: Rerouting, current: Current, clock: StillClock
) -> None:
    """An adapter that mounts a transport with a default timeout gets that, and never more than the replay has left."""
    seen: list[Any] = []

    class Patient(HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            seen.append(kwargs["timeout"])
            kwargs["timeout"] = kwargs["timeout"] or 60
            return super().send(request, *args, **kwargs)

        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            pool = super().get_connection_with_tls_context(*args, **kwargs)
            urlopen = pool.urlopen
            pool.urlopen = lambda *a, **k: (seen.append(k["timeout"].read_timeout), urlopen(*a, **k))[1]  # type: ignore[method-assign]
            return pool

    with requests.Session() as session, current.replaying(CurrentReplay(job="1", environment="b", deadline=104.0)):
        session.mount("http://", Patient())
        session.get(f"{a.url}/x")

    assert seen == [None, 4.0]


def test_after_the_deadline_nothing_is_sent(b: Place, rerouting: Rerouting, current: Current) -> None:
    """An adapter that tries again and again is stopped, by an exception that it cannot mistake for B's answer."""
    with (
        current.replaying(CurrentReplay(job="1", environment="b", deadline=100.0)),
        pytest.raises(DeadlineExceeded, match="longer `timeout`"),
    ):
        requests.get(f"{b.url}/x")

    assert b.visits == 0


# The environment


def test_proxies_are_ignored_and_put_back(routes: Routes, current: Current) -> None:
    """Proxy variables of every kind are gone while installed; those that somebody set since are not overwritten."""
    environ = {
        "HTTP_PROXY": "http://p",
        "https_proxy": "http://p",
        "ALL_PROXY": "http://p",
        "NO_PROXY": "x",
        "PATH": "/",
    }
    rerouting = Rerouting(routes, current, environ=environ)

    rerouting.install()
    left = dict(environ)
    environ["HTTP_PROXY"] = "http://new"
    rerouting.undo()

    assert left == {"NO_PROXY": "x", "PATH": "/"}
    assert environ["HTTP_PROXY"] == "http://new"
    assert (environ["https_proxy"], environ["ALL_PROXY"]) == ("http://p", "http://p")


def test_proxies_of_the_adapter_itself_are_ignored_in_a_replay(a: Place, b: Place, replaying: CurrentReplay) -> None:
    """A proxy that a session names leads past the guard's knowledge, and is not used."""
    with requests.Session() as session:
        session.proxies = {"http": a.url}
        session.get(f"{b.url}/x", timeout=5)
        requests.get(f"{b.url}/y", proxies={"all": a.url}, timeout=5)

    assert a.visits == 0
    assert [request["target"] for request in b.requests] == ["/x", "/y"]


def test_netrc_is_ignored(b: Place, replaying: CurrentReplay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials that lie about for A's host are not sent to B, by sessions old or new."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login production password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    requests.get(f"{b.url}/x", timeout=5)

    assert "Authorization" not in dict(b.requests[0]["headers"])


def test_sessions_trust_their_environment_again_afterwards(rerouting: Rerouting) -> None:
    """Whatever a session was told before or meanwhile counts as soon as the patch is gone."""
    old, new = requests.Session(), requests.Session()
    new.trust_env = False
    while_installed = (old.trust_env, new.trust_env)

    rerouting.undo()

    assert while_installed == (False, False)
    assert (old.trust_env, new.trust_env) == (True, False)


@pytest.mark.parametrize(
    ("verify", "expected"), [(True, "/bundle.pem"), (None, "/bundle.pem"), (False, False), ("/mine.pem", "/mine.pem")]
)
def test_certificates_of_the_environment_still_count(
    verify: Any, expected: Any, environ: dict[str, str], rerouting: Rerouting
) -> None:
    """Which authorities to trust is no way out, so REQUESTS_CA_BUNDLE goes on to hold where nothing else was said."""
    environ["REQUESTS_CA_BUNDLE"] = "/bundle.pem"

    settings = requests.Session().merge_environment_settings("https://b", {}, None, verify, None)

    assert settings["verify"] == expected


def test_the_bundle_of_curl_counts_as_well(environ: dict[str, str], rerouting: Rerouting) -> None:
    """As in requests itself, CURL_CA_BUNDLE is the second choice."""
    environ["CURL_CA_BUNDLE"] = "/curl.pem"

    assert requests.Session().merge_environment_settings("https://b", {}, None, None, None)["verify"] == "/curl.pem"


def test_undone_requests_is_itself_again(routes: Routes, current: Current) -> None:
    """Installing twice and undoing once leaves the library's own methods."""
    own = (requests.Session.send, requests.Session.resolve_redirects, HTTPAdapter.send)
    rerouting = Rerouting(routes, current, environ={})

    rerouting.install()
    rerouting.install()
    rerouting.undo()

    assert (requests.Session.send, requests.Session.resolve_redirects, HTTPAdapter.send) == own
    assert "trust_env" not in vars(requests.Session)


def test_a_patch_that_somebody_laid_over_ours_is_left(routes: Routes, current: Current, b: Place) -> None:
    """Undoing does not tear away what others put on top; what remains of ours lets everything through."""
    rerouting = Rerouting(routes, current, environ={})
    own = requests.Session.send
    rerouting.install()
    ours = requests.Session.send
    theirs = lambda session, request, **kwargs: ours(session, request, **kwargs)  # noqa: E731
    requests.Session.send = theirs  # type: ignore[method-assign, assignment]
    try:
        rerouting.undo()

        assert requests.Session.send is theirs
        assert requests.get(f"{b.url}/x", timeout=5).status_code == 200
    finally:
        requests.Session.send = own  # type: ignore[method-assign]
