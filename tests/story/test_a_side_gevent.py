"""gevent, patched before or after us: everything is recorded, and the hub is not held up."""

from __future__ import annotations

import pytest

from tests.recording.programs import PRELUDE, Journal, told_once

pytest.importorskip("gevent")
pytestmark = pytest.mark.realserver

WORK = """
import gevent, gevent.hub

def work(name):
    for n in range(50):
        get(f"{name}-{n}")
        gevent.sleep(0)

longest = 0.0

def watch():
    global longest
    while True:
        start = time.monotonic()
        gevent.sleep(0.005)
        longest = max(longest, time.monotonic() - start - 0.005)

watching = gevent.spawn(watch)
get("first")
gevent.joinall([gevent.spawn(work, name) for name in range(20)])
say(sidecar.flush(20.0), sidecar.stats()["recorded"], sidecar.stats()["dropped"])
# A drain that blocked the hub while it waits would do so for a twentieth of a second at every turn.
gevent.sleep(0.2)
longest = 0.0
gevent.sleep(0.5)
say(longest < 0.045)
watching.kill()
get("last")
"""

PATCH = "from gevent import monkey; monkey.patch_all()\n"

ORDERS = {
    "before": (PATCH + PRELUDE, WORK),
    "after the declarations": (PRELUDE, PATCH + WORK),
    "after the first call": (PRELUDE, "get('zeroth'); sidecar.flush(10.0)\n" + PATCH + WORK),
}


@pytest.fixture
def journal(valkey_server):
    return Journal(valkey_server.url)


@pytest.mark.parametrize("order", ORDERS)
def test_everything_is_recorded_whenever_gevent_patches(journal, order):
    """A thousand calls of twenty greenlets, and those before and after them; the end is as ever."""
    prelude, lines = ORDERS[order]
    program = journal.run(lines, prelude=prelude)

    code, out, err = program.end()

    expected = {"first", "last", *(f"{name}-{n}" for name in range(20) for n in range(50))}
    if order == "after the first call":
        expected.add("zeroth")
    assert (code, out.splitlines()[0]) == (0, f"True {len(expected) - 1} {{}}"), err
    assert out.splitlines()[1] == "True"
    # A thread that ran before gevent replaced threads ends with a complaint of Python's own.
    assert "Traceback" not in err or order == "after the first call"
    assert set(journal.values) == expected
    assert told_once(journal.jobs)


def test_greenlets_do_not_hide_each_others_calls(journal):
    """Each has a context of its own, as threads have."""
    program = journal.run(
        """
        import gevent

        @sidecar.experiment("outer", service="s", effect="read")
        def outer(n):
            gevent.sleep(0.001)
            get(n)
            return n

        gevent.joinall([gevent.spawn(outer, n) for n in range(50)])
        """,
        prelude=PATCH + PRELUDE,
    )

    assert program.end()[0] == 0
    assert {job.experiment for job in journal.jobs} == {"outer"}
    assert sorted(journal.values) == list(range(50))


def test_a_greenlet_that_is_killed_passes_it_on(journal):
    """GreenletExit and gevent's timeouts are meant for the caller."""
    program = journal.run(
        """
        import gevent

        @sidecar.experiment("slow", service="s", effect="read")
        def slow():
            gevent.sleep(60)

        def timed():
            with gevent.Timeout(0.05, False):
                slow()
            return "timed out"

        get("first")
        killed = gevent.spawn(slow)
        gevent.sleep(0.01)
        killed.kill()
        say(killed.dead, gevent.spawn(timed).get())
        """,
        prelude=PATCH + PRELUDE,
    )

    assert program.end() == (0, "True timed out\n", "")
    slow = [job for job in journal.jobs if job.experiment == "slow"]
    assert len(slow) == 2
    assert all(job.error is not None for job in slow)
