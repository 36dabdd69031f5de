"""A Redis that is killed, stopped, cut off, emptied, full, or written to by others."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.checker import check, unflagged
from tests.faults.processes import RedisServer, until
from tests.faults.proxy import Mode, Proxy
from tests.faults.rig import PATIENT, Rig, script_word
from tests.faults.verdicts import assert_ended, assert_kept

pytestmark = [pytest.mark.realserver, pytest.mark.faults]


@pytest.mark.parametrize("valkey", [False, True], ids=["redis", "valkey"])
def test_a_redis_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path, valkey: bool) -> None:
    """Whatever it had said yes to is in its append-only file."""
    with Rig(tmp_path, valkey=valkey) as rig:
        rig.start_worker()
        rig.start_worker()
        app = rig.start_app("--count", "400", "--rate", "200")

        for _ in range(2):
            time.sleep(0.5)
            rig.redis.kill()
            time.sleep(0.3)
            rig.redis.start()

        assert app.ended() == 0, app.log.read_text()
        assert_kept(rig)


def test_a_worker_works_again_soon_after_redis_is_back(rig: Rig) -> None:
    """Without anybody starting it again."""
    worker = rig.start_worker()
    rig.redis.kill()
    until("trouble", lambda: worker.has("journal.trouble"))
    rig.redis.start()

    [job] = rig.record(("write", "k", ""))

    until("its settlement", lambda: worker.has("job.settled", job=job), rig.lease + 3.0)
    assert_kept(rig)


def test_a_redis_that_was_stopped_past_every_lease(rig: Rig) -> None:
    """Nobody holds anything when it goes on, and a write that was sent meanwhile is not sent again."""
    worker = rig.start_worker(environ=PATIENT)
    [sent, *_] = rig.record(("write", "k", "slow:1"), ("write", "k", ""), ("read", "k", ""))
    rig.wait_executed(sent)

    rig.redis.stop()
    time.sleep(rig.lease + 0.5)
    rig.redis.go_on()

    assert_kept(rig)
    assert rig.executed(sent) == 1
    assert worker.code is None


@pytest.mark.parametrize(
    ("script", "mode"),
    [("claim", "drop_replies"), ("admit", "drop_replies"), ("renew", "blackhole"), ("acquire", "drop_replies")],
)
def test_nothing_is_stranded_when_a_step_is_lost(rig: Rig, script: str, mode: Mode) -> None:
    """What was claimed in a reply that nobody heard is read again, before anything new."""
    with rig.behind_proxy() as (proxy, _):
        proxy.trap(script_word(script), mode)
        first = rig.record(("write", "k", ""), ("read", "k", ""))
        if script == "acquire":
            # That happens when something is free, so what is held is taken away.
            rig.link.command("DEL", *[rig.key(n, "lease") for n in range(rig.partitions)])
        assert proxy.trapped.wait(5.0)
        time.sleep(0.3)
        proxy.be("pass")
        second = rig.record(("write", "k", ""))

        assert_kept(rig)
        for job in (*first, *second):
            assert_ended(rig, job, "ignored", 1)


def test_connections_that_are_reset_again_and_again(rig: Rig) -> None:
    """Every command may be the one that broke."""
    with rig.behind_proxy() as (proxy, worker):
        app = rig.start_app("--count", "300", "--rate", "150")
        while app.code is None:
            proxy.be("reset")
            time.sleep(0.1)
            proxy.be("pass")
            time.sleep(0.6)

        assert_kept(rig)
        assert worker.code is None


def test_a_slow_way_to_redis_is_only_slow(rig: Rig) -> None:
    """Leases are renewed in time, and everything is done."""
    with rig.behind_proxy() as (proxy, worker):
        proxy.be("delay", 0.02)

        rig.record(*[("write", f"k{n}", "") for n in range(20)])

        assert_kept(rig)
        assert not worker.has("lease.lost")


@pytest.mark.parametrize("harm", ["group", "stream", "everything"])
def test_a_journal_that_is_destroyed_is_taken_up_again(rig: Rig, harm: str) -> None:
    """What comes after is run, by the worker that was there: it joins again, and says so."""
    worker = rig.start_worker()
    rig.record(("write", "k", ""))
    rig.drain()

    if harm == "everything":
        rig.link.command("FLUSHALL")
    for n in range(rig.partitions):
        if harm == "group":
            rig.link.command("XGROUP", "DESTROY", rig.jobs(n), "b")
        elif harm == "stream":
            rig.link.command("DEL", rig.jobs(n))
    jobs = rig.record(("write", "k", ""), ("read", "k", ""))

    until("their outcomes", lambda: all(rig.outcomes(job) for job in jobs), rig.lease + 8.0)
    for job in jobs:
        assert_ended(rig, job, "ignored", 1)
    assert worker.code is None
    assert worker.has("journal.joined_again", forgotten=harm == "everything")
    assert rig.pending() == 0
    assert rig.report()["capture"]["pending"] == 0


def test_a_deleted_entry_that_was_claimed_is_counted_as_expired(rig: Rig) -> None:
    """Its bytes are gone, and it blocks nobody."""
    rig.wish("hang")
    worker = rig.start_worker(environ=PATIENT)
    sent, _, behind = rig.record(("write", "k", ""), ("write", "k", ""), ("write", "k", ""))
    rig.wait_executed(sent)
    worker.kill()
    rig.wish("")
    partition, entries = rig.only_stream()
    rig.link.command("XDEL", rig.jobs(partition), entries[1][0])

    rig.start_worker()

    rig.drain()
    capture = rig.report()["capture"]
    assert (capture["settled"], capture["expired"], capture["pending"]) == (2, 1, 0)
    assert_ended(rig, behind, "ignored", 1)


@pytest.mark.parametrize("how", ["XDEL", "XTRIM"])
def test_a_deleted_entry_that_nobody_had_read_is_counted_as_expired(rig: Rig, how: str) -> None:
    """Nothing is waited for that cannot come, and nothing goes without being counted."""
    rig.start_worker().kill()
    first, second = rig.record(("write", "k", ""), ("write", "k", ""))
    partition, [(entry, _), _] = rig.only_stream()
    what = ("XDEL", rig.jobs(partition), entry) if how == "XDEL" else ("XTRIM", rig.jobs(partition), "MAXLEN", 1)
    rig.link.command(*what)

    rig.start_worker()

    until("the other one's outcome", lambda: rig.outcomes(second))
    until("nothing pending", lambda: rig.pending() == 0, 8.0)
    assert rig.executed(first) == 0
    assert rig.report()["capture"]["expired"] == 1


def test_a_full_redis_is_drained(rig: Rig) -> None:
    """No more is appended, what is there is worked off, and then more is appended again."""
    rig.record(*[("write", f"k{n}", "") for n in range(20)])
    used = next(value for name, value in _info(rig).items() if name == "used_memory")
    rig.link.command("CONFIG", "SET", "maxmemory", int(used) - 1)
    app = rig.start_app("--count", "20", "--rate", "100")

    rig.start_worker()

    until("a drained journal", lambda: rig.pending() == 0)
    rig.link.command("CONFIG", "SET", "maxmemory", 0)
    assert app.ended() == 0
    assert_kept(rig)


def _info(rig: Rig) -> dict[str, str]:
    reply = rig.link.command("INFO", "memory")
    return {str(name): str(value) for name, value in reply.items()}


def test_a_redis_that_loses_its_last_seconds_stops_nobody(rig: Rig) -> None:
    """It is back where it was a while ago. What it had let go of may run again, under the key that B knows it by;
    everything else goes on, and the accounts say what is gone."""
    rig.start_worker()
    app = rig.start_app("--count", "600", "--rate", "200")
    until("calls", lambda: len(rig.history().calls) > 300)

    rig.redis.kill()
    rig.redis.lose_tail(0.2)
    rig.redis.start()

    assert app.ended() == 0
    found = _found_after_harm(rig)
    assert "key" not in found
    assert "balance" not in found


def test_a_journal_that_is_flushed_under_load_stops_nobody(rig: Rig) -> None:
    """What was in it is gone and said to be gone; what comes after is run, once and in order."""
    rig.start_worker()
    app = rig.start_app("--count", "600", "--rate", "200")
    until("calls", lambda: len(rig.history().calls) > 300)

    rig.link.command("FLUSHALL")

    assert app.ended() == 0
    found = _found_after_harm(rig)
    assert found <= {"lost", "outcomes"}
    assert [worker.code for worker in rig.workers] == [None]


def _start_again_what_ended(rig: Rig) -> None:
    if all(worker.code is not None for worker in rig.workers):
        rig.start_worker()


def _found_after_harm(rig: Rig) -> set[str]:
    """The kinds of what is wrong when all is done that can be done."""
    time.sleep(1.0)
    _start_again_what_ended(rig)
    rig.drain()
    found = unflagged(check(rig.history(balance=True), loss_bound=0))
    print(*found, sep="\n")
    return {finding.kind for finding in found}


_BUSY = "local t = redis.call('TIME')[1] + 2; while redis.call('TIME')[1] + 0 < t do end"


@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
        (("EVAL", _BUSY, "0"), ("PING",)),
        (("CONFIG", "SET", "maxclients", "1"), ("CONFIG", "SET", "maxclients", "1000")),
    ],
    ids=["readonly", "noreplicas", "busy", "maxclients"],
)
def test_refusals_that_pass(rig: Rig, harm: tuple[str, ...], mend: tuple[str, ...]) -> None:
    """A Redis that refuses for a while is one that is away for a while."""
    worker = rig.start_worker()
    rig.link.command("CONFIG", "SET", "lua-time-limit", "50")
    app = rig.start_app("--count", "300", "--rate", "100")
    until("calls", lambda: len(rig.history().calls) > 50)

    rig.link.command(*harm)
    time.sleep(1.0)
    rig.link.command(*mend)

    assert app.ended() == 0
    assert_kept(rig)
    assert worker.code is None


def test_a_failover_that_loses_nothing_costs_nothing(tmp_path: Path, rig: Rig) -> None:
    """The replica had everything; whoever was in the middle of something takes its own state as unknown."""
    replica = RedisServer(tmp_path / "replica", replicaof=f"127.0.0.1 {rig.redis.port}")
    try:
        with Proxy(rig.redis.port) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}/0"
            rig.start_worker(redis_url=url)
            until("a replica", lambda: rig.link.command("WAIT", 1, 100))
            app = rig.start_app("--count", "300", "--rate", "100", redis_url=url)
            until("calls", lambda: len(rig.history().calls) > 100)
            proxy.be("reset")
            assert rig.link.command("WAIT", 1, 1000) == 1
            rig.fail_over(replica)
            proxy.lead_to(replica.port)
            proxy.be("pass")

            assert app.ended() == 0
            assert_kept(rig)
    finally:
        replica.close()


@pytest.mark.parametrize("order", ["as it was", "reversed"])
def test_what_is_appended_again_is_run_once(rig: Rig, order: str) -> None:
    """A copy of an entry is a duplicate, whenever and in whatever order it comes."""
    rig.record(("write", "k", ""), ("write", "k", ""), ("read", "k", ""))
    partition, entries = rig.only_stream()
    copies = [data for _, data in (entries if order == "as it was" else entries[::-1])]
    for data in copies:
        rig.link.command("XADD", rig.jobs(partition), "*", b"e", data)
    worker = rig.start_worker()
    rig.drain()
    for data in copies:
        rig.link.command("XADD", rig.jobs(partition), "*", b"e", data)

    assert_kept(rig)
    until("all copies", lambda: sum(1 for _ in worker.events("job.duplicate")) == 6)
    assert rig.journal.accounts().duplicates == 6


def test_what_no_recorder_wrote_is_buried(rig: Rig) -> None:
    """Garbage, other fields, and a genuine entry in a partition where it does not belong: none is run."""
    rig.record(("write", "k", ""))
    home, [(_, data)] = rig.only_stream()
    elsewhere = rig.jobs((home + 1) % rig.partitions)
    rig.link.command("XADD", rig.jobs(home), "*", b"e", b"garbage")
    rig.link.command("XADD", rig.jobs(home), "*", b"other", b"field", b"and", b"more")
    rig.link.command("XADD", elsewhere, "*", b"e", data)
    rig.link.command("XADD", elsewhere, "*", b"e", data[:-1])

    worker = rig.start_worker()

    assert_kept(rig)
    until("four burials", lambda: sum(1 for _ in worker.events("entry.buried")) == 4)
    assert rig.report()["capture"]["foreign"] == 4
