"""What users' own tests are given."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer

import pytest
import requests

from sidecar_science import Sidecar
from sidecar_science.cli.demonstration.service import handler
from sidecar_science.testing import FakeClock, in_memory, replay_all


@pytest.fixture
def serve():
    """Start services that answer with a function of (method, path, payload); all end with the test."""
    servers = []

    def start(answer):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(answer))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def declared(a_url):
    sidecar = Sidecar("shop", redis_url="redis://127.0.0.1:1/0")

    class Shop:
        def __init__(self, base_url):
            self.base_url = base_url

        @sidecar.experiment("shop.order", service="shop", key="number", effect="write")
        def order(self, number):
            return requests.put(f"{self.base_url}/orders/{number}", json={"number": number}, timeout=2).json()

    sidecar.service("shop", base_url=a_url, build=Shop)
    return sidecar, Shop(a_url)


def test_a_recorded_call_is_replayed_in_the_same_process(serve):
    """An application's test sees that B answers as A does, with no Redis and no worker process."""
    a_url = serve(lambda method, path, payload: (200, {"state": "new", **payload}))
    b_url = serve(lambda method, path, payload: (200, {"state": "new", **payload}))
    sidecar, shop = declared(a_url)

    with in_memory(sidecar) as recorded:
        answer = shop.order(7)
        replays = replay_all(recorded, {"shop": b_url}, allow_writes=["shop"])

    assert answer == {"state": "new", "number": 7}
    assert replays.outcomes == {"matched": 1}
    assert replays.report.capture.balanced


def test_a_difference_is_told_with_its_place(serve):
    """A changed field is a mismatch at its path."""
    a_url = serve(lambda method, path, payload: (200, {"state": "new"}))
    b_url = serve(lambda method, path, payload: (200, {"state": "draft"}))
    sidecar, shop = declared(a_url)

    with in_memory(sidecar) as recorded:
        shop.order(7)
        replays = replay_all(recorded, {"shop": b_url}, allow_writes=["shop"])

    (replayed,) = replays.replayed
    assert [(one.where, one.path, one.kind) for one in replayed.differences] == [("value", "$.state", "changed")]


def test_writes_stay_away_from_b_unless_they_are_allowed(serve):
    """Without its service in allow_writes a write is skipped, and B hears nothing."""
    heard = []
    a_url = serve(lambda method, path, payload: (200, {}))
    b_url = serve(lambda method, path, payload: heard.append(path) or (200, {}))
    sidecar, shop = declared(a_url)

    with in_memory(sidecar) as recorded:
        shop.order(7)
        replays = replay_all(recorded, {"shop": b_url})

    assert [each.full_reason for each in replays.replayed] == ["skipped.write_not_allowed"]
    assert heard == []


def test_jobs_can_be_looked_at(serve):
    """What was recorded is there as jobs, with names and no code."""
    sidecar, shop = declared(serve(lambda method, path, payload: (200, {})))

    with in_memory(sidecar) as recorded:
        shop.order(7)
        shop.order(8)
        jobs = recorded.jobs

    assert [job.experiment for job in jobs] == ["shop.order", "shop.order"]
    assert all(job.calls[0].function == "shop.order" for job in jobs)


def test_after_the_block_the_sidecar_writes_to_its_redis_again(serve):
    """The block borrows the sidecar and gives it back: what comes later does not end up in memory."""
    sidecar, shop = declared(serve(lambda method, path, payload: (200, {})))

    with in_memory(sidecar) as recorded:
        shop.order(7)
    shop.order(8)

    assert len(recorded.server.partitions) == sidecar.partitions
    assert sidecar.stats()["called"] == 1
    sidecar.close(timeout=0)


def test_a_sidecar_that_is_off_or_samples_records_everything_in_the_block(serve):
    """A test suite runs with the recorder switched off; a block that asks for recording gets it, whatever the share."""
    sidecar = Sidecar("shop", redis_url="redis://127.0.0.1:1/0", enabled=False, sample=0.0)

    @sidecar.experiment("shop.double", effect="read", sample=0.0)
    def double(number):
        return 2 * number

    with in_memory(sidecar) as recorded:
        double(7)
        inside = len(recorded.jobs)
    double(8)

    assert inside == 1
    assert sidecar.stats()["called"] == 0


def test_a_fake_clock_moves_only_when_told():
    """Waiting on a fake clock takes no time and lets the clock's own pass."""
    clock = FakeClock()
    start = clock.monotonic(), clock.wall(), clock.cpu()

    waited = clock.wait(threading.Event(), 5.0)
    clock.advance(1.0, cpu=0.5)

    assert not waited
    assert clock.monotonic() - start[0] == pytest.approx(6.0)
    assert clock.wall() - start[1] == pytest.approx(6.0)
    assert clock.cpu() - start[2] == clock.process_cpu() - start[2] == pytest.approx(0.5)


def test_what_the_recorder_lost_explains_what_differs_later(serve):
    """A write that was too large to be recorded never reaches B: of its key B cannot be expected to agree."""
    kept = {"a": {}, "b": {}}

    def shop(name):
        def answer(method, path, payload):
            if method == "PUT":
                kept[name][path] = len(payload["note"])
            return 200, {"note": kept[name].get(path)}

        return answer

    a_url, b_url = serve(shop("a")), serve(shop("b"))
    sidecar = Sidecar("shop", redis_url="redis://127.0.0.1:1/0", max_job_bytes=10_000, partitions=1)

    class Notes:
        def __init__(self, base_url):
            self.base_url = base_url

        @sidecar.experiment("notes.put", service="notes", key="number", effect="write")
        def put(self, number, note):
            return requests.put(f"{self.base_url}/{number}", json={"note": note}, timeout=2).json()

        @sidecar.experiment("notes.get", service="notes", key="number", effect="read")
        def get(self, number):
            return requests.get(f"{self.base_url}/{number}", timeout=2).json()

    sidecar.service("notes", base_url=a_url, build=Notes)
    notes = Notes(a_url)

    with in_memory(sidecar) as recorded:
        notes.put(1, "x" * 20_000)
        notes.put(2, "short")
        notes.get(1)
        notes.get(2)
        replays = replay_all(recorded, {"notes": b_url}, allow_writes=["notes"])

    assert [each.full_reason or each.outcome.value for each in replays.replayed] == [
        "matched", "incomparable.gap", "matched",
    ]  # fmt: skip
    assert replays.report.capture.dropped == {"too_large": 1}
