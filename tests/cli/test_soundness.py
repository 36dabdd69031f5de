"""A server that may lose jobs in silence is refused, and whoever insists is warned."""

from __future__ import annotations

import contextlib

import pytest

from sidecar_science.cli.soundness import check_server
from sidecar_science.errors import UsageError
from sidecar_science.journal.redis import connect
from tests.servers import start_redis
from tests.worker.bench import Events

pytestmark = pytest.mark.realserver


def checked(server, *, forced=False, url=None):
    """What is said of ``server``."""
    events, entered = Events(), []

    @contextlib.contextmanager
    def own():
        entered.append(True)
        yield

    check_server(url or server.url, events, own=own, forced=forced)
    assert entered == [True]
    return events


def test_a_server_that_throws_keys_away_is_refused():
    """Everything would run, and jobs would be gone."""
    with start_redis(maxmemory_policy="allkeys-lru", appendonly="yes") as server:
        with pytest.raises(UsageError, match="allkeys-lru.*noeviction.*--force-unsafe-redis"):
            checked(server)

        events = checked(server, forced=True)

    assert [told["what"][:28] for told in events.of("redis.unsound")] == ["maxmemory-policy is allkeys-"]


def test_a_server_that_keeps_nothing_on_disk_is_warned_of():
    """It loses something only when it is restarted."""
    with start_redis(appendonly="no", save="") as server:
        events = checked(server)

    [told] = events.of("redis.unsound")
    assert "append-only" in told["what"]
    assert "appendonly yes" in told["remedy"]


def test_a_server_as_it_should_be_is_not_spoken_of():
    """There is nothing to say."""
    with start_redis(appendonly="yes") as server:
        assert checked(server).all == []


def test_a_user_who_may_not_ask_is_told_so():
    """The worker starts: it may be all right."""
    with start_redis(appendonly="yes") as server:
        connect(server.url).command("ACL", "SETUSER", "w", "on", ">pw", "~*", "+@all", "-info")

        events = checked(server, url=f"redis://w:pw@127.0.0.1:{server.port}")

    assert events.names == ["redis.unchecked"]
