"""Which elements of two lists stand for each other: an insertion at the front is one, not a thousand differences."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import attrs

Gap = tuple[int, int, int, int]
"""Elements without a partner that is the same: from, to in the control; from, to in the candidate."""

_CELLS = 4096
_LEVELS = 4
_COLUMNS = 8


@attrs.frozen
class Alignment:
    """How two lists were laid side by side: ``pairs`` of positions whose elements differ, and the surplus of either."""

    pairs: list[tuple[int, int]]
    missing: list[range]
    extra: list[range]

    @classmethod
    def of(
        cls, control: Sequence[Any], candidate: Sequence[Any], gaps: Iterable[Gap], *, by_name: bool = True
    ) -> Alignment:
        """Fill the gaps: objects of one name are partners, else what stands at one place; the rest is surplus."""
        divided = _named(control, candidate, gaps) if by_name else ((False, gap) for gap in gaps)
        pairs: list[tuple[int, int]] = []
        missing: list[range] = []
        extra: list[range] = []
        for named, (begin, end, start, stop) in divided:
            common = end - begin if named else min(end - begin, stop - start)
            pairs += zip(range(begin, begin + common), range(start, start + common), strict=True)
            missing += [range(begin + common, end)] if begin + common < end else []
            extra += [range(start + common, stop)] if start + common < stop else []
        return cls(pairs, missing, extra)


def _named(control: Sequence[Any], candidate: Sequence[Any], gaps: Iterable[Gap]) -> Iterator[tuple[bool, Gap]]:
    """The gaps, divided further where objects have names: (whether these are partners by name, positions)."""
    for gap in gaps:
        begin, end, start, stop = gap
        wide = begin < end and start < stop and (end - begin > 1 or stop - start > 1)
        below = by_column(control[begin:end], candidate[start:stop]) if wide else None
        if below is None:
            yield False, gap
            continue
        row, column = begin, start
        for one, other, third, fourth in below:
            yield True, (row, begin + one, column, start + third)
            yield False, (begin + one, begin + other, start + third, start + fourth)
            row, column = begin + other, start + fourth
        yield True, (row, end, column, stop)


def beside(gaps: Iterable[Gap], control: int, candidate: int) -> Iterator[tuple[int, int]]:
    """The pairs of positions outside the gaps of two lists of so many elements."""
    row = column = 0
    for begin, end, start, stop in [*gaps, (control, control, candidate, candidate)]:
        yield from zip(range(row, begin), range(column, start), strict=True)
        row, column = end, stop


def regardless_of_order(
    control: Sequence[Any], candidate: Sequence[Any], left: Sequence[Hashable], right: Sequence[Hashable]
) -> tuple[list[tuple[int, int]], Alignment]:
    """The pairs of what is the same wherever it stands, by its token; and what to make of the rest.

    Of the rest, objects of one name are partners, then what comes first on both sides.
    """
    places: dict[Hashable, list[int]] = {}
    for at in range(len(right) - 1, -1, -1):
        places.setdefault(right[at], []).append(at)
    same = [(at, places[token].pop()) for at, token in enumerate(left) if places.get(token)]
    taken, met = {at for at, _ in same}, {at for _, at in same}
    ours, theirs = [at for at in range(len(left)) if at not in taken], [at for at in range(len(right)) if at not in met]
    columns = _columns([control[at] for at in ours], [candidate[at] for at in theirs]) if ours and theirs else None
    pairs: list[tuple[int, int]] = []
    if columns is not None:
        named = dict(zip(columns[1], theirs, strict=True))
        pairs = [(at, named[name]) for name, at in zip(columns[0], ours, strict=True) if name in named]
        paired, partners = {at for at, _ in pairs}, {at for _, at in pairs}
        ours, theirs = [at for at in ours if at not in paired], [at for at in theirs if at not in partners]
    common = min(len(ours), len(theirs))
    pairs += zip(ours[:common], theirs[:common], strict=True)
    surplus = [range(at, at + 1) for at in ours[common:]], [range(at, at + 1) for at in theirs[common:]]
    return same, Alignment(sorted(pairs), *surplus)


def gaps_of(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Gap]:
    """What is left between the elements that two lists of tokens have in common, in order.

    Common ends go first, then what both have exactly once and in the same order, then small tables. The cost grows
    with the lists, never with their product; so a long list of few different elements may be aligned less than
    perfectly.
    """
    found: list[Gap] = []
    windows = [((0, len(left), 0, len(right)), 0)]
    while windows:
        window, level = windows.pop()
        begin, end, start, stop = window = _trimmed(left, right, window)
        if begin == end or start == stop:
            found += [window] if window[0] < end or start < stop else []
        elif (end - begin) * (stop - start) <= _CELLS:
            found += _between(window, _common(left[begin:end], right[start:stop]))
        elif level < _LEVELS and (anchors := _anchors(left[begin:end], right[start:stop])):
            windows += [(each, level + 1) for each in _between(window, anchors)]
        else:
            found.append(window)
    return sorted(found)


def gaps_by_index(unlike: Iterable[int], control: int, candidate: int) -> list[Gap]:
    """The same for lists of so many elements that are held against each other index by index."""
    found: list[Gap] = []
    for _, run in groupby(enumerate(unlike), key=lambda pair: pair[1] - pair[0]):
        indexes = [index for _, index in run]
        found.append((indexes[0], indexes[-1] + 1, indexes[0], indexes[-1] + 1))
    common = min(control, candidate)
    if control != candidate:
        begin = found.pop()[0] if found and found[-1][1] == common else common
        found.append((begin, control, begin, candidate))
    return found


def cost(gaps: Sequence[Gap]) -> int:
    """How many differences the gaps make: pairs of unlike elements, and the surplus unless one side has it all."""
    pairs = sum(min(end - begin, stop - start) for begin, end, start, stop in gaps)
    missing, extra = surplus(gaps)
    return pairs + (missing + extra if missing and extra else 0)


def surplus(gaps: Sequence[Gap]) -> tuple[int, int]:
    """How many elements the control and the candidate have that stand for nothing on the other side."""
    sizes = [(end - begin) - (stop - start) for begin, end, start, stop in gaps]
    return sum(size for size in sizes if size > 0), -sum(size for size in sizes if size < 0)


def by_column(control: Sequence[Any], candidate: Sequence[Any]) -> list[Gap] | None:
    """The gaps of two lists of objects by what names them; None where holding them index by index is as good.

    A column names them when it holds a text or a whole number in every object and none twice, whatever it is called.
    """
    names = _columns(control, candidate)
    if names is None or sum(map(_same, *names)) >= len(set(names[0]) & set(names[1])):
        return None
    return gaps_of(*names)


def _columns(control: Sequence[Any], candidate: Sequence[Any]) -> tuple[list[Hashable], list[Hashable]] | None:
    """The column that names most of the objects on both sides, at least half of them."""
    if not all(type(item) is dict for side in (control, candidate) for item in side):
        return None
    best, names = 1, None
    for key in list(control[0])[:_COLUMNS]:
        left, right = _column(control, key), _column(candidate, key)
        if left is not None and right is not None:
            shared = len(set(left) & set(right))
            if shared > best:
                best, names = shared, (left, right)
    return names if 2 * best >= min(len(control), len(candidate)) else None


def _same(left: Hashable, right: Hashable) -> bool:
    return left == right


def _column(rows: Sequence[dict[str, Any]], key: str) -> list[Hashable] | None:
    found: list[Hashable] = [row.get(key) for row in rows]
    if {type(value) for value in found} - {str, int} or len(set(found)) < len(found):
        return None
    return found


def _trimmed(left: Sequence[Hashable], right: Sequence[Hashable], window: Gap) -> Gap:
    begin, end, start, stop = window
    while begin < end and start < stop and left[begin] == right[start]:
        begin, start = begin + 1, start + 1
    while begin < end and start < stop and left[end - 1] == right[stop - 1]:
        end, stop = end - 1, stop - 1
    return begin, end, start, stop


def _between(window: Gap, pairs: Iterable[tuple[int, int]]) -> list[Gap]:
    """What ``pairs`` of positions leave of the window in which they count."""
    begin, end, start, stop = window
    found: list[Gap] = []
    row, column = begin, start
    for one, other in pairs:
        if (row, column) != (begin + one, start + other):
            found.append((row, begin + one, column, start + other))
        row, column = begin + one + 1, start + other + 1
    if (row, column) != (end, stop):
        found.append((row, end, column, stop))
    return found


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions that rise on both sides: of what each side has once, or else of each one's nth occurrence."""
    pairs = _pairs(_once(left), _once(right)) or _pairs(_numbered(left), _numbered(right))
    return _rising(pairs)


def _once(tokens: Sequence[Hashable]) -> dict[Hashable, int]:
    counts = Counter(tokens)
    return {token: index for index, token in enumerate(tokens) if counts[token] == 1}


def _numbered(tokens: Sequence[Hashable]) -> dict[Hashable, int]:
    seen: Counter[Hashable] = Counter()
    found: dict[Hashable, int] = {}
    for index, token in enumerate(tokens):
        seen[token] += 1
        found[token, seen[token]] = index
    return found


def _pairs(left: dict[Hashable, int], right: dict[Hashable, int]) -> list[tuple[int, int]]:
    return [(index, right[token]) for token, index in left.items() if token in right]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of ``pairs`` (sorted by the first) in which the second rises too."""
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for number, (_, position) in enumerate(pairs):
        at = bisect_left(ends, position)
        ends[at : at + 1] = [position]
        tails[at : at + 1] = [number]
        before.append(tails[at - 1] if at else -1)
    found: list[tuple[int, int]] = []
    number = tails[-1] if tails else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _common(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions of a longest common subsequence, by a table: for short lists only."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        row, below = table[i], table[i + 1]
        for j in range(len(right) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if left[i] == right[j] else max(below[j], row[j + 1])
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
