"""Bytes that are damaged, forged or made to hurt."""

from __future__ import annotations

import time

import ormsgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec import shapes
from sidecar_science.codec.values import Codec
from sidecar_science.errors import Undecodable

from .sameness import EXACT
from .shop import CLASSES

codec = Codec(classes=CLASSES)

OPTIONS = ormsgpack.OPT_NON_STR_KEYS
CODES = sorted(
    value for name, value in vars(shapes).items() if name.isupper() and type(value) is int and name[0] != "_"
)


def ext(code, content):
    """A value of that extension, whatever its content."""
    payload = content if isinstance(content, bytes) else ormsgpack.packb(content, None, OPTIONS)
    return ormsgpack.packb(ormsgpack.Ext(code, payload))


def decode_or_refuse(data):
    """What decoding gives, if it does not refuse; any other exception is an error of the test."""
    try:
        return codec.decode(data)
    except Undecodable:
        return None


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused_or_read(data):
    """There is no third way."""
    decode_or_refuse(data)


@given(EXACT, st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_values_are_refused_or_read(value, data):
    """A flipped bit and a lost end raise Undecodable or give another value, which is one of ours."""
    encoded = bytearray(codec.encode(value))
    place = data.draw(st.integers(0, len(encoded) - 1))
    cut = bytes(encoded[:place])
    encoded[place] ^= 1 << data.draw(st.integers(0, 7))

    decode_or_refuse(cut)
    changed = decode_or_refuse(bytes(encoded))

    assert codec.encode(changed)


CONTENT = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=9),
        st.binary(max_size=9),
    ),
    lambda below: st.one_of(st.lists(below, max_size=10), st.dictionaries(st.text(max_size=4), below, max_size=3)),
    max_leaves=12,
)


@given(st.sampled_from([*CODES, 0, 20, 127]), CONTENT)
@settings(max_examples=500, deadline=None)
def test_extensions_of_any_content_are_refused_or_read(code, content):
    """What a constructor of ours or of Python's says to strange content never gets out."""
    decode_or_refuse(ext(code, content))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff\x01",
        b"\xdb\xff\xff\xff\xffabc",
        b"\x91" * 100_000,
        b"\x81" * 100_000,
        b"\xa3\xed\xa0\x80",
        ext(99, []),
        ext(shapes.TUPLE, "abc"),
        ext(shapes.SET, [[1]]),
        ext(shapes.SET, {"a": 1}),
        ext(shapes.PAIRS, [1, 2, 3]),
        ext(shapes.PAIRS, [[], 1]),
        ext(shapes.SURROGATES, b"\xff"),
        ext(shapes.UNIQUE_ID, b"short"),
        ext(shapes.DATETIME, [2020, 13, 1, 0, 0, 0, 0, 0, None]),
        ext(shapes.DATETIME, [2020, 1, 1, 0, 0, 0, 0, 0, "No/Where"]),
        ext(shapes.DATETIME, [2020, 1, 1, 0, 0, 0, 0, 0, "../../etc/passwd"]),
        ext(shapes.DATETIME, [2020, 1, 1, 0, 0, 0, 0, 0, "os.path/x"]),
        ext(shapes.DATE, 10**10),
        ext(shapes.TIMEDELTA, [10**12, 0, 0]),
        ext(shapes.DECIMAL, "one"),
        ext(shapes.DECIMAL, 1.5),
        ext(shapes.OVERSIZE, [1, 2, 3]),
        ext(shapes.OVERSIZE, [None, "2", ""]),
        ext(shapes.RECORD, ["tests.codec.shop.Money", [1]]),
        ext(shapes.RECORD, [1, {}]),
        ext(shapes.MEMBER, ["os", "path", "x"]),
        ext(shapes.FILE, [1, None]),
        "text",
        bytearray(b"\x01"),
        None,
    ],
)
def test_malformed_input_is_undecodable(data):
    """Whatever it is that is wrong, there is one error for it, and it quotes nothing."""
    with pytest.raises(Undecodable) as raised:
        codec.decode(data)

    assert "passwd" not in str(raised.value)


def test_nesting_is_bounded_across_extensions():
    """Each extension is read on its own, and their levels are counted together."""
    data = b"\xc0"
    for _ in range(150):
        data = ext(shapes.TUPLE, b"\x91" + data)

    with pytest.raises(Undecodable):
        codec.decode(data)


@pytest.mark.parametrize(("open_", "close"), [(b"\x91", b"\xc0"), (b"\x81\xa1k", b"\xc0")])
def test_nesting_is_bounded_by_the_same_number_as_encoding(open_, close):
    """What could not have been encoded is not decoded either."""
    assert codec.decode(open_ * 100 + close) is not None
    with pytest.raises(Undecodable, match="100 depth"):
        codec.decode(open_ * 101 + close)


def test_more_bytes_than_are_ever_written_are_not_read():
    """The bound on bytes holds on both sides."""
    with pytest.raises(Undecodable, match="1,000 bytes"):
        Codec(max_bytes=1000).decode(codec.encode("x" * 1000))


def test_more_items_than_are_ever_written_are_not_given():
    """A megabyte of empty lists would be fifty megabytes of objects."""
    with pytest.raises(Undecodable, match="nodes"):
        codec.decode(ormsgpack.packb([[]] * 100_001))


@pytest.mark.parametrize("code", [shapes.SET, shapes.FROZENSET, shapes.PAIRS])
def test_keys_that_were_made_to_collide_cost_no_time(code):
    """Integers that share one hash would fill a table in quadratic time."""
    modulus = 2**61 - 1
    numbers = [ormsgpack.Ext(*shapes.big_int(modulus * (2**70 + i))) for i in range(40_000)]
    data = ext(code, numbers)
    started = time.process_time()

    with pytest.raises(Undecodable, match="collide"):
        codec.decode(data)

    assert time.process_time() - started < 2


def test_an_interrupt_is_no_damage(monkeypatch):
    """Ctrl-C while a value is decoded is passed on."""

    class Interrupted:
        def rebuild(self, name, state):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Codec(classes=Interrupted()).decode(ext(shapes.RECORD, ["x", {}]))
