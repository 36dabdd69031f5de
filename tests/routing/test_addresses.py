"""Where connections may go, and how that follows the names."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from sidecar_science.routing.addresses import LEARNED_SECONDS, REFRESH_SECONDS, Addresses

from .conftest import StillClock


class Names:
    """A resolver whose answers a test can change; it counts how often it is asked."""

    def __init__(self, **hosts: list[str]) -> None:
        self.hosts = hosts
        self.asked = 0

    def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked += 1
        if host not in self.hosts:
            raise socket.gaierror(-2, "Name or service not known")
        return answers(*self.hosts[host])


def answers(*addresses: str) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]


@pytest.fixture
def names() -> Names:
    return Names(b=["192.0.2.1"])


@pytest.fixture
def addresses(names: Names, clock: StillClock) -> Addresses:
    addresses = Addresses([("b", 80), ("127.0.0.1", 5000)], clock=clock, resolver=names)
    addresses.resolve()
    return addresses


@pytest.mark.parametrize(
    ("host", "port"),
    [
        *[("b", 80), ("B.", 80), ("192.0.2.1", 80), ("::ffff:192.0.2.1", 80)],
        *[("127.0.0.1", 5000), ("localhost", 5000), ("::1", 5000), ("0.0.0.0", 5000), ("", 5000)],
    ],
)
def test_an_endpoint_is_held_by_name_and_by_address(host: str, port: int, addresses: Addresses) -> None:
    """Whichever way a library goes, the place is the same."""
    assert addresses.hold(host, port)


@pytest.mark.parametrize(("host", "port"), [("b", 81), ("b", 5000), ("c", 80), ("192.0.2.2", 80), ("127.0.0.2", 5000)])
def test_host_and_port_belong_together(host: str, port: int, addresses: Addresses) -> None:
    """The host of one endpoint with the port of another is no endpoint."""
    assert not addresses.hold(host, port)


def test_names_are_known_without_a_port(addresses: Addresses) -> None:
    """A name may be resolved when some endpoint has it."""
    assert [addresses.name(host) for host in ("b", "B.", "localhost", "c", "192.0.2.1")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_service_that_moved_is_found_again(addresses: Addresses, names: Names, clock: StillClock) -> None:
    """An unknown address on a known port makes the names be asked again, once per second and not more often."""
    names.hosts["b"] = ["192.0.2.9"]
    asked = names.asked

    at_once = addresses.hold("192.0.2.9", 80)
    clock.now += REFRESH_SECONDS
    later = addresses.hold("192.0.2.9", 80)
    known = addresses.hold("192.0.2.9", 80)
    stray = addresses.hold("192.0.2.77", 80)

    assert (at_once, later, known, stray) == (False, True, True, False)
    assert names.asked == asked + 2  # two names, asked once
    assert not addresses.hold("192.0.2.1", 80)


def test_an_unknown_port_asks_nobody(addresses: Addresses, names: Names, clock: StillClock) -> None:
    """What cannot be an endpoint on any host costs no resolution."""
    clock.now += 100
    asked = names.asked

    assert not addresses.hold("192.0.2.9", 443)
    assert names.asked == asked


def test_what_somebody_else_resolved_is_learned(addresses: Addresses, names: Names, clock: StillClock) -> None:
    """A name that gives everybody another address leads to the one that the client got, for a while."""
    addresses.learn("B", answers("192.0.2.50"))
    addresses.learn("c", answers("192.0.2.60"))

    learned = addresses.hold("192.0.2.50", 80)
    clock.now += REFRESH_SECONDS
    stray = addresses.hold("192.0.2.60", 80)
    kept = addresses.hold("192.0.2.50", 80)
    clock.now += LEARNED_SECONDS
    addresses.refresh()

    assert (learned, stray, kept) == (True, False, True)
    assert not addresses.hold("192.0.2.50", 80)


def test_learning_what_is_known_changes_nothing(addresses: Addresses) -> None:
    """The ordinary case, an address that is known already, takes no lock and writes nothing."""
    before = addresses._known

    addresses.learn("b", answers("192.0.2.1"))

    assert addresses._known is before


def test_a_name_that_leads_to_a_leads_nowhere(names: Names, clock: StillClock) -> None:
    """B's name with one of A's addresses behind it is not believed: not at the start, not after a move, not learned."""
    names.hosts |= {"a": ["192.0.2.100"], "c": ["192.0.2.3", "192.0.2.100"]}
    addresses = Addresses([("b", 80), ("c", 80)], taken=[("a", 80)], clock=clock, resolver=names)
    addresses.resolve()
    at_start = [addresses.hold(host, 80) for host in ("b", "c", "192.0.2.3", "192.0.2.100")]

    addresses.learn("b", answers("192.0.2.100"))
    names.hosts["b"] = ["192.0.2.100"]
    clock.now += REFRESH_SECONDS
    addresses.hold("192.0.2.8", 80)

    assert at_start == [True, False, False, False]
    assert [addresses.hold(host, 80) for host in ("b", "192.0.2.100", "a")] == [False, False, False]


def test_a_name_that_does_not_resolve_is_still_a_name(clock: StillClock) -> None:
    """B may come up later; until then its name is known and its address is not."""
    names = Names()
    addresses = Addresses([("b", 80)], clock=clock, resolver=names)
    addresses.resolve()
    names.hosts["b"] = ["192.0.2.1"]
    clock.now += REFRESH_SECONDS

    assert addresses.name("b")
    assert addresses.hold("192.0.2.1", 80)


def test_endpoints_read_as_a_list(addresses: Addresses, clock: StillClock) -> None:
    """Error texts quote what was asked for, and say when that is nothing."""
    assert str(addresses) == "127.0.0.1:5000, b:80"
    assert str(Addresses([], clock=clock)) == "nothing"
