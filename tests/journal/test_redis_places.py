"""Where Redis stands: behind TLS, behind Sentinels, in a cluster."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from sidecar_science.errors import JournalError, JournalFull, JournalUnavailable, UsageError
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import Entry, Settlement
from sidecar_science.journal.redis import ClusterLink, Link, connect, open_journal, open_log
from sidecar_science.journal.redis_cluster import slot_of
from tests.journal.steps import fill, joined, owned, taken, texts
from tests.servers import Cluster, Watched, start_with_tls
from tests.twins import real_twin

pytestmark = pytest.mark.realserver

ENTRY = Entry(partition=0, data=b"x")


@attrs.frozen
class _Secured:
    server: EmbeddedServer
    folder: Path

    def url(self, *, host: str = "localhost", ca: str | None = "ca", client: str | None = "client") -> str:
        words = [f"ssl_ca_certs={self.folder}/{ca}.pem"] if ca else []
        if client:
            words += [f"ssl_certfile={self.folder}/{client}.pem", f"ssl_keyfile={self.folder}/{client}.key"]
        return f"rediss://{host}:{self.server.port + 1}/0?" + "&".join(words)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Secured]:
    """A server that wants to see certificates."""
    folder = tmp_path_factory.mktemp("tls")
    with start_with_tls(folder) as server:
        yield _Secured(server, folder)


def test_both_sides_work_over_tls_with_certificates(secured: _Secured) -> None:
    """Authority, certificate and key are named in the URL."""
    twin = real_twin(secured.url())
    journal = joined(twin)
    fill(twin, "a")
    lease = owned(journal)

    journal.settle(lease, [Settlement(entry=each.entry) for each in taken(journal, lease)])

    assert journal.accounts().settled == 1


@pytest.mark.parametrize(
    "wrong",
    [{"client": None}, {"ca": None}, {"ca": "stranger"}, {"client": "stranger"}, {"host": "127.0.0.1"}],
    ids=["no certificate", "no authority", "another authority", "a stranger's certificate", "another host's name"],
)
def test_what_cannot_be_verified_is_refused(secured: _Secured, wrong: dict[str, str]) -> None:
    """Neither side speaks to somebody who cannot show who it is."""
    with pytest.raises(JournalError):
        open_log(secured.url(**wrong), "n", partitions=3).append([ENTRY])


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://127.0.0.1:1",
        "redis+sentinel://127.0.0.1:x/main",
        "redis+sentinel://127.0.0.1:1/main/five",
        "redis+cluster://127.0.0.1:1/5",
        "redis+cluster://127.0.0.1:1,/0",
        "redis+other://127.0.0.1:1/0",
    ],
)
def test_a_url_of_several_servers_that_cannot_be_is_refused(url: str) -> None:
    """What is missing or wrong in it is told when it is given."""
    with pytest.raises(UsageError, match="the Redis URL cannot be used"):
        connect(url)


def test_sentinels_that_do_not_answer_mean_unavailable() -> None:
    """Nobody there to ask is tried again later, and costs no longer than connecting."""
    for scheme in ("redis", "rediss"):
        link = connect(f"{scheme}+sentinel://user:pw@127.0.0.1:1,127.0.0.1:2/main/0", connect_timeout=0.2)
        with pytest.raises(JournalUnavailable):
            link.command("PING")


@pytest.mark.faults  # a failover takes as long as the machine lets it
def test_the_primary_is_found_and_found_again_after_a_failover(tmp_path: Path) -> None:
    """When the primary dies, the next tries reach the one that the Sentinel names then; connecting is ours alone."""
    inside: list[str] = []

    class Own:
        def __enter__(self) -> None:
            inside.append("in")

        def __exit__(self, *_: object) -> None:
            inside.append("out")

    with Watched(tmp_path) as watched:
        log = open_log(watched.url, "n", partitions=3)
        log.append([ENTRY])
        journal = open_journal(watched.url, "n", "b", partitions=3, own=Own)
        journal.join()
        assert inside == ["in", "out"]
        assert connect(watched.primary.url, socket_timeout=5.0).command("WAIT", 1, 3000) == 1
        os.kill(watched.primary.pid, signal.SIGKILL)

        deadline, tries = time.monotonic() + 30, 0
        while time.monotonic() < deadline:
            tries += 1
            try:
                log.append([ENTRY])
                break
            except JournalUnavailable:
                time.sleep(0.1)

        assert tries > 1
        assert log.size().entries >= 1
        assert journal.environments()


def test_a_key_is_in_the_slot_that_the_cluster_says(redis_cluster: Cluster) -> None:
    """Slots are computed as the servers do, hash tags included."""
    keys = [Keys("n").jobs(7), Keys("n").meta, "plain", "{}empty", "{open", "x{a}{b}", "ümläut"]
    link = connect(redis_cluster.servers[0].url)

    assert [slot_of(key) for key in keys] == [link.command("CLUSTER", "KEYSLOT", key) for key in keys]


def test_the_partitions_are_spread_over_the_servers(redis_cluster: Cluster) -> None:
    """Every server has some of 64 partitions, and one batch reaches them all, in order within each."""
    log = open_log(redis_cluster.url, "spread", partitions=64)
    log.append([Entry(partition=n % 64, data=b"%d" % n) for n in range(192)])
    sizes = [connect(server.url).command("DBSIZE") for server in redis_cluster.servers]

    journal = open_journal(redis_cluster.url, "spread", "b", partitions=64)

    assert log.size().entries == 192
    assert all(size > 5 for size in sizes)
    assert {each.partition for each in journal.peek(192)} == set(range(64))
    journal.join()
    leases = [owned(journal, partition=n) for n in (3, 4, 5)]
    assert [int(text) for text in texts(journal.claim(leases[:1], 10))] == [3, 67, 131]


def test_a_server_that_is_full_refuses_its_share_alone(tmp_path: Path) -> None:
    """Sending the batch again appends what is missing, and what came twice is recognized by its sequence."""
    with Cluster(tmp_path) as cluster:
        log = open_log(cluster.url, "n", partitions=3)
        full = connect(cluster.servers[0].url)
        full.command("CONFIG", "SET", "maxmemory", 1)
        batch = [Entry(partition=n, data=b"%d" % n) for n in range(3)]

        with pytest.raises(JournalFull):
            for n in range(64):
                open_log(cluster.url, f"n{n}", partitions=3).append(batch)

        full.command("CONFIG", "SET", "maxmemory", 0)
        log.append(batch)
        assert log.size().entries == 3


def test_slots_that_have_moved_are_found_again(tmp_path: Path) -> None:
    """Another server has the slot now: one try fails, and the next goes there."""
    with Cluster(tmp_path) as cluster:
        log = open_log(cluster.url, "n", partitions=3)
        log.ensure()
        key = Keys("n").jobs(1)
        slot = slot_of(key)
        links = [connect(server.url) for server in cluster.servers]
        target = next(link for link in links if not _has(link, key))
        chosen = target.command("CLUSTER", "MYID")
        for link in [target, *(each for each in links if each is not target)]:
            link.command("CLUSTER", "SETSLOT", slot, "NODE", chosen)

        with pytest.raises(JournalUnavailable, match="another node of the cluster"):
            log.append([Entry(partition=1, data=b"x")])
        log.append([Entry(partition=1, data=b"x")])

        assert log.size().entries == 1


def _has(link: Link, key: str) -> bool:
    """Whether the server itself answers for a key."""
    try:
        link.command("EXISTS", key)
    except JournalError:
        return False
    return True


def test_a_cluster_that_is_not_there_is_unavailable() -> None:
    """None of the servers answers, or none is part of a cluster that is whole."""
    with pytest.raises(JournalUnavailable):
        connect("redis+cluster://127.0.0.1:1,127.0.0.1:2").command("PING")
    with pytest.raises(JournalUnavailable, match="no server of the cluster"):
        ClusterLink([], lambda address: connect("redis://127.0.0.1:1")).command("PING")


def test_a_cluster_with_a_hole_is_unavailable(redis_cluster: Cluster) -> None:
    """A part of the slots is no journal."""

    class Half(Link):
        def command(self, *words: object) -> object:
            return [[0, 100, [b"", 7000]]]

    link = ClusterLink([("127.0.0.1", 1)], lambda address: Half(None))

    with pytest.raises(JournalUnavailable, match="does not cover all of its slots"):
        link.run("renew", ["sidecar:{n:01}:lease:b"], "w", 1)


def test_a_single_server_says_what_to_write_for_a_cluster(redis_cluster: Cluster) -> None:
    """A plain URL of one of its servers works for none of the others' keys, and the error says how it would."""
    with pytest.raises(JournalError, match=r"redis\+cluster://"):
        open_log(redis_cluster.servers[0].url, "n", partitions=64).append(
            [Entry(partition=n, data=b"x") for n in range(64)]
        )
