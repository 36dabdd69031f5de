"""Redis hung, gone, full, read-only or closed to us: every call returns as usual, and later all goes on by itself."""

from __future__ import annotations

import os
import signal
import time

import pytest
from redis import Redis

from sidecar_science.sidecar import Sidecar
from tests.desk import Lines, until
from tests.recording.programs import PARTITIONS, Journal, told_once
from tests.servers import Proxy, start_valkey

pytestmark = pytest.mark.realserver

CALLS = 40
SIZE = 2_000


class App:
    """An application's sidecar, with a buffer that holds a few calls, and its method."""

    def __init__(self, url, namespace, **options):
        self.lines = Lines()
        self.sidecar = Sidecar(
            namespace, redis_url=url, partitions=PARTITIONS, buffer_bytes=40_000, logger=self.lines, **options
        )
        self.get = self.sidecar.experiment("get", key="n", service="s")(lambda n, payload="": n)

    def call(self, numbers=range(CALLS)):
        """Call, and hold every call to what it gives and to the time that it takes."""
        for n in numbers:
            start = time.monotonic()
            assert self.get(n, "x" * SIZE) == n
            # The default client would hold this up for a minute.
            assert time.monotonic() - start < 5.0

    @property
    def accounts(self):
        stats = self.sidecar.stats()
        dropped = sum(stats["dropped"].values())
        assert stats["called"] == stats["sampled_out"] + stats["recorded"] + dropped + stats["buffered"]
        return stats

    def drops(self, reason, state="JournalUnavailable"):
        """Call until the trouble is noticed, and the buffer is full of what cannot be shipped."""
        self.call()
        noticed = until(lambda: state in self.states())
        self.call()
        return noticed and self.accounts["dropped"].get(reason, 0) > 0

    def recovers(self):
        """By itself, without being told to."""
        return until(lambda: self.accounts["buffered"] == 0, 20.0)

    def states(self):
        return {told["state"] for event, told in self.lines.told if event == "journal.trouble"}


@pytest.fixture
def server():
    with start_valkey() as made:
        yield made


@pytest.fixture
def journal(server):
    return Journal(server.url)


@pytest.fixture
def app(journal):
    made = App(journal.url, journal.namespace)
    yield made
    made.sidecar.close(0.1)


def hold_to_account(app, journal, *, duplicates=False):
    """Nothing is lost that is not counted, and nothing is there that is not counted either."""
    accounts = app.accounts
    jobs = journal.jobs
    assert accounts["called"] == accounts["recorded"] + sum(accounts["dropped"].values())
    assert len({job.id for job in jobs}) == accounts["recorded"]
    assert duplicates or told_once(jobs)


def test_redis_hangs(app, server, journal):
    """Stopped while it is used: the buffer fills, the rest is dropped, and what was under way arrives once."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        dropped = app.drops("buffer_full")
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert dropped
    assert app.recovers()
    # A reply that came too late: its batch was sent again, and is recognized by who reads it.
    hold_to_account(app, journal, duplicates=True)
    assert set(app.accounts["dropped"]) == {"buffer_full"}


def test_redis_is_gone_and_comes_back(app, server, journal):
    """Refused; then there is another server on the same port."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    port = server.port
    server.stop()
    assert app.drops("buffer_full")

    with start_valkey(port=port):
        assert app.recovers()
        again = Journal(journal.url)
        again.namespace = journal.namespace
        assert len(again.jobs) == app.accounts["recorded"] - 1
        assert told_once(again.jobs)


def test_redis_swallows_what_it_is_sent(server, journal):
    """A network that drops everything in between: nothing is refused, and nothing comes back."""
    with Proxy(server.port) as proxy:
        app = App(proxy.url, journal.namespace)
        app.call([0])
        assert app.sidecar.flush(10.0)
        proxy.mode = "blackhole"
        dropped = app.drops("buffer_full")
        proxy.mode = "pass"

        assert dropped
        assert app.recovers()
        hold_to_account(app, journal, duplicates=True)
        app.sidecar.close(1.0)


def test_replies_are_lost(server, journal):
    """What was written is written again: the very same bytes, so that a reader can tell."""
    with Proxy(server.port) as proxy:
        app = App(proxy.url, journal.namespace)
        app.call([0])
        assert app.sidecar.flush(10.0)
        proxy.mode = "drop_replies"
        app.call([1, 2, 3])
        assert until(lambda: "JournalUnavailable" in app.states())
        proxy.mode = "pass"

        assert app.recovers()
        entries = [(entry.partition, entry.data) for entry in journal.journal.peek(1000)]
        assert (len(set(entries)), len(entries)) == (4, 7)
        assert app.accounts["recorded"] == 4
        app.sidecar.close(1.0)


def test_redis_is_full(app, server, journal):
    """``maxmemory`` with ``noeviction``: it says no to every write, and drops are counted as such."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    redis = Redis.from_url(server.url)
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", 1)
    dropped = app.drops("journal_full", "JournalFull")
    redis.config_set("maxmemory", 0)

    assert dropped
    assert app.recovers()
    hold_to_account(app, journal)
    assert set(app.accounts["dropped"]) <= {"journal_full", "buffer_full"}


def test_the_journal_is_at_its_cap(server, journal):
    """Nobody reads it; when somebody has, it goes on."""
    app = App(journal.url, journal.namespace, cap_entries=3)
    app.call([0, 1, 2])
    assert app.sidecar.flush(10.0)
    time.sleep(1.1)  # the size is looked at once a second
    assert app.drops("journal_full", "JournalFull")

    redis = Redis.from_url(server.url)
    for key in redis.keys("*jobs"):
        redis.delete(key)
    app.sidecar.recorder._shipper._cap_entries = 1000
    assert app.recovers()
    app.sidecar.close(1.0)


def test_redis_has_become_a_replica(app, server, journal):
    """It refuses writes until it is told otherwise; its failover may mean another server at the same address."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    redis = Redis.from_url(server.url)
    redis.replicaof("127.0.0.1", 1)
    dropped = app.drops("buffer_full")
    redis.replicaof("no", "one")

    assert dropped
    assert app.recovers()
    hold_to_account(app, journal)


def test_redis_wants_a_password_all_of_a_sudden(app, server, journal):
    """And then no more."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    redis = Redis.from_url(server.url)
    redis.config_set("requirepass", "let-me-in")
    redis.execute_command("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
    dropped = app.drops("buffer_full", "JournalMisconfigured")
    Redis.from_url(server.url, password="let-me-in").config_set("requirepass", "")

    assert dropped
    assert app.sidecar.flush(20.0)
    hold_to_account(app, journal)


def test_we_may_not_write(app, server, journal):
    """The access list forbids it, until it is mended."""
    app.call([0])
    assert app.sidecar.flush(10.0)
    redis = Redis.from_url(server.url)
    redis.execute_command("ACL", "SETUSER", "default", "-xadd")
    dropped = app.drops("buffer_full", "JournalMisconfigured")
    redis.execute_command("ACL", "SETUSER", "default", "+xadd")

    assert dropped
    assert "has no permissions" in str(app.lines.told)
    assert app.sidecar.flush(20.0)
    hold_to_account(app, journal)


def test_somebody_elses_key_is_in_the_way(app, server, journal):
    """Another program uses one of ours: the others of its batch arrive, and no more often than need be."""
    app.call(range(20))
    assert app.sidecar.flush(10.0)
    redis = Redis.from_url(server.url)
    stream = min(redis.keys("*jobs"))
    redis.rename(stream, "aside")
    redis.set(stream, "mine")
    dropped = app.drops("buffer_full", "JournalMisconfigured")
    redis.rename("aside", stream)

    assert dropped
    assert app.sidecar.flush(20.0)
    hold_to_account(app, journal, duplicates=True)


def test_there_are_no_connections_left(app, server, journal):
    """``maxclients``: refused with a word instead of a reset."""
    redis = Redis.from_url(server.url)
    redis.ping()
    redis.config_set("maxclients", 1)
    app.call([0])
    assert until(lambda: app.states() == {"JournalUnavailable"})
    redis.config_set("maxclients", 1000)

    assert app.recovers()
    hold_to_account(app, journal)


def test_the_namespace_has_another_layout(server, journal):
    """Somebody else has laid it out with other partitions: not a single job is written into it."""
    first = App(journal.url, journal.namespace)
    first.call([0])
    assert first.sidecar.flush(10.0)
    other = Sidecar(journal.namespace, redis_url=journal.url, partitions=PARTITIONS * 2, logger=Lines())
    other.experiment("get")(lambda: 1)()

    assert other.flush(0.5) is False
    assert len(journal.jobs) == 1
    assert other.stats()["buffered"] == 1
    first.sidecar.close(1.0)
    other.close(0.0)


def test_a_backlog_goes_out_in_order_when_redis_is_back(app, server, journal):
    """What one entity has been through arrives as it happened."""
    app.sidecar.recorder.buffer.capacity = 10_000_000
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for n in range(300):
            app.get("entity", n)
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert app.recovers()
    seen = []
    for job in journal.journal.peek(10_000):
        if job.data not in seen:
            seen.append(job.data)
    arguments = [app.sidecar.codec.decode(job.calls[0].arguments)[0] for job in journal.jobs]
    numbers = [number for _, number in dict.fromkeys(map(tuple, arguments))]
    assert numbers == list(range(300))
    assert len(seen) == 300
