"""What each refusal of Redis means to us, by the real thing where one can be had, and by its words elsewhere."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from redis import exceptions

from sidecar_science.errors import (
    JournalError,
    JournalFull,
    JournalMisconfigured,
    JournalUnavailable,
    LeaseLost,
    NeverJoined,
)
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import Entry, Settlement
from sidecar_science.journal.redis import connect, open_journal, open_log, translate
from tests.journal.steps import fill, owned, taken
from tests.servers import Proxy, start_redis, start_valkey
from tests.twins import RedisTwin, real_twin

pytestmark = pytest.mark.realserver

ENTRY = Entry(partition=0, data=b"payload-canary")


@pytest.fixture(params=["valkey", "redis"])
def own_server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server that a test may harm."""
    with (start_valkey if request.param == "valkey" else start_redis)() as server:
        yield server


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), JournalFull),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left"), JournalUnavailable),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), JournalUnavailable),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), JournalUnavailable),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), JournalUnavailable),
        (exceptions.ClusterDownError("The cluster is down"), JournalUnavailable),
        (exceptions.ResponseError("BUSY Redis is busy running a script."), JournalUnavailable),
        (exceptions.ResponseError("UNBLOCKED the stream key no longer exists"), JournalUnavailable),
        (exceptions.TimeoutError("Timeout reading from socket"), JournalUnavailable),
        (exceptions.ConnectionError("max number of clients reached"), JournalUnavailable),
        (exceptions.InvalidResponse("Protocol Error"), JournalUnavailable),
        (BrokenPipeError("Broken pipe"), JournalUnavailable),
        (TimeoutError(), JournalUnavailable),
        (exceptions.AuthenticationError("Authentication required."), JournalMisconfigured),
        (exceptions.NoPermissionError("this user has no permissions"), JournalMisconfigured),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), JournalMisconfigured),
        (exceptions.ResponseError("NOGROUP No such key"), NeverJoined),
        (exceptions.MovedError("1 127.0.0.1:7000"), JournalMisconfigured),
        (exceptions.ResponseError("ERR unknown command 'XADD'"), JournalMisconfigured),
        (exceptions.DataError("Invalid input"), JournalMisconfigured),
        (exceptions.ResponseError("LEASELOST another worker"), LeaseLost),
        (exceptions.ResponseError("Error running script: @user_script:3: NOGROUP No such key"), NeverJoined),
    ],
)
def test_every_refusal_has_one_meaning(error: Exception, ours: type[JournalError]) -> None:
    """Try again, wait for room, or mend something: the caller needs no word of Redis to know."""
    assert type(translate(error)) is ours
    assert str(translate(error)).startswith("Redis: ")


def test_an_error_quotes_no_command() -> None:
    """redis-py puts the failed command, with its payload, in front of the reason; ours has the reason alone."""
    error = exceptions.OutOfMemoryError("Command # 1 (XADD k * e canary) of pipeline caused error: no room")

    assert str(translate(error)) == "Redis: no room"


def test_a_full_server_refuses_appending_and_lets_jobs_be_settled(own_server: EmbeddedServer) -> None:
    """Out of memory nothing is written by the A side, and the B side drains what there is, from claim to settle."""
    twin = real_twin(own_server.url)
    journal = twin.journal()
    journal.join()
    twin.log().append([Entry(partition=n % 3, data=b"x" * 6000) for n in range(300)])
    used = twin.link.command("INFO", "memory")["used_memory"]
    twin.link.command("CONFIG", "SET", "maxmemory", used - 100_000)

    with pytest.raises(JournalFull) as refused:
        twin.log().append([ENTRY, ENTRY])
    assert "canary" not in repr(refused.value)
    assert twin.held() == 300

    journal = twin.journal()
    assert not journal.join(epoch="e2").new
    assert journal.beat("w1", partitions=3, ttl=60) == 1
    journal.configure("enabled", "0")
    for partition in range(3):
        lease = owned(journal, partition=partition)
        for claimed in taken(journal, lease):
            assert journal.start(lease, claimed.entry, limit=1).go
            journal.renew([lease], 60)
            journal.settle(lease, [Settlement(entry=claimed.entry, add={"n": 1})])
    assert journal.accounts().settled == 300
    twin.log().append([ENTRY])


def test_a_new_environment_can_drain_a_full_server(own_server: EmbeddedServer) -> None:
    """A journal that filled up before any worker came is joined and freed all the same."""
    twin = real_twin(own_server.url)
    twin.log().ensure()
    twin.log().append([Entry(partition=1, data=b"x" * 2000) for _ in range(200)])
    used = twin.link.command("INFO", "memory")["used_memory"]
    twin.link.command("CONFIG", "SET", "maxmemory", used - 100_000)
    journal = twin.journal()

    assert journal.join(twin.now() - 60).new
    lease = owned(journal)
    for claimed in taken(journal, lease):
        journal.bury(lease, claimed.entry, "poison", b"")

    assert (journal.accounts().dead, journal.accounts().before_start) == (100, 0)


def test_a_hung_server_holds_nobody_longer_than_the_timeout(own_server: EmbeddedServer) -> None:
    """A stopped server costs one timeout, once, and everything goes on when it answers again."""
    log = open_log(own_server.url, "n", partitions=3, socket_timeout=0.3)
    log.append([ENTRY])
    os.kill(own_server.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(JournalUnavailable):
            log.append([ENTRY])
        took = time.monotonic() - began
    finally:
        os.kill(own_server.pid, signal.SIGCONT)

    assert 0.25 < took < 1.0
    log.append([ENTRY])
    assert log.size().entries in (2, 3)


def test_a_server_that_is_gone_is_unavailable_and_comes_back() -> None:
    """Refused connections are told at once, and a restart is found without a new log."""
    with start_valkey() as server:
        port, log = server.port, open_log(server.url, "n", partitions=3)
        log.append([ENTRY])

    began = time.monotonic()
    with pytest.raises(JournalUnavailable, match=r"refused|closed"):
        log.append([ENTRY])
    assert time.monotonic() - began < 1.0

    with start_valkey(port=port):
        log.append([ENTRY])
        assert log.size().entries == 1


def test_a_write_whose_reply_is_lost_is_sent_once(valkey_server: EmbeddedServer) -> None:
    """Nothing below us tries again: a second copy is the caller's to send, and to be recognized."""
    with Proxy(valkey_server.port) as proxy:
        log = open_log(proxy.url, "lost-reply", partitions=3, socket_timeout=0.2)
        log.append([ENTRY])
        proxy.mode = "drop_replies"

        with pytest.raises(JournalUnavailable):
            log.append([ENTRY])

        proxy.mode = "pass"
        assert log.size().entries == 2


def test_a_claim_whose_reply_is_lost_is_given_again(valkey_server: EmbeddedServer) -> None:
    """Entries that were given out in a reply that never came are not stranded."""
    twin = real_twin(valkey_server.url)
    with Proxy(valkey_server.port) as proxy:
        journal = open_journal(proxy.url, twin.namespace, "b", partitions=3, socket_timeout=0.2)
        journal.join()
        lease = owned(journal)
        assert journal.claim([lease], 10) == []
        fill(twin, "a")
        proxy.mode = "drop_replies"
        with pytest.raises(JournalUnavailable):
            journal.recover(lease)
        with pytest.raises(JournalUnavailable):
            journal.claim([lease], 10)
        proxy.mode = "pass"

        assert [each.data for each in journal.claim([lease], 10)] == [b"a"]


def test_a_read_only_replica_is_unavailable_and_its_connections_are_dropped(own_server: EmbeddedServer) -> None:
    """After a failover the old connection is of no use: the next try makes a new one."""
    twin = real_twin(own_server.url)
    twin.log().append([ENTRY])
    twin.link.command("REPLICAOF", "127.0.0.1", "1")

    with pytest.raises(JournalUnavailable, match="read only"):
        twin.log().append([ENTRY])

    twin.link.command("REPLICAOF", "NO", "ONE")
    twin.log().append([ENTRY])


def test_too_few_replicas_mean_unavailable(own_server: EmbeddedServer) -> None:
    """A server that must not write now is tried again later."""
    twin = real_twin(own_server.url)
    twin.link.command("CONFIG", "SET", "min-replicas-to-write", "1")

    with pytest.raises(JournalUnavailable, match="NOREPLICAS"):
        twin.log().append([ENTRY])


def test_no_room_for_another_client_means_unavailable(own_server: EmbeddedServer) -> None:
    """A server whose connections are used up is tried again later."""
    twin = real_twin(own_server.url)
    twin.link.command("CONFIG", "SET", "maxclients", "1")

    with pytest.raises(JournalUnavailable):
        real_twin(own_server.url).log().append([ENTRY])


def test_passwords_and_permissions_are_misconfigurations() -> None:
    """What somebody has to mend is not tried again; the error says what to mend, and no password."""
    with start_valkey(requirepass="open-sesame") as server:
        without = open_log(f"redis://127.0.0.1:{server.port}", "n", partitions=3)
        wrong = open_log(f"redis://:guessed-word@127.0.0.1:{server.port}", "n", partitions=3)
        connect(server.url).command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read", "+client", "+select")
        reader = open_log(f"redis://reader:pw@127.0.0.1:{server.port}", "n", partitions=3)

        for log, text in ((without, "uthenticat"), (wrong, "WRONGPASS|invalid"), (reader, "permission")):
            with pytest.raises(JournalMisconfigured, match=text) as refused:
                log.append([ENTRY])
            assert "canary" not in str(refused.value)
            assert "guessed-word" not in str(refused.value)


def test_a_key_of_another_program_is_a_misconfiguration(real_journal: RedisTwin) -> None:
    """A key of another type is told, and named as somebody else's."""
    real_journal.link.command("SET", real_journal.jobs(0), "theirs")

    with pytest.raises(JournalMisconfigured, match="another program"):
        real_journal.log().append([ENTRY])


def test_a_layout_of_another_release_is_refused(real_journal: RedisTwin) -> None:
    """A journal that was laid out differently is neither read nor written."""
    real_journal.link.command("HSET", Keys(real_journal.namespace).meta, "layout", "2")

    with pytest.raises(JournalMisconfigured, match="has layout 2, and this release knows 1"):
        real_journal.log().ensure()


def test_a_journal_that_was_flushed_under_a_worker_is_told(real_journal: RedisTwin) -> None:
    """Groups that are gone are no idle journal; joining again makes them, from the start."""
    journal = real_journal.journal()
    journal.join()
    lease = owned(journal)
    real_journal.link.command("DEL", real_journal.jobs(1))

    with pytest.raises(JournalMisconfigured, match="deleted or flushed"):
        journal.claim([lease], 10)

    fill(real_journal, "a")
    journal.join()
    assert len(journal.claim([lease], 10)) == 1
