"""Which replay the running code belongs to."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

from sidecar_science.routing.carrying import Carrying
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.patching import Patches

from .conftest import StillClock


def test_a_replay_is_current_within_its_block_alone(current: Current, replay: CurrentReplay) -> None:
    """Before and after the block no replay is current, and none is running."""
    with current.replaying(replay) as entered:
        assert entered is current.get() is replay
        assert current.running() == (replay,)

    assert current.get() is None
    assert current.running() == ()


def test_another_thread_belongs_to_no_replay(current: Current, replay: CurrentReplay) -> None:
    """Lanes do not see each other's replays as their own."""
    seen: list[object] = []

    with current.replaying(replay):
        thread = Thread(target=lambda: seen.append(current.get()))
        thread.start()
        thread.join()

    assert seen == [None]


def test_what_outlives_its_replay_belongs_to_none(current: Current, replay: CurrentReplay) -> None:
    """Code that still carries a replay when that has ended is nobody's."""
    with current.carrying(replay):
        assert current.get() is None

        with current.replaying(replay):
            assert current.get() is replay

        assert current.get() is None


def test_the_deadline_is_an_instant(clock: StillClock) -> None:
    """What remains shrinks with the clock, past zero; without a deadline it is endless."""
    replay = CurrentReplay(job="1", environment="b", deadline=105.0)

    assert replay.remaining(clock) == 5.0
    clock.now = 107.0
    assert replay.remaining(clock) == -2.0
    assert CurrentReplay(job="1", environment="b").remaining(clock) == math.inf


def test_refusals_are_kept_up_to_a_bound_and_all_counted(replay: CurrentReplay) -> None:
    """An adapter that tries for ever fills no memory."""
    for attempt in range(100):
        replay.refuse(f"attempt {attempt}")

    assert replay.refused == 100
    assert replay.refusals == [f"attempt {attempt}" for attempt in range(20)]


def test_requests_of_a_replay_have_keys_of_their_own_that_come_again() -> None:
    """Two equal requests are two, and the same job replayed again sends the same keys, whatever else it sent before."""
    first = CurrentReplay(job="1", environment="b", idempotency_key="k")
    again = CurrentReplay(job="1", environment="b", idempotency_key="k")

    sent = [first.headers("POST", path)["Idempotency-Key"] for path in ("/x?t=1", "/x?t=2", "/y")]
    sent_again = [again.headers("POST", path)["Idempotency-Key"] for path in ("/y", "/x?t=3", "/x?t=4")]

    assert len(set(sent)) == 3
    assert sent_again == [sent[2], sent[0], sent[1]]
    assert all(key.startswith("k-") for key in sent)


def test_headers_hold_nothing_that_could_end_a_line() -> None:
    """Whatever an environment is called, it stays one header."""
    replay = CurrentReplay(job="1", environment="b\r\nX: ä", service=None)

    assert replay.headers("GET", "/")["Sidecar-Environment"] == "b%0D%0AX: %C3%A4"
    assert replay.idempotency_key == "1"


def test_a_thread_belongs_to_the_replay_that_started_it(current: Current, replay: CurrentReplay) -> None:
    """The replay is taken along into plain threads and subclasses, and the thread is left as it was."""
    seen: list[object] = []

    class Fetcher(Thread):
        def run(self) -> None:
            seen.append(current.get())

    carrying = Carrying(current)
    carrying.install()
    try:
        with current.replaying(replay):
            threads = [Fetcher(), Thread(target=lambda: seen.append(current.get()))]
            for thread in threads:
                thread.start()
                thread.join()
        outside = Fetcher()
        outside.start()
        outside.join()
    finally:
        carrying.undo()

    assert seen == [replay, replay, None]
    assert not any("run" in vars(thread) for thread in threads)


def test_a_pool_belongs_to_whoever_submits(current: Current) -> None:
    """A pool's thread outlives the replay that made it; each call in it has the replay of its caller, or none."""
    one, two = (CurrentReplay(job=job, environment="b") for job in "12")
    carrying = Carrying(current)
    carrying.install()
    try:
        with ThreadPoolExecutor(1) as pool, current.replaying(one):
            seen = [pool.submit(current.get).result()]
            seen.append(current.get())
            with current.carrying(None):
                seen.append(pool.submit(current.get).result())
            with current.replaying(two):
                seen.append(pool.submit(current.get).result())
    finally:
        carrying.undo()

    assert seen == [one, one, None, two]


def test_inherited_methods_are_inherited_again() -> None:
    """Under gevent the standard library's thread class has no `start` of its own; undoing leaves it so."""

    class Base:
        def start(self) -> str:
            return "started"

    class Green(Base):
        pass

    patches = Patches()
    patches.wrap(Green, "start", lambda original: lambda self: original(self) + " twice")

    patched = Green().start()
    patches.undo()

    assert (patched, Green().start(), "start" in vars(Green)) == ("started twice", "started", False)


def test_undone_threads_are_plain_again(current: Current, replay: CurrentReplay) -> None:
    """Undoing puts the standard library's own methods back."""
    start, submit = Thread.start, ThreadPoolExecutor.submit
    carrying = Carrying(current)

    carrying.install()
    patched = (Thread.start, ThreadPoolExecutor.submit)
    carrying.undo()

    assert start not in patched
    assert submit not in patched
    assert (Thread.start, ThreadPoolExecutor.submit) == (start, submit)
