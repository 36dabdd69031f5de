"""Arguments and values that resist being looked at: the call goes on, and is counted, whatever they do."""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
import io
import os
import threading
import time
from decimal import Decimal
from uuid import UUID

import pytest

from sidecar_science.codec.markers import Opaque, Oversize


class Angry:
    """Raises at everything that Python might ask of it."""

    def __init__(self, error=ValueError):
        object.__setattr__(self, "error", error)

    def _raise(self, *_, **__):
        raise object.__getattribute__(self, "error")("angry")

    __repr__ = __str__ = __eq__ = __ne__ = __hash__ = __len__ = __iter__ = __bool__ = __getattr__ = _raise
    __getitem__ = __contains__ = __call__ = __reduce_ex__ = __sizeof__ = __dir__ = __format__ = __index__ = _raise
    __class__ = property(_raise)


class AngryDict(dict):
    def _raise(self, *_):
        raise SystemExit("angry")

    items = keys = values = __iter__ = __getitem__ = __len__ = __eq__ = _raise


class AngryText(str):
    def _raise(self, *_):
        raise ValueError("angry")

    __str__ = __eq__ = __hash__ = encode = __len__ = __iter__ = __getitem__ = _raise


class AngryMeta(type):
    def __getattr__(cls, name):
        raise ValueError("angry")

    def __instancecheck__(cls, instance):
        raise ValueError("angry")

    def __hash__(cls):
        raise ValueError("angry")

    def __eq__(cls, other):
        raise ValueError("angry")


class AngryClass(metaclass=AngryMeta):
    pass


def cycle():
    found = [1]
    found.append({"again": found})
    return found


def deep(levels=100_000):
    found = []
    for _ in range(levels):
        found = [found]
    return found


def lone_surrogate():
    return "\ud800 lone"


HOSTILE = {
    "angry": Angry,
    "exits": lambda: Angry(SystemExit),
    "ends generators": lambda: Angry(GeneratorExit),
    "cancels": lambda: Angry(asyncio.CancelledError),
    "angry in a list": lambda: [Angry()],
    "angry in a dict": lambda: {"a": Angry()},
    "angry dict": lambda: AngryDict(a=1),
    "angry text": lambda: AngryText("text"),
    "angry class": lambda: AngryClass,
    "of an angry class": AngryClass,
    "cycle": cycle,
    "deep": deep,
    "nan": lambda: float("nan"),
    "minus zero": lambda: -0.0,
    "huge number": lambda: 10**5000,
    "surrogate": lone_surrogate,
    "keys that collide": lambda: {1: "one", "1": "text"},
    "odd keys": lambda: {frozenset({1}): (2,), None: 1, b"b": 2},
    "object": object,
    "lock": threading.Lock,
    "lambda": lambda: lambda: None,
    "iterator": lambda: iter([1]),
    "type": lambda: type,
    "bytes": lambda: b"\xff\x00",
    "memoryview": lambda: memoryview(b"abc"),
    "range": lambda: range(3),
    "deque": lambda: collections.deque([1]),
    "decimal": lambda: Decimal("1.10"),
    "uuid": lambda: UUID(int=7),
    "datetime": lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
    "not implemented": lambda: NotImplemented,
    "ellipsis": lambda: ...,
    "exception": lambda: Exception("e"),
}


@pytest.fixture(params=HOSTILE)
def hostile(request):
    """One of them, in a box: even the test runner would trip over some."""
    return [HOSTILE[request.param]()]


def test_any_argument_goes_through_and_is_counted(desk, hostile):
    """By place and by name; the control gets the very object."""
    put = desk.experiment("put")(lambda first, second=None: (first, second))

    first, second = put(hostile[0], second=hostile[0])

    assert (first is hostile[0], second is hostile[0]) == (True, True)
    desk.flush()
    called, recorded, dropped, buffered = desk.accounts
    assert (called, buffered) == (1, 0)
    assert recorded + sum(dropped.values()) == 1
    assert set(dropped) <= {"too_large", "hook_failed"}


def test_any_value_goes_through_and_is_recorded(desk, hostile):
    """The caller gets the very object; what can be told of it is kept."""
    value = desk.experiment("get")(lambda: hostile[0])()

    assert (value is hostile[0]) is True
    assert desk.job.value is not None
    assert desk.accounts == (1, 1, {}, 0)


def test_any_item_of_a_generator_goes_through(desk, hostile):
    """Each item as a value."""

    @desk.experiment("get")
    def get():
        yield hostile[0]

    [item] = get()

    assert (item is hostile[0]) is True
    assert desk.accounts == (1, 0, {}, 1)
    assert desk.job.consumed == 1


def test_any_argument_of_an_exception_goes_through(desk, hostile):
    """The same exception object comes out."""
    error = ValueError(hostile[0])

    def get():
        raise error

    # The test runner would trip over the text of some of them.
    caught = None
    try:
        desk.experiment("get")(get)()
    except ValueError as raised:
        caught = raised
    assert (caught is error) is True

    assert desk.decode(desk.job.error)["type"].endswith("ValueError")


def test_any_context_goes_through(desk, hostile):
    """Of the experiment, and of a block."""
    experiment = desk.experiment("get")
    experiment.context(user=hostile[0])
    with desk.sidecar.science("get") as e:
        e.context(more=hostile[0])
        e.use(lambda: 1)

    assert e.value == 1
    assert desk.job.context is not None


def test_any_key_goes_through(desk, hostile):
    """What cannot be a key loses the call, and nothing else."""
    assert desk.experiment("get", key="thing")(lambda thing: 1)(hostile[0]) == 1

    called, recorded, dropped, buffered = desk.accounts
    assert called == 1
    assert recorded + buffered + sum(dropped.values()) == 1


@pytest.mark.parametrize("kind", [ValueError, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_an_exception_that_cannot_be_described_goes_through(desk, kind):
    """Its text, its status and its body raise."""

    class Odd(Exception):
        def __str__(self):
            raise kind

        @property
        def status_code(self):
            raise kind

        response = status_code

    error = Odd()

    def get():
        raise error

    with pytest.raises(Odd) as caught:
        desk.experiment("get")(get)()

    assert caught.value is error
    assert desk.decode(desk.job.error)["type"].endswith("Odd")


def test_a_value_that_lies_about_its_class_is_recorded(desk):
    """Even one too large to be kept, of which digest and size are taken."""

    class Liar(list):
        @property
        def __class__(self):
            raise ValueError("no")

    value = Liar(["x" * 2_000_000])

    assert desk.experiment("get")(lambda: value)() is value
    assert desk.accounts == (1, 0, {}, 1)


def test_a_huge_text_costs_no_more_than_a_small_one(desk):
    """As argument it is too large; as result its beginning and its size are kept, and no digest is taken."""
    text = "x" * 100_000_000
    get = desk.experiment("get")(lambda given: text)

    start = time.perf_counter()
    get(text)
    as_argument = time.perf_counter() - start
    start = time.perf_counter()
    get(1)
    as_result = time.perf_counter() - start

    # Encoding it would take a hundred times as long.
    assert max(as_argument, as_result) < 0.05
    assert desk.decode(desk.job.value) == Oversize(None, 100_000_000, "x" * 1000)
    assert desk.accounts == (2, 1, {"too_large": 1}, 0)


def test_a_large_text_is_kept_by_digest_size_and_beginning(desk):
    """Above max_job_bytes and below 16 MiB."""
    desk.experiment("get")(lambda: "ü" * 1_000_000)()

    value = desk.decode(desk.job.value)
    assert (value.size, value.preview, len(value.digest)) == (2_000_000, "ü" * 1000, 64)


def test_large_bytes_are_kept_by_digest_size_and_beginning(desk):
    """As bytes, they may be no text."""
    desk.experiment("get")(lambda: [b"\xff" * 2_000_000])()

    assert type(desk.decode(desk.job.value)) in (Oversize, list)


def test_a_list_of_a_million_items_is_too_large(desk):
    """Found by counting, not by encoding."""
    many = [None] * 1_000_000

    assert desk.experiment("get")(lambda given: given)(many) is many

    assert desk.accounts == (1, 0, {"too_large": 1}, 0)


def test_a_generator_argument_is_not_consumed(desk):
    """It is the control's to read; B could not be given it."""
    put = desk.experiment("put")(lambda items: sum(items))

    assert put(i for i in range(4)) == 6

    [call] = desk.job.calls
    assert call.arguments is None
    assert call.obstacle == "no exact form for builtins.generator at $[0][0]"


def test_a_file_is_recorded_from_where_it_stands_and_left_there(desk, tmp_path):
    """The control reads what it would have read."""
    path = tmp_path / "letter.txt"
    path.write_bytes(b"0123456789")
    upload = desk.experiment("upload")(lambda file: file.read())

    with path.open("rb") as file:
        file.seek(4)
        assert upload(file) == b"456789"
    assert upload(io.BytesIO(b"abc")) == b"abc"
    assert upload(io.StringIO("abc")) == "abc"

    contents = [desk.arguments(job)[0][0].getvalue() for job in desk.jobs]
    assert contents == [b"456789", b"abc", "abc"]


def test_a_pipe_is_not_read(desk):
    """It cannot be put back."""
    reading, writing = os.pipe()
    os.write(writing, b"abc")
    os.close(writing)

    with os.fdopen(reading, "rb") as pipe:
        assert desk.experiment("upload")(lambda file: file.read())(pipe) == b"abc"

    assert "cannot seek" in desk.job.calls[0].obstacle


def test_a_dict_that_another_thread_changes_does_no_harm(desk):
    """Looking at it may fail; the call does not."""
    shared = {i: i for i in range(1000)}
    put = desk.experiment("put")(len)
    stop = threading.Event()

    def change():
        n = 1000
        while not stop.is_set():
            shared[n] = n
            del shared[n - 1000]
            n += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            put(shared)
    finally:
        stop.set()
        thread.join()

    desk.flush()
    called, recorded, dropped, buffered = desk.accounts
    assert (called, buffered) == (200, 0)
    assert recorded + sum(dropped.values()) == 200


def test_an_object_that_nobody_projects_is_told_by_its_type(desk):
    """Then the experiment needs a ``project=``."""
    desk.experiment("get")(lambda: [object()])()

    assert desk.decode(desk.job.value) == [Opaque("object")]


def test_what_is_logged_of_an_obstacle_names_types_alone(desk):
    """Its path may quote keys, and keys may be data."""
    desk.experiment("put")(lambda given: None)({"a@b.example": object()})

    assert "a@b.example" in desk.job.calls[0].obstacle
    assert "a@b.example" not in str(desk.lines.told)
    assert desk.lines.told[0][1]["type"] == "builtins.object"
