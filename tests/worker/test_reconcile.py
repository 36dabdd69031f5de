"""When nobody knows whether a write happened, B is asked, where somebody has said how."""

from __future__ import annotations

import pytest

from sidecar_science.testing import FakeClock
from sidecar_science.worker.endings import Broken
from tests.worker.bench import A_URL, B_URL, Bench
from tests.worker.hall import Hall


class Shop:
    """An adapter whose only call has been made already."""

    def __init__(self, base_url):
        self.base_url = base_url

    def put(self, item, amount=1):
        raise AssertionError("it was sent already")


def shop(reconcile, **options):
    """A bench on which ``shop.put`` is reconciled so."""
    bench = Bench(clock=FakeClock())
    adapter = type("Own", (Shop,), {"put": Shop.put})
    bench.sidecar.instrument(
        adapter, "put", name="shop.put", service="shop", effect="write", reconcile=reconcile, **options
    )
    bench.sidecar.service("shop", A_URL, adapter)
    return bench


def unknown(bench, happened):
    """How a write of key ``k`` ends that broke, and what is tainted then."""
    job = bench.job("shop.put", "tea", key="k", effect="write")
    hall = Hall(bench, {job.id: [Broken("reset")]})
    hall.replay.happened = happened
    hall.turn(bench.filled(job))
    return hall, bench.server.partitions[0].groups["b-1"].taint


def test_b_is_asked_with_what_the_write_was_called_with():
    """By the adapter for B."""
    seen = []
    bench = shop(lambda adapter, item, amount=1: seen.append((adapter.base_url, item, amount)) or True)

    assert bench.replay().has_happened(bench.job("shop.put", "tea"))
    assert seen == [(B_URL, "tea", 1)]


def test_b_may_be_asked_by_a_coroutine():
    """As the adapter is."""

    async def reconcile(adapter, item):
        return item == "tea"

    bench = shop(reconcile)

    assert bench.replay().has_happened(bench.job("shop.put", "tea"))
    assert not bench.replay().has_happened(bench.job("shop.put", "milk"))


@pytest.mark.parametrize("raised", [LookupError("hunter2"), SystemExit("hunter2")])
def test_a_question_that_fails_says_nothing(raised):
    """The write stays as unknown as it was, and the failure is told."""
    told = []

    def reconcile(adapter, item):
        raise raised

    bench = shop(reconcile)
    bench.sidecar.experiments["shop.put"].raised(lambda operation, error: told.append((operation, error)))

    assert not bench.replay().has_happened(bench.job("shop.put", "tea"))
    assert told == [("reconcile", raised)]


@pytest.mark.parametrize("answer", [None, 1, "yes"])
def test_only_true_says_that_it_happened(answer):
    """What is forgotten to be returned must spare no taint."""
    bench = shop(lambda adapter, item: answer)

    assert not bench.replay().has_happened(bench.job("shop.put", "tea"))


def test_a_write_that_happened_taints_nothing():
    """How it ended is still not known: what it answered was never seen."""
    hall, taint = unknown(shop(lambda *_: True), happened=True)

    assert (hall.outcomes, taint) == (["unknown"], {})
    assert hall.settled[0].detail.endswith("asked afterwards, B has it")


def test_a_write_of_which_b_does_not_say_so_taints_its_key():
    """It may be missing."""
    hall, taint = unknown(shop(lambda *_: False), happened=False)

    assert (hall.outcomes, taint) == (["unknown"], {"k": "unknown"})
    assert len(hall.replay.asked) == 1


def test_nobody_is_asked_where_nobody_has_said_how():
    """Then it is as it is."""
    hall, taint = unknown(shop(None), happened=True)

    assert (hall.replay.asked, taint) == ([], {"k": "unknown"})


def test_a_write_that_an_earlier_worker_left_is_asked_about_too():
    """Who sent it is no matter."""
    bench = shop(lambda *_: True)
    job = bench.job("shop.put", "tea", key="k", effect="write")
    queue = bench.filled(job)
    bench.journal.start(queue.lease, queue.take(bench.clock.monotonic()).claimed.entry, limit=1)
    bench.clock.advance(20.0)
    again = bench.queue()
    bench.intake().fill([again], 0.0)
    hall = Hall(bench)
    hall.replay.happened = True

    hall.turn(again)

    assert (hall.outcomes, hall.replay.asked) == (["unknown"], [job.id])
    assert bench.server.partitions[0].groups["b-1"].taint == {}
