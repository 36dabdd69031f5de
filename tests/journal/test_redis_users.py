"""The users that are shipped: each may do what its side needs, and nothing of what the others need."""

from __future__ import annotations

import re

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import JournalMisconfigured
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.health import look
from sidecar_science.journal.protocol import Entry
from sidecar_science.journal.redis import Link, connect, open_journal, open_log
from tests.journal.steps import fill, joined, owned, taken
from tests.servers import SHIPPED_USERS, start_valkey, user_url
from tests.twins import users_twin

pytestmark = pytest.mark.realserver


@pytest.fixture
def links(server_with_users: EmbeddedServer) -> dict[str, Link]:
    """Each user's link."""
    return {user: connect(user_url(server_with_users, user)) for user in ("producer", "worker", "reader")}


@pytest.mark.parametrize(
    "words",
    [
        ("XRANGE", "sidecar:{n:00}:jobs", "-", "+"),
        ("XREAD", "STREAMS", "sidecar:{n:00}:jobs", "0"),
        ("XDEL", "sidecar:{n:00}:jobs", "1-0"),
        ("XTRIM", "sidecar:{n:00}:jobs", "MAXLEN", "0"),
        ("DEL", "sidecar:{n:00}:jobs"),
        ("XADD", "sidecar:{n:00}:dead:b", "*", "e", "x"),
        ("XADD", "somebody-elses", "*", "e", "x"),
        ("HSET", "sidecar:{n}:settings", "enabled", "0"),
        ("HSET", "sidecar:{n}:dictionaries", "1", "x"),
        ("HGETALL", "sidecar:{n}:producers"),
        ("HGETALL", "sidecar:{n:00}:tally:b"),
        ("HSET", "sidecar:{n}:environments", "b", "{}"),
        ("EVAL", "return 1", "0"),
        ("SCRIPT", "LOAD", "return 1"),
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("INFO",),
        ("ACL", "WHOAMI"),
        ("SUBSCRIBE", "x"),
    ],
)
def test_a_producer_may_append_and_nothing_else(links: dict[str, Link], words: tuple[str, ...]) -> None:
    """An app that was taken over can read no job, free none, run no script, and touch no other key."""
    with pytest.raises(JournalMisconfigured, match="permission"):
        links["producer"].command(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("SET", "somebody-elses", "x"),
        ("EVAL", "return redis.call('GET', 'somebody-elses')", "0"),
    ],
)
def test_a_worker_keeps_to_the_journal(links: dict[str, Link], words: tuple[str, ...]) -> None:
    """Whatever else the server holds is not the worker's."""
    with pytest.raises(JournalMisconfigured, match=r"permission|can't access"):
        links["worker"].command(*words)


def test_a_reader_sees_everything_and_changes_nothing(server_with_users: EmbeddedServer) -> None:
    """Reports and the doctor need no right to write; what would write is refused."""
    twin = users_twin(server_with_users)
    journal = joined(twin)
    fill(twin, "a", "b")
    twin.log().report("p", {"called": 2, "recorded": 2})
    lease = owned(journal)
    a, _ = taken(journal, lease)
    journal.bury(lease, a.entry, "poison", a.data)
    reader = open_journal(user_url(server_with_users, "reader"), twin.namespace, "b", partitions=3)

    assert (reader.accounts().dead, reader.accounts().pending) == (1, 1)
    assert len(reader.tallies()) == 3
    assert (len(reader.dead(5)), len(reader.peek(5)), len(reader.environments()), len(reader.producers())) == (
        1,
        1,
        1,
        1,
    )
    assert list(reader.export())
    assert reader.notes() == {}
    assert look(user_url(server_with_users, "reader"), SYSTEM_CLOCK).policy == "noeviction"
    for change in (reader.join, reader.trim, reader.requeue, reader.drop, reader.reset):
        with pytest.raises(JournalMisconfigured, match=r"permission|can't run"):
            change()
    with pytest.raises(JournalMisconfigured, match="permission"):
        open_log(user_url(server_with_users, "reader"), twin.namespace, partitions=3).append(
            [Entry(partition=0, data=b"x")]
        )


def test_the_shipped_users_can_be_read_by_valkey(tmp_path: object) -> None:
    """The file is for both servers."""
    with start_valkey() as server:
        link = connect(server.url)
        for line in SHIPPED_USERS.read_text().splitlines():
            _, user, *rules = line.split()
            if user != "default":
                link.command("ACL", "SETUSER", user, *rules)

        open_log(user_url(server, "producer"), "n", partitions=3).append([Entry(partition=0, data=b"x")])
        assert len(open_journal(user_url(server, "reader"), "n", "b", partitions=3).peek(1)) == 1


def test_the_shipped_file_lets_nobody_else_in_and_has_no_usable_password() -> None:
    """Whoever installs it as it is notices: the default user is off, and passwords ask to be changed."""
    lines = SHIPPED_USERS.read_text().splitlines()

    assert lines[0] == "user default off"
    assert [re.search(r">(\S+)", line)[1] for line in lines[1:]] == [  # type: ignore[index]
        f"CHANGE-ME-{user}" for user in ("producer", "worker", "reader")
    ]
