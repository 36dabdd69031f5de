"""Putting a worker together from an application's declarations; what makes the process safe is tried in a child."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap

import pytest

from sidecar_science.clock import SYSTEM_CLOCK
from sidecar_science.errors import UsageError
from sidecar_science.routing.current import Current
from sidecar_science.worker.assembly import Place, Settings, assemble, prepare_process, redis_endpoint
from tests.story.world import ROOT
from tests.worker.bench import Bench


@pytest.fixture
def bench():
    """A shop with one read, and a default timeout that is put back."""
    before = socket.getdefaulttimeout()
    bench = Bench(clock=SYSTEM_CLOCK)

    @bench.sidecar.experiment("shop.price", effect="read", timeout=7.0)
    def price(item):
        return len(item)

    bench.sidecar.service("shop", "http://a.test")
    yield bench
    socket.setdefaulttimeout(before)


def assembled(bench, **settings):
    place = Place(routes=None, guard=None, current=Current(), floor=False)
    wanted = Settings(environment="b-1", targets=bench.targets, lanes=2, window=0.0, **settings)
    return assemble(
        bench.sidecar, bench.journal, wanted, place, name="w", clock=SYSTEM_CLOCK, log=bench.events
    )  # fmt: skip


def test_what_was_assembled_replays(bench):
    """All parts are there, and know each other."""
    bench.append(bench.job("shop.price", "tea", value=3), bench.job("shop.price", "tea", value=4))
    worker = assembled(bench)

    drained = worker.run(burst=True)
    worker.stop(SYSTEM_CLOCK.monotonic() + 20.0)

    assert drained
    assert dict(worker.outcomes) == {"matched": 1, "mismatched": 1}


def test_a_rate_is_kept(bench):
    """Five replays at twenty a second take a fifth of a second."""
    bench.append(*(bench.job("shop.price", "tea", value=3) for _ in range(5)))
    worker = assembled(bench, rate=20.0)
    began = SYSTEM_CLOCK.monotonic()

    worker.run(burst=True)
    worker.stop(SYSTEM_CLOCK.monotonic() + 20.0)

    assert SYSTEM_CLOCK.monotonic() - began >= 0.2


def test_a_lease_outlasts_the_longest_timeout(bench):
    """One that ended in the middle of a replay would let a second worker begin; it is said when it has to be longer."""
    assembled(bench, lease=10.0)
    assembled(bench, lease=60.0)

    assert bench.events.of("worker.longer_lease") == [{"timeout": 7.0, "lease": 12.0}]


def test_whatever_connects_without_a_timeout_gets_one(bench):
    """As long as the longest that is declared."""
    assembled(bench)

    assert socket.getdefaulttimeout() == 7.0


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("redis://redis.test:6380/0", ("redis.test", 6380)),
        ("rediss://user:secret@redis.test/2", ("redis.test", 6379)),
        ("redis:///0", ("localhost", 6379)),
        ("unix:///run/redis.sock", "/run/redis.sock"),
    ],
)
def test_where_redis_is_can_be_read_from_its_url(url, endpoint):
    """The worker's own code may go there, and nobody else."""
    assert redis_endpoint(url) == endpoint


def test_writes_can_only_be_allowed_to_declared_services(bench):
    """A slip would silently skip every write."""
    wanted = Settings(environment="b-1", targets=bench.targets, allow_writes=frozenset(["shop", "ship"]))

    with pytest.raises(UsageError, match="--allow-writes names 'ship', which is not declared"):
        prepare_process(
            services=bench.sidecar.services, redis_url="redis://127.0.0.1/0", settings=wanted, current=Current(),
            log=bench.events,
        )  # fmt: skip


def test_b_must_not_be_a(bench):
    """By whatever spelling."""
    bench.sidecar.service("local", "http://localhost:8001")
    wanted = Settings(environment="b-1", targets={"local": "http://127.0.0.1:8001"})

    with pytest.raises(UsageError, match="leads to A"):
        prepare_process(
            services=bench.sidecar.services, redis_url="redis://127.0.0.1/0", settings=wanted, current=Current(),
            log=bench.events,
        )  # fmt: skip


PREPARED = """
    import json, os, socket, sys, urllib.request
    from sidecar_science.errors import EgressRefused
    from sidecar_science.routing.current import Current
    from sidecar_science.sidecar import Service
    from sidecar_science.worker.assembly import Settings, prepare_process
    from tests.worker.bench import Events

    def listening():
        server = socket.create_server(("127.0.0.1", 0))
        return server, server.getsockname()[1]

    (a, a_port), (b, b_port), (r, r_port) = listening(), listening(), listening()
    services = {"shop": Service(name="shop", base_urls=(f"http://127.0.0.1:{a_port}",))}
    os.environ["HTTP_PROXY"] = "http://127.0.0.1:1"
    events = Events()
    place = prepare_process(
        services=services, redis_url=f"redis://127.0.0.1:{r_port}/0",
        settings=Settings(environment="b-1", targets={"shop": f"http://127.0.0.1:{b_port}"}),
        current=Current(), log=events,
    )

    def reaches(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except EgressRefused:
            return "refused"
        except OSError as error:
            return type(error).__name__
        return "reached"

    with place.guard.own():
        own = [reaches(port) for port in (a_port, b_port, r_port)]
    others = [reaches(port) for port in (a_port, b_port, r_port)]
    floor = events.of("guard.floor")[0]
    print(json.dumps({
        "own": own, "others": others, "proxy": os.environ.get("HTTP_PROXY"), "floor": place.floor,
        "said": floor["separates"], "ports": floor["ports"] == sorted([b_port, r_port]),
    }))
"""


def test_a_prepared_process_reaches_b_and_nothing_else():
    """Not A, from nowhere; the journal only from the worker's own code; and no proxy is left."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PREPARED)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["own"] == ["refused", "reached", "reached"]
    assert told["others"] == ["refused", "reached", "refused"]
    assert told["proxy"] is None
    assert told["floor"] == told["said"]
    assert told["ports"]
