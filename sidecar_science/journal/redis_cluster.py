"""Commands and scripts on their way to the servers of a cluster, each to the one that has its keys.

All keys of a partition are in one slot. What concerns several partitions is sent to each server at once, as one batch
of its own: nothing is atomic across slots, and nothing of the journal has to be.
"""

from __future__ import annotations

import binascii
import bisect
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import JournalError, JournalUnavailable
from sidecar_science.journal.redis_link import Call, Command, Link

Address = tuple[str, int]
T = TypeVar("T")
P = TypeVar("P", bound=Hashable)

_SLOTS: Final = 16384
_LOOK_EVERY: Final = 0.02
_SCRIPTED: Final = frozenset({"EVAL", "EVALSHA"})
_KEYLESS: Final = frozenset({"TIME", "PING", "INFO", "CONFIG"})


class ClusterLink(Link):
    """Looks up who has which slots when it is first used, and again after every trouble.

    ``connect`` makes the link to one server; ``seeds`` are those that are asked for the others.
    """

    def __init__(
        self, seeds: Sequence[Address], connect: Callable[[Address], Link], *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._seeds = seeds
        self._connect = connect
        self._clock = clock
        self._nodes: dict[Address, Link] = {}
        self._starts: list[int] = []
        self._owners: list[Address] = []
        self._looking = threading.Lock()

    def command(self, *words: Any) -> Any:
        return self._heeded(lambda: self._node_of(_key(words)).command(*words))

    def batch(self, commands: Sequence[Command], *, atomic: bool = False) -> list[Any]:
        """As to one server; ``atomic`` holds for the commands of each slot.

        Without that, a server with room again in the middle of a batch could take a later entry of a producer and not
        an earlier one, which would then be taken for a duplicate.
        """

        def send(node: Link, some: Sequence[Command]) -> list[Any]:
            if not atomic:
                return node.batch(some)
            return _spread(some, lambda words: slot_of(_key(words) or ""), lambda _, few: node.batch(few, atomic=True))

        return self._heeded(lambda: _spread(commands, lambda words: self._node_of(_key(words)), send))

    def run_all(self, name: str, calls: Sequence[Call]) -> list[Any]:
        return self._heeded(
            lambda: _spread(calls, lambda call: self._node_of(call[0][0]), lambda node, some: node.run_all(name, some))
        )

    def arrived(self, positions: Mapping[str, str], milliseconds: int = 0) -> list[str]:
        """As to one server. A blocking read can wait for streams of one slot alone, so it looks now and then."""
        commands = [("XREAD", "COUNT", 1, "STREAMS", key, position) for key, position in positions.items()]
        until = self._clock.monotonic() + milliseconds / 1000
        while True:
            replies = self.batch(commands)
            found = [key for key, reply in zip(positions, replies, strict=True) if reply]
            left = until - self._clock.monotonic()
            if found or left <= 0:
                return found
            self._clock.wait(threading.Event(), min(left, _LOOK_EVERY))

    def servers(self) -> list[Link]:
        self._heeded(lambda: self._node_of(None))
        return [self._at(owner) for owner in dict.fromkeys(self._owners)]

    def close(self) -> None:
        for node in self._nodes.values():
            node.close()

    def _heeded(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except JournalUnavailable:
            # Perhaps another server has the slots now: whoever tries again is to find it.
            self._starts = []
            raise

    def _node_of(self, key: str | None) -> Link:
        with self._looking:
            if not self._starts:
                self._look_up()
        owner = self._owners[bisect.bisect_right(self._starts, slot_of(key or "")) - 1]
        return self._at(owner)

    def _at(self, address: Address) -> Link:
        if address not in self._nodes:
            self._nodes[address] = self._connect(address)
        return self._nodes[address]

    def _look_up(self) -> None:
        trouble: JournalError = JournalUnavailable("no server of the cluster is known")
        for seed in dict.fromkeys([*self._nodes, *self._seeds]):
            try:
                slots = sorted(_slots(self._at(seed).command("CLUSTER SLOTS"), seed))
            except JournalUnavailable as error:
                trouble = error
                continue
            if sum(last - first + 1 for first, last, _ in slots) == _SLOTS:
                self._starts = [first for first, _, _ in slots]
                self._owners = [owner for _, _, owner in slots]
                return
            trouble = JournalUnavailable("the cluster does not cover all of its slots")
        raise trouble


def slot_of(key: str) -> int:
    """The slot of a key: of what stands in its first braces, if anything does."""
    _, brace, rest = key.partition("{")
    tag, end, _ = rest.partition("}")
    return binascii.crc_hqx((tag if brace and end and tag else key).encode(), 0) % _SLOTS


def _slots(reply: Any, asked: Address) -> Iterator[tuple[int, int, Address]]:
    """First and last slot of each range, and the server that has it. redis-py gives a dict, and Redis a list."""
    ranges = (
        [(*slots, [each["primary"][0], each["primary"][1]]) for slots, each in reply.items()]
        if isinstance(reply, dict)
        else [(first, last, owner[:2]) for first, last, owner, *_ in reply]
    )
    for first, last, (host, port) in ranges:
        name = host.decode() if isinstance(host, bytes) else host
        yield int(first), int(last), (name or asked[0], int(port))


def _spread(items: Sequence[T], place_of: Callable[[T], P], send: Callable[[P, Sequence[T]], list[Any]]) -> list[Any]:
    """The replies to ``items``, in their order; those of one place are sent together, in their order."""
    places: defaultdict[P, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        places[place_of(item)].append(number)
    replies: list[Any] = [None] * len(items)
    for place, some in places.items():
        for number, reply in zip(some, send(place, [items[number] for number in some]), strict=True):
            replies[number] = reply
    return replies


def _key(words: Command) -> str | None:
    """The first key of one of the journal's own commands; None where it has none."""
    command = words[0]
    if command in _KEYLESS:
        return None
    if command in _SCRIPTED:
        return str(words[3])
    if command == "XREAD":
        return str(words[words.index("STREAMS") + 1])
    return str(words[1])
