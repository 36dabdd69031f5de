"""What stands in Redis: the layout is a promise to every later release, and to those who look at it by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import sidecar_science.journal
from sidecar_science.journal.layout import Keys
from sidecar_science.journal.protocol import Entry, Settlement, Start
from sidecar_science.journal.redis import RedisJournal, connect, open_log
from tests.journal.steps import PAST_SHORT, SHORT, fill, joined, owned, taken
from tests.servers import start_redis
from tests.twins import RedisTwin

pytestmark = pytest.mark.realserver


def test_the_keys_are_those_of_the_documentation(real_journal: RedisTwin) -> None:
    """After some work, these keys exist, and no others."""
    journal = joined(real_journal)
    journal.configure("enabled", "1")
    journal.note("group|0123456789abcdef", "{}")
    journal.beat("w1", partitions=1, ttl=60)
    real_journal.log().report("p", {"called": 2})
    fill(real_journal, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal.bury(lease, a.entry, "poison", a.data)
    space = real_journal.namespace

    found = {key.decode() for key in real_journal.link.command("KEYS", f"sidecar:{{{space}*")}

    plain = {f"sidecar:{{{space}}}:{name}" for name in ("meta", "settings", "producers", "environments", "heartbeats")}
    mine = {f"sidecar:{{{space}:01}}:{name}:b" for name in ("lease", "fence", "inflight", "seen", "tally", "dead")}
    others = {f"sidecar:{{{space}:{n}}}:{name}" for n in ("00", "02") for name in ("jobs", "tally:b")}
    assert found == plain | mine | others | {
        f"sidecar:{{{space}:01}}:jobs",
        f"sidecar:{{{space}}}:workers:b",
        f"sidecar:{{{space}}}:notes:b",
    }
    assert journal.start(lease, b.entry, limit=1).go


def test_nothing_of_a_settled_job_is_left_past_its_retention(real_journal: RedisTwin) -> None:
    """Not a byte of what it held, nor its id, in any key; the counts are all that stays."""
    journal = joined(real_journal)
    journal.configure("retention", str(SHORT))
    fill(real_journal, *(f"what job {n} held" for n in range(50)))
    lease = owned(journal)
    claimed = taken(journal, lease)
    journal.start_all(lease, [Start(entry=each.entry, limit=2) for each in claimed])
    journal.settle(lease, [Settlement(entry=each.entry, add={"n": 1}) for each in claimed])
    command, keys = real_journal.link.command, Keys(real_journal.namespace)
    assert command("XLEN", keys.jobs(1)) == 50

    real_journal.pass_time(PAST_SHORT)
    journal.trim()

    space = f"sidecar:{{{real_journal.namespace}*"
    kept = {key.decode(): _content(command, key) for key in command("KEYS", space)}
    assert [key for key, content in kept.items() if b"held" in content] == []
    assert [key for key, content in kept.items() if any(each.entry.encode() in content for each in claimed)] == []
    assert command("XLEN", keys.jobs(1)) == 0


def _content(command: Any, key: bytes) -> bytes:
    """All that a key holds, as text of a kind."""
    ways = {
        b"hash": ("HGETALL",), b"string": ("GET",), b"stream": ("XRANGE", "-", "+"), b"zset": ("ZRANGE", 0, -1),
    }  # fmt: skip
    verb, *rest = ways[command("TYPE", key)]
    return repr(command(verb, key, *rest)).encode()


def test_the_fields_are_those_of_the_documentation(real_journal: RedisTwin) -> None:
    """What people and later releases read by hand has the form that is documented."""
    journal = real_journal.journal()
    journal.join(epoch="e1", routes={"shop": "http://127.0.0.1:1"})
    fill(real_journal, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease, producer="p", first=4)
    journal.start(lease, a.entry, limit=1)
    keys, command = Keys(real_journal.namespace), real_journal.link.command

    [(_, body), _] = command("XRANGE", keys.jobs(1), "-", "+")
    assert body == {b"e": b"a"}
    assert command("GET", keys.of(1, "lease", "b")) == b"w1:1" == lease.token.encode()
    assert command("GET", keys.of(1, "fence", "b")) == b"1"
    assert command("TTL", keys.of(1, "fence", "b")) == -1
    assert command("HGETALL", keys.of(1, "inflight", "b")) == {
        a.entry.encode(): b"started|w1:1|1|0|1",
        b.entry.encode(): b"admitted||0|0|0",
    }
    assert re.fullmatch(rb"5\|\d{13}", command("HGET", keys.of(1, "seen", "b"), "p"))
    meta = command("HGETALL", keys.meta)
    assert (meta[b"layout"], meta[b"partitions"]) == (b"1", b"3")
    told = json.loads(command("HGET", keys.environments, "b"))
    assert told | {"created": 0} == {
        "created": 0,
        "start": "earliest",
        "epoch": "e1",
        "routes": {"shop": "http://127.0.0.1:1"},
    }


def test_a_group_has_one_consumer_whoever_works(real_journal: RedisTwin) -> None:
    """The consumer is the partition, so that a successor finds what its predecessor left."""
    journal = joined(real_journal)
    for worker in ("w1", "w2", "w3"):
        fill(real_journal, worker)
        lease = owned(journal, worker)
        journal.claim([lease], 10)
        journal.release(lease)

    [consumer] = real_journal.link.command("XINFO", "CONSUMERS", real_journal.jobs(1), "b")

    assert consumer[:2] == [b"name", b"01"]


def test_a_foreign_entry_of_any_shape_is_claimed_as_bytes(real_journal: RedisTwin) -> None:
    """What somebody else added by hand comes out as bytes that are no envelope."""
    journal = joined(real_journal)
    real_journal.link.command("XADD", real_journal.jobs(1), "*", "e", "x", "more", "y")
    real_journal.link.command("XADD", real_journal.jobs(1), "*", "f", "z")

    claimed = journal.claim([owned(journal)], 10)

    assert [each.data for each in claimed] == [b"e x more y", b"f z"]
    assert [waiting.data for waiting in journal.peek(10)] == [b"x", b""]


def test_two_that_join_at_once_count_and_create_once(real_journal: RedisTwin) -> None:
    """A worker that died while joining, or one that joins beside another, leaves nothing half counted."""
    fill(real_journal, "a", "b")
    real_journal.pass_time(0.02)
    instant = real_journal.now()
    real_journal.pass_time(0.02)
    fill(real_journal, "c")
    one, two = real_journal.journal(), real_journal.journal()
    one.join(instant)
    keys = Keys(real_journal.namespace)
    real_journal.link.command("HDEL", keys.of(1, "tally", "b"), "@before_start")
    real_journal.link.command("HDEL", keys.environments, "b")

    assert two.join(instant).new
    assert isinstance(two, RedisJournal)
    assert not two._enter(0.0, "latest")

    assert (two.accounts().before_start, two.accounts().pending) == (2, 1)


def test_a_field_that_is_no_number_stops_a_settlement_before_its_first_write(real_journal: RedisTwin) -> None:
    """A script has no rollback, so it looks before it writes."""
    journal = joined(real_journal)
    fill(real_journal, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    journal.settle(lease, [Settlement(entry=a.entry, last={"x": "text"})])

    with pytest.raises(Exception, match="is no number"):
        journal.settle(lease, [Settlement(entry=b.entry, add={"y": 1, "x": 1})])

    assert [each.entry for each in journal.recover(lease)] == [b.entry]
    assert b"y" not in real_journal.link.command("HGETALL", Keys(real_journal.namespace).of(1, "tally", "b"))


def test_a_server_that_forgot_its_scripts_is_taught_again(real_journal: RedisTwin) -> None:
    """After a restart or a flush of scripts, the next call brings them along."""
    journal = joined(real_journal)
    lease = owned(journal)
    real_journal.link.command("SCRIPT", "FLUSH")

    assert journal.renew([lease], 60) == set()


def test_a_producer_needs_few_rights() -> None:
    """The A side works as a user who may append, look at sizes and settings, and nothing else."""
    with start_redis() as server:
        rights = ["+ping", "+client", "+xadd", "+xlen", "+hset", "+hsetnx", "+hget", "+hgetall", "+multi", "+exec"]
        rights.append("+time")
        connect(server.url).command("ACL", "SETUSER", "app", "on", ">pw", "~sidecar:{n*", "-@all", *rights)
        log = open_log(f"redis://app:pw@127.0.0.1:{server.port}", "n", partitions=3)

        log.ensure()
        log.append([Entry(partition=0, data=b"x"), Entry(partition=1, data=b"y")])
        log.report("p", {"called": 2}, ended=True)

        assert log.size().entries == 2
        assert log.settings() == {}


def test_the_room_uses_none_of_the_commands_that_lose_jobs() -> None:
    """No claiming by idle time, no reading without acknowledgement, no trimming by length."""
    room = Path(sidecar_science.journal.__file__).parent
    sources = {path.name: path.read_text() for path in room.rglob("*") if path.suffix in (".py", ".lua")}

    assert len(sources) > 20
    for name, text in sources.items():
        assert not re.search(r"XAUTOCLAIM|XCLAIM|NOACK|MAXLEN|DELCONSUMER|cjson|cmsgpack", text), name


def test_only_one_file_of_the_room_knows_redis_py() -> None:
    """The client library stands behind one door."""
    room = Path(sidecar_science.journal.__file__).parent

    knowing = [path.name for path in room.rglob("*.py") if re.search(r"^(from|import) redis\b", path.read_text(), re.M)]

    assert knowing == ["redis.py"]


def test_markers_of_older_releases_are_read_as_without_crashes(real_journal: RedisTwin) -> None:
    """They have three parts; what was started stays started."""
    journal = joined(real_journal)
    fill(real_journal, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    key = Keys(real_journal.namespace).of(1, "inflight", "b")
    real_journal.link.command("HSET", key, a.entry, "started|w0:7|1")

    [again] = journal.recover(lease)

    assert (again.state, again.attempts, again.crashes) == ("started", 1, 0)
    assert not journal.start(lease, a.entry, limit=1).go
    assert journal.start(lease, a.entry, limit=2).attempt == 2
    assert real_journal.link.command("HGET", key, a.entry) == f"started|{lease.token}|2|0|1".encode()
