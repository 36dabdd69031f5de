"""What a server tells of itself, as far as it may be asked."""

from __future__ import annotations

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.health import look
from sidecar_science.journal.redis import connect
from tests.servers import start_redis, start_valkey

pytestmark = pytest.mark.realserver


def test_a_servers_facts_are_read() -> None:
    """Version, policy, persistence and the distance of its clock are what a doctor wants to know."""
    with start_redis(maxmemory_policy="allkeys-lru", appendonly="no", save="60 1", maxmemory="8mb") as server:
        health = look(server.url, SYSTEM_CLOCK)

    assert health.version.count(".") == 2
    assert (health.policy, health.append_only, health.snapshots) == ("allkeys-lru", "no", "60 1")
    assert health.maxmemory == "8388608"
    assert abs(health.clock_ahead) < 1.0
    assert 0.0 < health.round_trip < 1.0


def test_a_valkey_server_tells_its_own_version() -> None:
    """Valkey calls itself Redis 7.2 for old clients; what counts is what it is."""
    with start_valkey() as server:
        assert int(look(server.url, SYSTEM_CLOCK).version.partition(".")[0]) >= 8


def test_what_a_user_may_not_ask_stays_empty() -> None:
    """A producer's rights do not reach to the settings, and that is no error."""
    with start_valkey() as server:
        connect(server.url).command("ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-config")

        health = look(f"redis://app:pw@127.0.0.1:{server.port}", SYSTEM_CLOCK)

    assert (health.policy, health.maxmemory) == ("", "")
    assert health.version


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    """There is nothing to tell of a server that is not there."""
    with start_valkey() as server:
        url = server.url

    with pytest.raises(JournalUnavailable):
        look(url, SYSTEM_CLOCK)
