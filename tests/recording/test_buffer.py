"""Where captures wait: bounded by bytes, and with books that balance whatever comes in between."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from sidecar_science.recording.buffer import _MAX_LOST_KEYS, Buffer
from sidecar_science.recording.capture import Capture

EXPERIMENT = SimpleNamespace(name="x")


def capture(size=0, dropped=None, key="k"):
    made = Capture(EXPERIMENT, "id", key)
    made.arguments = b"x" * size
    made.dropped = dropped
    return made


def balanced(buffer):
    """The counts, which add up."""
    counts = buffer.counts()
    dropped = sum(counts["dropped"].values())
    assert counts["called"] == counts["sampled_out"] + counts["recorded"] + dropped + counts["buffered"]
    assert buffer.entered == buffer.left + counts["buffered"]
    return counts


def test_captures_come_out_in_the_order_in_which_they_went_in():
    """Bounded by number and by bytes."""
    buffer = Buffer(1_000_000)
    captures = [capture(1000) for _ in range(5)]
    for each in captures:
        buffer.put(each)

    by_number = [each for each, _ in buffer.take(2, 1_000_000)]
    by_bytes = [each for each, _ in buffer.take(10, 1)]
    rest = [each for each, _ in buffer.take(10, 1_000_000)]

    assert (by_number, by_bytes, rest) == (captures[:2], captures[2:3], captures[3:])
    assert balanced(buffer)["buffered"] == 5


def test_what_is_under_way_still_takes_its_room():
    """The bound is on memory, and it is in memory until it has arrived."""
    buffer = Buffer(4000)
    buffer.put(capture(2000))
    [(_, size)] = buffer.take(1, 10_000)
    buffer.put(capture(2000))
    full = balanced(buffer)

    buffer.shipped(1, size)
    buffer.put(capture(2000))

    assert full["dropped"] == {"buffer_full": 1}
    assert balanced(buffer) == {
        "called": 3,
        "sampled_out": 0,
        "recorded": 1,
        "dropped": {"buffer_full": 1},
        "buffered": 1,
    }


def test_room_is_asked_for_before_anything_is_encoded():
    """Then a full buffer costs nothing; it has room again as soon as something has left."""
    buffer = Buffer(1000)
    rooms = [buffer.has_room]

    for _ in range(2):
        buffer.put(capture(400))
        rooms.append(buffer.has_room)
    [(_, size)] = buffer.take(1, 1)
    buffer.shipped(1, size)
    rooms.append(buffer.has_room)

    assert rooms == [True, True, False, True]
    assert balanced(buffer)["dropped"] == {"buffer_full": 1}


def test_one_capture_that_is_larger_than_the_buffer_does_not_close_it():
    """Nothing will ever leave an empty buffer."""
    buffer = Buffer(1000)

    buffer.put(capture(5000))
    buffer.put(capture(100))

    assert buffer.has_room
    assert balanced(buffer)["buffered"] == 1


@pytest.mark.parametrize("reason", ["buffer_full", "journal_full"])
def test_a_full_buffer_says_why_it_is_full(reason):
    """Redis does not answer, or the journal has reached its cap."""
    buffer = Buffer(600)
    buffer.full_reason = reason

    buffer.put(capture(200))

    assert balanced(buffer)["dropped"] == {reason: 1}


def test_a_dropped_capture_keeps_nothing_but_its_key():
    """That is what tells which entity has a gap."""
    buffer = Buffer(1_000_000)
    dropped = capture(1000, "too_large")
    dropped.value = dropped.error = dropped.context = b"x"
    dropped.calls = [("candidate", "x", b"x", None)]

    buffer.put(dropped)

    lost, more = buffer.take_lost()
    assert (lost, more) == ([dropped], False)
    assert dropped.key == "k"
    assert dropped.size < 1000
    assert buffer.take_lost() == ([], False)


def test_beyond_ten_thousand_lost_keys_only_that_there_were_more_is_kept():
    """Memory is bounded when everything is lost as well."""
    buffer = Buffer(0)
    for _ in range(_MAX_LOST_KEYS + 5):
        buffer.put(capture())

    lost, more = buffer.take_lost()

    assert (len(lost), more) == (_MAX_LOST_KEYS, True)
    assert balanced(buffer)["dropped"] == {"buffer_full": _MAX_LOST_KEYS + 5}


def test_what_was_taken_and_cannot_be_shipped_is_counted_once():
    """And gives its room back."""
    buffer = Buffer(1200)
    buffer.put(capture(600))
    [(taken, size)] = buffer.take(1, 10_000)

    buffer.drop(taken, size, "hook_failed")
    buffer.put(capture(600))

    assert balanced(buffer) == {
        "called": 2,
        "sampled_out": 0,
        "recorded": 0,
        "dropped": {"hook_failed": 1},
        "buffered": 1,
    }


def test_what_is_given_up_is_lost():
    """It may have arrived, and nobody is left to find out."""
    buffer = Buffer(10_000)
    for _ in range(3):
        buffer.put(capture())
    taken = buffer.take(2, 10_000)

    buffer.give_up(2, sum(size for _, size in taken))

    assert balanced(buffer)["dropped"] == {"gave_up": 2}
    assert balanced(buffer)["buffered"] == 1


def test_what_is_abandoned_leaves_gaps_of_unknown_keys():
    """Whatever comes next says that any key may have one."""
    buffer = Buffer(10_000)
    buffer.abandon("shutdown")
    assert buffer.take_lost() == ([], False)
    buffer.put(capture())
    buffer.put(capture())

    buffer.abandon("shutdown")

    assert balanced(buffer)["dropped"] == {"shutdown": 2}
    assert buffer.take_lost() == ([], True)


def test_a_closed_buffer_takes_nothing():
    """A call that began before the end, and ends after it."""
    buffer = Buffer(10_000)
    buffer.close("shutdown")

    buffer.put(capture())
    buffer.put(capture(0, "too_large"))

    assert balanced(buffer)["dropped"] == {"shutdown": 1, "too_large": 1}


def test_calls_that_could_not_be_counted_are_counted_later():
    """There was no room on the stack even for that."""
    buffer = Buffer(10_000)
    buffer.strays.append("hook_failed")
    buffer.strays.append("hook_failed")

    assert buffer.called == 2
    assert balanced(buffer)["dropped"] == {"hook_failed": 2}
    assert buffer.take_lost() == ([], True)


def test_an_exception_between_two_steps_leaves_no_trace_once_it_is_empty():
    """A time limit that the host sets may hit anywhere; the next emptying is exact again."""
    buffer = Buffer(10_000)
    buffer.put(capture(100))
    buffer._held += 9_999

    [(_, size)] = buffer.take(1, 10_000)
    buffer.shipped(1, size)

    assert buffer.has_room
    assert balanced(buffer)["recorded"] == 1


def test_a_fork_leaves_the_child_an_empty_buffer():
    """What the parent holds, the parent ships."""
    buffer = Buffer(10_000)
    buffer.put(capture())
    buffer.put(capture(0, "too_large"))
    buffer.count_sampled_out()

    buffer.reset_after_fork()

    assert balanced(buffer) == {"called": 0, "sampled_out": 0, "recorded": 0, "dropped": {}, "buffered": 0}
    assert buffer.take_lost() == ([], False)


def test_threads_lose_no_count():
    """Many put, one takes, all at the same time."""
    buffer = Buffer(200_000)
    stop = threading.Event()

    def put():
        for n in range(2000):
            buffer.put(capture(n % 700, "too_large" if n % 7 == 0 else None))
            buffer.count_sampled_out()
            buffer.count_dropped("reentrant")

    def ship():
        while not stop.is_set():
            taken = buffer.take(50, 20_000)
            for each, size in taken[::2]:
                buffer.drop(each, size, "hook_failed")
            buffer.shipped(len(taken[1::2]), sum(size for _, size in taken[1::2]))

    shipping = threading.Thread(target=ship)
    shipping.start()
    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    shipping.join()

    counts = balanced(buffer)
    assert counts["called"] == 4 * 2000 * 3
    assert counts["sampled_out"] == counts["dropped"]["reentrant"] == 8000
