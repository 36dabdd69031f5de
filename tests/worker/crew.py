"""A worker with real threads on a journal in memory, and a shop in which calls can be held up."""

from __future__ import annotations

import threading
import time

from sidecar_science.clock import SYSTEM_CLOCK
from tests.worker.bench import Gate

SOON = 20.0


def opened(bench):
    """A shop in which ``get`` gives its argument, and ``wait`` waits at a gate."""
    bench.gate = Gate()
    bench.seen = []

    class Shop:
        @bench.sidecar.experiment("shop.get", service="shop", effect="read")
        def get(self, item):
            bench.seen.append(item)
            return item

        @bench.sidecar.experiment("shop.wait", service="shop", effect="read", timeout=0.1)
        def wait(self, item):
            bench.waiting = threading.get_ident()
            bench.gate.wait()
            return item

    bench.sidecar.service("shop", "http://a.test", lambda base_url: Shop())
    return bench


def fill(bench, count, partitions=4):
    """Record so many gets, spread over the partitions."""
    for number in range(count):
        partition = number % partitions
        job = bench.job("shop.get", number, value=number, key=f"k-{partition}", at=1000.0 + number)
        bench.append(job, partition=partition)


def now():
    return SYSTEM_CLOCK.monotonic()


def in_thread(worker, **options):
    """The worker at work in another thread, and what its run gave."""
    given = []
    thread = threading.Thread(target=lambda: given.append(worker.run(**options)), daemon=True)
    thread.start()
    return thread, given


def until(condition):
    """Wait until something has come about."""
    end = now() + SOON
    while not condition():
        assert now() < end, "it did not come about"
        time.sleep(0.002)
