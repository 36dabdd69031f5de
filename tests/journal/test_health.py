"""What a server tells of itself, as far as it may be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import JournalUnavailable
from sidecar_science.journal.health import Health, Problem, check, look, problems
from sidecar_science.journal.redis import connect
from tests.servers import Cluster, start_redis, start_valkey

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


def _health(**known: str) -> Health:
    usual = {"version": "7.0.15", "policy": "noeviction", "append_only": "yes", "snapshots": "", "maxmemory": "0"}
    return Health(**{**usual, **known}, clock_ahead=0.0, round_trip=0.001)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "fatal", "words"),
    [
        ({"policy": "allkeys-lru"}, True, "maxmemory-policy is allkeys-lru"),
        ({"policy": "volatile-ttl"}, True, "maxmemory-policy is volatile-ttl"),
        ({"policy": ""}, False, "may not ask"),
        ({"version": "6.2.14"}, True, "version 6.2.14"),
        ({"append_only": "no"}, False, "it has lost everything"),
        ({"append_only": "no", "snapshots": "60 1"}, False, "since its last snapshot"),
    ],
)
def test_a_set_up_that_loses_jobs_is_a_problem(known: dict[str, str], fatal: bool, words: str) -> None:
    """Each problem says what is so, whether it is fatal, and what to do."""
    [problem] = problems(_health(**known))

    assert problem.fatal is fatal
    assert words in problem.what
    assert problem.remedy


@pytest.mark.parametrize("version", ["7.0.15", "8.1.1", "9.1.2", ""])
def test_a_good_set_up_has_no_problems(version: str) -> None:
    """Nothing is said of what is as it should be, or cannot be known."""
    assert problems(_health(version=version)) == []


def test_a_server_is_checked_by_its_url() -> None:
    """What throws jobs away comes first, then what loses them at a restart."""
    with start_redis(maxmemory_policy="allkeys-lru") as server:
        found = check(server.url)

    assert [(type(each), each.fatal) for each in found] == [(Problem, True), (Problem, False)]


def test_every_server_of_a_cluster_is_checked(tmp_path: Path) -> None:
    """One that throws keys away is enough to lose jobs, whichever it is; what all have in common is told once."""
    with Cluster(tmp_path) as cluster:
        connect(cluster.servers[2].url).command("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")

        found = check(cluster.url)

    assert [each.fatal for each in found] == [True, False]
    assert "allkeys-lfu" in found[0].what
