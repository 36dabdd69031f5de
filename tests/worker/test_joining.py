"""An environment is taken up at the start, and again when somebody has taken its groups away."""

from __future__ import annotations

from sidecar_science.errors import NeverJoined
from sidecar_science.worker.joining import join, join_again

ROUTES = {"shop": "http://b.test"}


def test_joining_says_nothing_in_a_journal_that_is_as_it_was(bench):
    """There is nothing to be warned of."""
    joined = join(bench.journal, "earliest", epoch="e1", routes=ROUTES, log=bench.events)

    assert (joined.new, joined.epoch, bench.events.all) == (False, "e1", [])
    assert bench.journal.environments()[0].routes == ROUTES


def test_an_environment_that_had_expired_says_so(bench):
    """What it had not read is gone, and the report counts it."""
    other = bench.journal_of("b-2")
    other.join()
    bench.clock.advance(8 * 86_400.0)
    other.trim()

    join(bench.journal, "earliest", epoch=None, routes=ROUTES, log=bench.events)

    [told] = bench.events.of("environment.expired")
    assert told["environment"] == "b-1"


def test_joining_again_says_what_happened(bench):
    """A known environment keeps its epoch, whatever the worker was started with."""
    bench.journal.join(epoch="e2")
    bench.server.partitions[0].groups.clear()

    joined = join_again(bench.journal, NeverJoined("no group"), epoch="e1", routes=ROUTES, log=bench.events)

    assert joined.epoch == "e2"
    [told] = bench.events.of("journal.joined_again")
    assert (told["forgotten"], told["why"]) == (False, "no group")
    assert bench.journal.acquire(0, "w", 10.0) is not None


def test_an_environment_that_is_not_known_any_more_is_told_its_epoch_and_routes(bench):
    """After a flush nobody else knows them."""
    bench.server.partitions[0].groups.clear()
    bench.server.environments.clear()

    join_again(bench.journal, NeverJoined("no group"), epoch="e1", routes=ROUTES, log=bench.events)

    [known] = bench.journal.environments()
    assert (known.epoch, known.routes) == ("e1", ROUTES)
    [told] = bench.events.of("journal.joined_again")
    assert told["forgotten"]
