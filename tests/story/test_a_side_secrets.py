"""Secrets planted wherever a call can carry one: no byte of them reaches the journal, a log or the numbers."""

from __future__ import annotations

import base64
import contextlib
import logging

import pytest
import requests
from redis import Redis

from sidecar_science.checks.exchanges import observing
from sidecar_science.codec.envelope import open as open_envelope
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Secret
from sidecar_science.errors import Undecodable
from sidecar_science.sidecar import Sidecar
from tests.checks.site import Site
from tests.desk import Lines
from tests.recording.programs import PARTITIONS, Journal

pytestmark = pytest.mark.realserver

CANARY = "canary-5d41402a"


class App:
    """A client that is careless with its secrets in every way."""

    def __init__(self, journal, site, **options):
        self.lines = Lines()
        self.site = site
        self.sidecar = Sidecar(
            journal.namespace, redis_url=journal.url, partitions=PARTITIONS, logger=self.lines, **options
        )

    def record(self, function, *args, secrets=(), **kwargs):
        """Call it as an experiment; whatever it raises is its own."""
        name = f"call-{len(self.sidecar.experiments)}"
        recorded = self.sidecar.experiment(name, secrets=secrets, effect="read")(function)
        with contextlib.suppress(Exception):
            recorded(*args, **kwargs)
        return name


@pytest.fixture(scope="module")
def site():
    made = Site()
    yield made
    made.close()


@pytest.fixture
def journal(valkey_server):
    return Journal(valkey_server.url)


@pytest.fixture
def app(journal, site):
    made = App(journal, site)
    yield made
    made.sidecar.close(5.0)


def fail(text):
    raise ValueError(text)


# Each makes one call that has the canary somewhere, and repeats it somewhere else.
PLANTED = {
    "by place": lambda app: app.record(lambda user, password: f"hello {password}", "me", CANARY),
    "by keyword": lambda app: app.record(lambda user, token=None: {"echo": [token]}, "me", token=CANARY),
    "only by keyword": lambda app: app.record(lambda *, api_key: fail(api_key), api_key=CANARY),
    "nested": lambda app: app.record(lambda payload: payload, {"user": [{"apiKey": CANARY}, {"note": f"x{CANARY}x"}]}),
    "as a key": lambda app: app.record(lambda token, by_token: by_token, CANARY, {CANARY: {f"pre-{CANARY}": 1}}),
    "a name of one's own": lambda app: app.record(lambda nino: nino, CANARY, secrets=["nino"]),
    "a path": lambda app: app.record(lambda a: {"user": {"x": CANARY}, "again": CANARY}, 1, secrets=["$.user.x"]),
    "in bytes": lambda app: app.record(lambda secret: secret + b"!", CANARY.encode()),
    "in a tuple and a set": lambda app: app.record(lambda credentials: list(credentials), (CANARY, "me")),
    "beside an obstacle": lambda app: app.record(lambda session, password: f"for {password}", object(), CANARY),
    "below an obstacle": lambda app: app.record(
        lambda given: fail(given["password"]), {"o": object(), "password": CANARY}
    ),
    "a key of an obstacle": lambda app: app.record(lambda token, given: 1, CANARY, {CANARY: object()}),
    "an unregistered control": lambda app: science(app, lambda password: fail(f"no {password}"), CANARY),
    "an unregistered control's keyword": lambda app: science(app, lambda **given: given["password"], password=CANARY),
    "in the context": lambda app: science(app, lambda: 1, context={"session_id": CANARY, "note": CANARY}),
    "in a result": lambda app: app.record(lambda: {"access_token": CANARY, "url": f"/x/{CANARY}"}),
    "in an item": lambda app: consume(app, lambda: ({"token": CANARY, "n": n, "t": f"<{CANARY}>"} for n in range(2))),
    "in an error's body": lambda app: app.record(lambda: fail_with_body({"token": CANARY, "text": CANARY})),
    "in a header": lambda app: app.record(
        lambda: requests.get(app.site.url, headers={"Authorization": f"Bearer {CANARY}"}, timeout=5) and CANARY
    ),
    "in another header": lambda app: app.record(
        lambda: requests.get(app.site.url, headers={"X-Api-Key": CANARY}, timeout=5) and fail(CANARY)
    ),
    "in a cookie": lambda app: app.record(
        lambda: requests.get(app.site.url, cookies={"sid": CANARY}, timeout=5) and f"you are {CANARY}"
    ),
    "as a user's password": lambda app: app.record(
        lambda: requests.get(app.site.url, auth=("me", CANARY), timeout=5) and CANARY
    ),
    "in the address": lambda app: app.record(
        lambda url: requests.get(url, timeout=5) and url, app.site.url.replace("//", f"//me:{CANARY}@")
    ),
    "in the query": lambda app: app.record(
        lambda url: requests.get(url, timeout=5).url, f"{app.site.url}/a?b=c&access_token={CANARY}"
    ),
    "in the query of a failing request": lambda app: app.record(
        lambda: requests.get(f"http://127.0.0.1:1/a?token={CANARY}", timeout=5)
    ),
    "in a query that nobody sends": lambda app: app.record(lambda: fail(f"GET https://x/?api_key={CANARY} failed")),
    "in a link": lambda app: app.record(lambda: {"download": f"https://files/a?X-Amz-Signature={CANARY}&x=1"}),
    "in credentials of a link": lambda app: app.record(lambda: fail(f"cannot reach postgres://me:{CANARY}@db/x")),
    "in a JSON body": lambda app: app.record(
        lambda: requests.post(app.site.url, json={"user": {"password": CANARY}}, timeout=5) and CANARY
    ),
    "in a form": lambda app: app.record(
        lambda: requests.post(app.site.url, data={"user[password]": CANARY, "a": "b"}, timeout=5) and CANARY
    ),
    "in a multipart body": lambda app: app.record(
        lambda: requests.post(app.site.url, files={"password": (None, CANARY), "f": "x"}, timeout=5) and CANARY
    ),
    "in a path of the service": lambda app: app.record(
        lambda token: requests.get(f"{app.site.url}/reset/{token}/now", timeout=5) and 1, CANARY
    ),
    "as base64": lambda app: app.record(
        lambda password: base64.b64encode(f"me:{password}".encode()).decode(), CANARY
    ),
}  # fmt: skip


class WithBody(Exception):
    def __init__(self, body):
        super().__init__(str(body))
        self.body = body


def fail_with_body(body):
    raise WithBody(body)


def consume(app, function):
    name = f"call-{len(app.sidecar.experiments)}"
    list(app.sidecar.experiment(name, effect="read")(function)())
    return name


def science(app, function, *args, context=None, **kwargs):
    name = f"call-{len(app.sidecar.experiments)}"
    app.sidecar.experiment(name, effect="read")
    with contextlib.suppress(Exception), app.sidecar.science(name) as e:
        e.context(context or {})
        e.use(function, *args, **kwargs)
    return name


def held(url, namespace):
    """Every byte that Redis holds for the namespace, and the insides of every envelope: those may be compressed."""
    redis = Redis.from_url(url)
    found = []
    for name in redis.keys(f"*{{{namespace}*"):
        found += [name, redis.dump(name)]
        if redis.type(name) == b"stream":
            found += [value for _, fields in redis.xrange(name) for value in fields.values()]
        if redis.type(name) == b"hash":
            found += [value for pair in redis.hgetall(name).items() for value in pair]
    return found


def insides(found, namespace):
    for value in found:
        with contextlib.suppress(Undecodable):
            envelope = open_envelope(value, Keyring(namespace=namespace))
            yield from (envelope.header, envelope.body)


def spelled(secret):
    raw = secret.encode()
    return [raw, base64.b64encode(raw)[:-4], base64.b64encode(b"me:" + raw)[4:-4], raw.hex().encode()]


@pytest.mark.parametrize("place", PLANTED)
def test_a_secret_is_found_nowhere(app, journal, caplog, place):
    """Wherever it was planted, and wherever it was repeated."""
    with caplog.at_level(logging.DEBUG):
        name = PLANTED[place](app)
        assert app.sidecar.flush(20.0)

    stats = app.sidecar.stats()
    found = held(journal.url, journal.namespace)
    whole = b"\n".join([*found, *insides(found, journal.namespace)])
    said = f"{app.lines.told} {stats}" + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("sidecar")
    )
    # It has to be there, or we would have found nothing in nothing.
    assert [job.experiment for job in journal.jobs] == [name]
    assert [form for form in spelled(CANARY) if form in whole] == []
    assert CANARY not in said


def test_the_canaries_would_be_found(app, journal):
    """Under a name that is no secret's, it is there: the search is not blind."""
    app.record(lambda title: {"text": title}, CANARY)
    assert app.sidecar.flush(20.0)

    found = held(journal.url, journal.namespace)
    assert any(CANARY.encode() in value for value in insides(found, journal.namespace))


def test_equal_secrets_have_equal_fingerprints(app, journal):
    """In arguments, results and bodies; another secret has another one, and so has another key."""

    def send(password):
        with observing():
            pass
        requests.post(app.site.url, json={"password": password}, timeout=5)
        return {"password": password}

    for password in (CANARY, CANARY, "another one"):
        app.record(send, password)
    assert app.sidecar.flush(20.0)

    codec = app.sidecar.codec
    prints = []
    for job in journal.jobs:
        argument = codec.decode(job.calls[0].arguments)[0][0]
        value = codec.decode(job.value)["password"]
        body = codec.decode(job.exchanges)[0]["body"]["password"]
        assert isinstance(argument, Secret)
        assert argument == value == body
        prints.append(argument.fingerprint)
    assert prints[0] == prints[1] != prints[2]
    assert Keyring(["k" * 32], namespace=journal.namespace).fingerprint(b"x") != app.sidecar.keyring.fingerprint(b"x")


@pytest.mark.parametrize("place", ["nested", "in the address", "as a key"])
def test_arguments_that_were_cut_are_not_replayable(app, journal, place):
    """B must not be called with a mark in the middle of a text, least of all to write."""
    PLANTED[place](app)
    assert app.sidecar.flush(20.0)

    [call] = journal.jobs[0].calls
    assert call.arguments is None
    assert "a secret is part of longer text in the arguments" in call.obstacle


@pytest.mark.parametrize("place", ["by place", "by keyword", "a name of one's own"])
def test_arguments_that_hold_secrets_by_name_are_replayable(app, journal, place):
    """B's own are put in their place."""
    PLANTED[place](app)
    assert app.sidecar.flush(20.0)

    [call] = journal.jobs[0].calls
    assert call.obstacle is None
    assert "secret" in str(app.sidecar.codec.decode(call.arguments)).lower()
