"""Values to bytes and back."""

from __future__ import annotations

import copy
import datetime as dt
import math
import zoneinfo
from collections import OrderedDict, defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.codec.values import Codec, digest, join, pack, unpack
from sidecar_science.errors import NotEncodable, TooLarge

from .sameness import EXACT, PLAIN, same
from .shop import CLASSES, Color, Money

codec = Codec(classes=CLASSES)


def there_and_back(value):
    return codec.decode(codec.encode(value))


@given(EXACT)
@settings(max_examples=200, deadline=None)
def test_what_is_decoded_is_what_was_encoded(value):
    """Every node has the same type and the same value, and the caller's object is as it was."""
    before = copy.deepcopy(value)

    assert same(there_and_back(value), value)
    assert same(value, before)


@given(EXACT)
@settings(max_examples=100, deadline=None)
def test_the_slow_way_says_the_same_as_the_fast_one(value):
    """What has to be encoded item by item comes back the same."""
    awkward = [value, bytearray(b"forces the slow way")]

    assert same(there_and_back(awkward), awkward)


@pytest.mark.parametrize("size", [4_300, 5_000, 40_000])
def test_an_integer_of_any_number_of_digits_is_exact(size):
    """Python's limit on the conversion of long integers to text does not apply."""
    number = 10**size + 1

    assert there_and_back([number, -number]) == [number, -number]


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, -0.0, 5e-324, "\ud800", "a\udfffb", {"\ud800": 1}, [1, 1.0, True], (), set(), {}],
)
def test_what_json_cannot_say_is_exact(value):
    """Not a number, negative zero, lone surrogates and empty containers of each kind keep what they are."""
    assert same(there_and_back(value), value)


def test_keys_of_different_types_stay_apart():
    """1, "1", b"1" and (1,) are four keys, and the order of keys stays."""
    value = {1: "a", "1": "b", b"1": "c", (1,): "d", None: "e", Decimal(7): "f", 2**70: "g"}

    decoded = there_and_back(value)

    assert same(decoded, value)
    assert list(decoded) == list(value)


def test_true_as_a_key_stays_true():
    """A boolean key does not become a number."""
    assert same(there_and_back({True: 1, None: 2}), {True: 1, None: 2})


def test_zones_keep_their_name_and_the_hour_that_comes_twice_its_fold():
    """A time in a named zone comes back in that zone, on the same side of the end of summer time."""
    london = zoneinfo.ZoneInfo("Europe/London")
    twice = [dt.datetime(2020, 10, 25, 1, 30, fold=fold, tzinfo=london) for fold in (0, 1)]

    first, second = there_and_back(twice)

    assert first.tzinfo.key == second.tzinfo.key == "Europe/London"
    assert second.utcoffset() - first.utcoffset() == dt.timedelta(hours=-1)


def test_a_fixed_offset_keeps_its_name():
    """Offsets may have a name, and UTC stays the one object that it is."""
    named = dt.timezone(dt.timedelta(hours=2, seconds=1), "CEST")

    decoded, utc = there_and_back([dt.time(1, tzinfo=named), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)])

    assert decoded.tzinfo.tzname(None) == "CEST"
    assert utc.tzinfo is dt.UTC


def test_text_of_a_subclass_becomes_text():
    """Markup and SafeString are text to the service that gets them; their own methods are never called."""

    class Markup(str):
        def __str__(self):
            raise AssertionError

        __repr__ = __hash__ = None

    assert same(there_and_back([Markup("<b>"), Markup("\ud800")]), ["<b>", "\ud800"])


def test_keys_of_a_text_subclass_become_text():
    """Also where they are keys."""

    class Safe(str):
        pass

    assert same(there_and_back({Safe("a"): 1, "b": 2}), {"a": 1, "b": 2})
    assert same(there_and_back({Safe("a"): 1, 2: bytearray()}), {"a": 1, 2: bytearray()})


def test_two_keys_that_would_become_one_are_refused():
    """Nothing is lost silently."""

    class Odd(str):
        def __eq__(self, other):
            return self is other

        def __hash__(self):
            return 1

    with pytest.raises(NotEncodable, match="same text") as raised:
        codec.encode({"deep": {Odd("a"): 1, Odd("a "): 2, "a": bytearray()}})

    assert raised.value.path == "$.deep"


def test_ordered_and_default_dicts_become_dicts():
    """They are equal to the dict that comes back."""
    ordered, default = OrderedDict([("b", 1), ((1,), 2)]), defaultdict(list, {"a": [1], 2: []})

    assert same(there_and_back([ordered, default]), [{"b": 1, (1,): 2}, {"a": [1], 2: []}])


def test_a_snapshot_does_not_change_with_its_original():
    """Encoding is the copy."""
    value = {"a": [1]}
    encoded = codec.encode(value)

    value["a"].append(2)

    assert codec.decode(encoded) == {"a": [1]}


def test_shared_parts_are_kept_as_often_as_they_stand():
    """A value that occurs twice is no cycle."""
    part = ["x"]

    assert there_and_back([part, part, (part,)]) == [["x"], ["x"], (["x"],)]


# -- bounds ----------------------------------------------------------------------------------------------------------


def nested(levels, wrap=lambda value: [value]):
    value = None
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: [value],
        lambda value: (value,),
        lambda value: {"k": value},
        lambda value: {(1,): value},
        lambda value: Money(value),
        lambda value: frozenset([value]),
    ],
)
def test_a_hundred_levels_are_kept_and_one_more_is_not(wrap):
    """The bound on depth is the same for every kind of container, there and back."""
    deepest = 100 if wrap(1) != {(1,): 1} else 99  # a tuple as a key is a level too

    assert same(there_and_back(nested(deepest, wrap)), nested(deepest, wrap))
    with pytest.raises(TooLarge) as raised:
        codec.encode(nested(deepest + 1, wrap))
    assert raised.value.bound == "depth"


def test_no_codec_goes_deeper_than_its_library():
    """Two hundred levels are the most, whatever is asked for."""
    deep = Codec(max_depth=10_000)

    assert deep.decode(deep.encode(nested(200))) == nested(200)
    with pytest.raises(TooLarge, match="200 depth"):
        deep.encode(nested(201))


def test_what_contains_itself_is_too_deep():
    """A cycle through any container ends at the bound."""
    around: list = []
    around.append({"again": (around,)})
    ticket = Money(around)
    around.append(ticket)

    for cycle in (around, ticket):
        with pytest.raises(TooLarge):
            codec.encode(cycle)


def test_what_becomes_larger_than_it_looked_is_refused():
    """The bound on bytes holds for what comes out: text of four bytes a character counts for what it is."""
    small = Codec(max_bytes=1000)

    assert small.decode(small.encode("a" * 990)) == "a" * 990
    with pytest.raises(TooLarge) as raised:
        small.encode("\N{GRINNING FACE}" * 300)
    assert (raised.value.bound, raised.value.limit) == ("bytes", 1000)


# -- results ---------------------------------------------------------------------------------------------------------


def as_text(value):
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    return list(value) if isinstance(value, tuple | set) else f"<{type(value).__name__}>"


@given(PLAIN)
@settings(max_examples=100, deadline=None)
def test_plain_results_are_kept_without_projection(value):
    """Plain data and markers never reach the projection."""

    def never(part):
        raise AssertionError(part)

    assert same(codec.decode(codec.encode_value(value, never)), value)


def test_what_is_not_plain_is_what_its_projection_gives():
    """Objects at any depth go through the projection, and what that gives may hold more of them."""
    value = {"when": dt.date(2020, 1, 1), "pair": (1, {2}), "color": Color.RED, 3: {"x": object()}}

    decoded = codec.decode(codec.encode_value(value, as_text))

    assert decoded == {"when": "<date>", "pair": [1, [2]], "color": "<Color>", "3": {"x": "<object>"}}


def test_the_slow_way_projects_as_the_fast_one():
    """Data that ormsgpack would get wrong is projected item by item."""
    value = [(1,), bytearray(b"x"), "\ud800", Secret("0" * 16), 2**70, {"\ud800": [dt.date(2020, 1, 1)]}]

    decoded = codec.decode(codec.encode_value(value, as_text))

    assert decoded == [[1], "<bytearray>", "\ud800", Secret("0" * 16), 2**70, {"\ud800": ["<date>"]}]


def test_text_of_a_subclass_is_plain():
    """Marked-up text is text in a result too, and an enumeration's member is not."""

    class Safe(str):
        pass

    assert codec.decode(codec.encode_value([Safe("a"), {Safe("b"): 1}], as_text)) == ["a", {"b": 1}]


@pytest.mark.parametrize("project", [lambda value: value, lambda value: 1 / 0, lambda value: exit()])
def test_a_projection_that_gives_nothing_plain_is_told(project):
    """A projection that raises, even SystemExit, or gives the object back, makes the value not encodable."""
    with pytest.raises(NotEncodable) as raised:
        codec.encode_value({"a": [object()]}, project)

    assert raised.value.path == "$.a[0]"
    assert raised.value.type_name == "builtins.object"


def test_a_projection_without_end_is_refused():
    """An object whose projection holds the like of it is too deep."""

    class Node:
        pass

    with pytest.raises(TooLarge):
        codec.encode_value(Node(), lambda node: {"next": Node()})


def test_a_projection_may_not_give_more_than_the_bounds():
    """What a projection makes is measured like any value."""
    with pytest.raises(TooLarge):
        codec.encode_value(object(), lambda value: "x" * 2_000_000)


def test_interrupting_a_projection_interrupts():
    """Ctrl-C in the middle of a projection is the caller's."""

    def interrupted(value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.encode_value(object(), interrupted)


# -- digests ---------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(max_size=5), PLAIN, max_size=5), st.randoms())
@settings(max_examples=100, deadline=None)
def test_a_digest_does_not_depend_on_the_order_of_keys(value, random):
    """Equal dicts have equal digests, fast or slow."""
    shuffled = list(value.items())
    random.shuffle(shuffled)

    assert digest(dict(shuffled)) == digest(value)
    assert digest((dict(shuffled), {1, 2})) == digest((value, {2, 1}))


@given(PLAIN)
@settings(max_examples=100, deadline=None)
def test_a_result_and_its_projection_have_one_digest(value):
    """A tuple that is projected to a list digests as the list does, its dicts included."""
    assert digest([value, ()], project=as_text) == digest([value, []])


def test_digests_tell_different_values_apart():
    """Types count, as do keys of mixed types."""
    values = [1, True, "1", b"1", [1], (1,), {1}, {"1": 1}, {1: 1}, {1: 1, "1": 1}, None]

    assert len({digest(value) for value in values}) == len(values)


def test_what_has_no_exact_form_has_no_digest():
    """Neither an unknown object, nor a cycle, nor a million items and one."""
    around: list = []
    around.append(around)

    assert [digest(value) for value in (object(), around, [0] * 1_000_001)] == [None, None, None]


# -- our own structures ----------------------------------------------------------------------------------------------


def test_our_own_structures_come_back():
    """Lists of None, booleans, numbers, text and bytes."""
    structure = ["a", b"b", 1, -2.5, None, True, ["c", []]]

    assert unpack(pack(structure)) == structure


def test_text_that_is_no_utf8_loses_only_what_is_none():
    """A job is not lost for a lone surrogate in one of its names."""
    assert unpack(pack(["a\ud800b", 1, ["\udfff"]])) == ["a?b", 1, ["?"]]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x01", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff"])
def test_garbage_is_a_value_error(data):
    """Whatever is not ours is refused in one way."""
    with pytest.raises(ValueError):
        unpack(data)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 70_000])
def test_encoded_items_are_joined_to_an_encoded_list(count):
    """Items that were encoded one by one decode as a list."""
    items = [codec.encode(i) for i in range(count)]

    assert codec.decode(join(items)) == list(range(count))


def test_markers_say_what_they_stand_for():
    """Reports print them."""
    assert str(Secret("1a2b3c4d5e6f7a8b")) == "<secret 1a2b3c4d>"
    assert str(Opaque("shop.Money")) == "<shop.Money>"
    assert str(Oversize(None, 12_345, "begin")) == "<12,345 bytes: begin>"
