"""Every request that leaves a recorded call is seen once for each attempt, and nothing else is."""

from __future__ import annotations

import functools
import gzip
import io
import ssl
import subprocess
import threading
import urllib.request

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import connectionpool
from urllib3.util.retry import Retry

from sidecar_science.checks import exchanges
from sidecar_science.checks.exchanges import (
    MAX_BODIES,
    MAX_BODY,
    MAX_EXCHANGES,
    Exchange,
    install,
    observing,
    uninstall,
)
from tests.checks.site import unused_url


@pytest.fixture(autouse=True)
def as_it_was():
    """Whatever a test does to the pool, it is urllib3's own afterwards."""
    before = connectionpool.HTTPConnectionPool._make_request
    yield
    connectionpool.HTTPConnectionPool._make_request = before


def told(seen):
    return [(each.method, each.target, each.status, each.sent, each.failure) for each in seen]


def test_a_request_is_seen_with_its_answer(site):
    """Method, address, status and time."""
    with observing() as seen:
        requests.get(site.url + "/a?b=c", timeout=5)

    [exchange] = seen
    assert told(seen) == [("GET", "/a?b=c", 200, True, None)]
    assert exchange.origin == site.url
    assert 0 < exchange.duration < 5
    assert (exchange.body, exchange.body_size) == (None, 0)


def test_each_redirect_is_a_request(site):
    """And so it is on B."""
    with observing() as seen:
        requests.get(site.url + "/redirect?to=/end", timeout=5)

    assert told(seen) == [("GET", "/redirect?to=/end", 302, True, None), ("GET", "/end", 200, True, None)]


def test_each_attempt_of_a_retry_is_a_request(site):
    """A single call of requests may hide several."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[503], backoff_factor=0)))

    with observing() as seen, pytest.raises(requests.exceptions.RetryError):
        session.get(site.url + "/status?code=503", timeout=5)

    assert [exchange.status for exchange in seen] == [503] * 3
    assert len(site.seen) == 3


def test_a_refused_connection_sent_nothing():
    """B need not be asked then."""
    with observing() as seen, pytest.raises(requests.ConnectionError):
        requests.post(unused_url() + "/a", json={}, timeout=5)

    assert told(seen) == [("POST", "/a", None, False, "NewConnectionError")]


def test_a_name_that_does_not_resolve_sent_nothing():
    """As a refused connection."""
    with observing() as seen, pytest.raises(requests.ConnectionError):
        requests.get("http://no-such-host.invalid/a", timeout=5)

    assert [exchange.sent for exchange in seen] == [False]


def test_an_answer_that_does_not_come_may_have_been_sent(site):
    """Nobody knows what the service did."""
    with observing() as seen, pytest.raises(requests.ReadTimeout):
        requests.get(site.url + "/slow", timeout=0.05)

    assert told(seen) == [("GET", "/slow", None, True, "ReadTimeoutError")]


def test_a_connection_that_is_dropped_may_have_been_sent(site):
    """The service got the request before it hung up."""
    with observing() as seen, pytest.raises(requests.ConnectionError):
        requests.get(site.url + "/drop", timeout=5)

    [exchange] = seen
    assert (exchange.status, exchange.sent) == (None, True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One that nobody trusts."""
    folder = tmp_path_factory.mktemp("certificate")
    done = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-keyout",
            str(folder / "key.pem"),
            "-out",
            str(folder / "cert.pem"),
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("openssl is not installed")
    return folder


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_a_certificate_that_is_not_trusted_sent_nothing(site, certificate):
    """The connection came about, and no request went through it. urllib3 wraps the error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    site.socket = context.wrap_socket(site.socket, server_side=True)
    url = site.url.replace("http:", "https:")

    with observing() as seen, pytest.raises(requests.exceptions.SSLError):
        requests.post(url + "/a", timeout=5)
    with observing() as trusting:
        requests.post(url + "/a", timeout=5, verify=False)

    assert [(exchange.sent, exchange.failure) for exchange in seen] == [(False, "SSLError")]
    assert told(trusting) == [("POST", "/a", 200, True, None)]
    assert trusting[0].origin == url


def test_a_proxy_that_refuses_sent_nothing():
    """urllib3 wraps that error in another one."""
    proxy = unused_url()

    with observing() as seen, pytest.raises(requests.exceptions.ProxyError):
        requests.get("http://service.invalid/a", proxies={"http": proxy}, timeout=5)

    assert [exchange.sent for exchange in seen] == [False]


@pytest.mark.parametrize("body", [b'{"a": 1}', '{"a": 1}', bytearray(b'{"a": 1}')])
def test_bytes_and_text_of_a_body_are_kept(site, body):
    """As they went out."""
    with observing() as seen:
        urllib3.PoolManager().request("POST", site.url, body=body, headers={"Content-Type": "application/json"})

    [exchange] = seen
    assert (exchange.body, exchange.body_size, exchange.content_type) == (b'{"a": 1}', 8, "application/json")


@pytest.mark.parametrize(
    "make",
    [
        lambda: (part for part in (b"a", b"b")),
        lambda: [b"a", b"b"],
        lambda: io.BytesIO(b"ab"),
        lambda: io.StringIO("ab"),
        lambda: memoryview(b"ab"),
    ],
)
def test_a_body_that_is_read_while_it_is_sent_is_left_alone(site, make):
    """A generator or a file is the client's to read."""
    with observing() as seen:
        urllib3.PoolManager().request("POST", site.url, body=make())

    assert site.seen[0][2] == b"ab"
    assert seen[0].body is None


def test_a_large_body_is_kept_by_size_and_digest(site):
    """And a huge one by its size alone: hashing it would be felt."""
    with observing() as seen:
        for body in (b"x" * (MAX_BODY + 1), "ü" * MAX_BODY, b"x" * (9 * 1024 * 1024), "x" * (9 * 1024 * 1024)):
            urllib3.PoolManager().request("POST", site.url, body=body)

    assert [(each.body, each.body_size, each.body_digest is None) for each in seen] == [
        (b"", MAX_BODY + 1, False),
        (b"", 2 * MAX_BODY, False),
        (b"", 9 * 1024 * 1024, True),
        (b"", 9 * 1024 * 1024, True),
    ]


def test_the_bodies_of_one_call_are_bounded_together(site):
    """Then only their digests are kept, and in the end not even that they were sent."""
    exchange = Exchange(method="POST", origin="", target="/", body=b"x" * MAX_BODIES)

    with observing() as seen:
        seen.append(exchange)
        urllib3.PoolManager().request("POST", site.url, body=b"abc")
        seen.extend([exchange] * MAX_EXCHANGES)
        urllib3.PoolManager().request("POST", site.url + "/last", body=b"abc")

    assert (seen[1].body, seen[1].body_size) == (b"", 3)
    assert len(seen[1].body_digest) == 64
    assert "/last" not in [each.target for each in seen]
    assert len(site.seen) == 2


def test_outside_an_observation_nothing_is_seen(site):
    """The wrapper is there, and passes straight through."""
    install()
    with observing() as seen:
        pass
    requests.get(site.url, timeout=5)

    assert seen == []


def test_an_observation_is_of_its_own_context(site):
    """Another thread's requests are its own."""
    with observing() as seen:
        other = threading.Thread(target=requests.get, args=(site.url + "/other",), kwargs={"timeout": 5})
        other.start()
        other.join()
        requests.get(site.url + "/own", timeout=5)

    assert [exchange.target for exchange in seen] == ["/own"]


def test_observations_are_nested(site):
    """The inner one sees its own, and the outer one goes on afterwards."""
    with observing() as outer:
        requests.get(site.url + "/1", timeout=5)
        with observing() as inner:
            requests.get(site.url + "/2", timeout=5)
        requests.get(site.url + "/3", timeout=5)

    assert [exchange.target for exchange in outer] == ["/1", "/3"]
    assert [exchange.target for exchange in inner] == ["/2"]


def test_the_standard_librarys_client_is_not_observed(site):
    """What is not urllib3 is said not to be seen."""
    with observing() as seen:
        urllib.request.urlopen(site.url, timeout=5).read()

    assert seen == []


def test_observing_twice_over_counts_once(site):
    """Somebody patched over us, and we over them."""
    install()
    ours = connectionpool.HTTPConnectionPool._make_request

    def theirs(*args, **kwargs):
        return ours(*args, **kwargs)

    connectionpool.HTTPConnectionPool._make_request = theirs
    with observing() as seen:
        requests.get(site.url, timeout=5)

    assert connectionpool.HTTPConnectionPool._make_request is not theirs
    assert len(seen) == len(site.seen) == 1


def test_whoever_copies_our_attributes_is_not_wrapped_again(site):
    """``functools.wraps`` does; ours is below and sees what it must."""
    install()
    ours = connectionpool.HTTPConnectionPool._make_request
    theirs = functools.wraps(ours)(lambda *args, **kwargs: ours(*args, **kwargs))
    connectionpool.HTTPConnectionPool._make_request = theirs

    with observing() as seen:
        requests.get(site.url, timeout=5)
    uninstall()

    assert connectionpool.HTTPConnectionPool._make_request is theirs
    assert len(seen) == 1


def test_uninstalling_gives_urllib3_its_own_back(site):
    """And nothing is seen any more."""
    uninstall()
    own = connectionpool.HTTPConnectionPool._make_request
    install()
    install()
    uninstall()
    assert connectionpool.HTTPConnectionPool._make_request is own

    with observing() as seen:
        uninstall()
        requests.get(site.url, timeout=5)
    uninstall()

    assert seen == []


def test_the_request_itself_never_fails_for_us(site):
    """Headers that cannot be read are not ours to complain about."""

    class Odd(dict):
        def items(self):
            raise RuntimeError

    exchange = exchanges._begin([], object(), "GET", "/a", {"headers": Odd()})

    assert (exchange.method, exchange.target, exchange.origin) == ("GET", "/a", "")


def test_an_error_that_resists_is_passed_on(site, monkeypatch):
    """What it means is asked under guard."""

    class Odd(Exception):
        @property
        def original_error(self):
            raise RuntimeError

    def fail(*args, **kwargs):
        raise Odd

    monkeypatch.setattr(connectionpool.HTTPConnectionPool, "_make_request", fail)
    with observing() as seen, pytest.raises(Odd):
        urllib3.PoolManager().request("GET", site.url)

    assert [(exchange.sent, exchange.failure) for exchange in seen] == [(True, "Odd")]


def test_a_recorded_call_has_its_exchanges(desk, site):
    """In the order in which they left; those of nested calls are its own."""

    @desk.experiment("inner")
    def inner():
        return requests.put(site.url + "/inner", json={"a": 1}, timeout=5).json()

    @desk.experiment("outer")
    def outer():
        requests.get(site.url + "/first?q=1", timeout=5)
        return inner()

    outer()
    requests.get(site.url + "/after", timeout=5)

    job = desk.job
    first, second = desk.exchanges(job)
    assert job.sent is True
    assert (first["method"], first["origin"], first["path"], first["query"]) == ("GET", site.url, "/first", "q=1")
    assert (second["method"], second["path"], second["body"], second["status"]) == ("PUT", "/inner", {"a": 1}, 200)
    assert (second["sent"], first["body"]) == (True, None)


def test_a_call_that_was_refused_was_not_sent(desk):
    """B does not make it either."""

    @desk.experiment("get")
    def get():
        return requests.get(unused_url(), timeout=5)

    with pytest.raises(requests.ConnectionError):
        get()

    assert desk.job.sent is False
    assert [exchange["sent"] for exchange in desk.exchanges(desk.job)] == [False]


def test_a_generators_exchanges_are_its_own(desk, site):
    """And those of its caller, between two items, are not."""

    @desk.experiment("pages")
    def pages():
        for n in range(2):
            requests.get(f"{site.url}/page/{n}", timeout=5)
            yield n

    for n in pages():
        requests.get(f"{site.url}/caller/{n}", timeout=5)

    assert [exchange["path"] for exchange in desk.exchanges(desk.job)] == ["/page/0", "/page/1"]


def test_a_thread_that_outlives_its_call_is_not_part_of_it(desk, site):
    """It took the call's context along."""
    import contextvars

    go_on = threading.Event()
    threads = []

    def later():
        go_on.wait(10)
        requests.get(site.url + "/later", timeout=5)

    @desk.experiment("start")
    def start():
        context = contextvars.copy_context()
        threads.append(threading.Thread(target=context.run, args=(later,)))
        threads[0].start()

    start()
    go_on.set()
    threads[0].join()

    assert desk.exchanges(desk.job) == []
    assert [path for _, path, _ in site.seen] == ["/later"]


def test_one_outside_the_sample_is_not_observed(site, desk):
    """Nothing of it is kept."""
    get = desk.experiment("get", sample=0.0)(lambda: requests.get(site.url, timeout=5).status_code)

    assert get() == 200
    assert desk.accounts == (1, 0, {}, 0)


def test_exchanges_that_are_too_many_to_keep_are_kept_without_their_bodies(desk, site):
    """Each is within the bounds; together they are not."""
    desk.sidecar.codec.max_bytes = 20_000

    @desk.experiment("put")
    def put():
        for _ in range(8):
            requests.put(site.url, json={"a": "x" * 5_000}, timeout=5)

    put()

    bodies = [exchange["body"] for exchange in desk.exchanges(desk.job)]
    assert [set(body) for body in bodies] == [{"size", "sha256"}] * 8
    assert bodies[0] == bodies[1]


def test_a_compressed_body_is_compared_by_what_is_in_it(desk, site):
    """Compressing twice gives other bytes, because they carry a time."""

    @desk.experiment("put")
    def put(mtime):
        body = gzip.compress(b'{"a": 1}', mtime=mtime)
        requests.put(site.url, data=body, headers={"Content-Encoding": "gzip"}, timeout=5)

    put(1)
    put(2)

    assert [desk.exchanges(job)[0]["body"] for job in desk.jobs] == [{"a": 1}] * 2
