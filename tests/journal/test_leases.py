"""Who may work on a partition: leases, fences and heartbeats."""

from __future__ import annotations

import pytest

from sidecar_science.errors import LeaseLost, UsageError
from sidecar_science.journal.protocol import Journal, Lease, Settlement
from tests.journal.steps import LONG, PARTITION, PAST_SHORT, SHORT, admitted, fill, joined, owned, taken
from tests.twins import Twin


def test_a_partition_has_one_owner_at_a_time(journal_twin: Twin) -> None:
    """While one worker holds a lease, another gets none, whichever journal it asks."""
    lease = joined(journal_twin).acquire(PARTITION, "w1", LONG)

    other = journal_twin.journal().acquire(PARTITION, "w2", LONG)

    assert lease is not None
    assert other is None


def test_partitions_and_environments_are_leased_apart(journal_twin: Twin) -> None:
    """A lease is for one partition of one environment."""
    journal, other = joined(journal_twin), joined(journal_twin, "c")
    owned(journal)

    assert journal.acquire(2, "w2", LONG) is not None
    assert other.acquire(PARTITION, "w2", LONG) is not None


def test_a_lease_ends_by_itself(journal_twin: Twin) -> None:
    """A worker that went silent is succeeded, by a lease with a higher fence."""
    journal = joined(journal_twin)
    first = owned(journal, ttl=SHORT)

    journal_twin.pass_time(PAST_SHORT)

    assert owned(journal, "w2").fence > first.fence


def test_a_released_lease_is_free_at_once(journal_twin: Twin) -> None:
    """Handing over does not wait for the lease to end."""
    journal = joined(journal_twin)
    journal.release(owned(journal))

    assert journal.acquire(PARTITION, "w2", LONG) is not None


def test_releasing_a_lost_lease_leaves_its_successor_alone(journal_twin: Twin) -> None:
    """Only the holder can give a lease back."""
    journal = joined(journal_twin)
    lost = owned(journal)
    journal_twin.end_lease(lost)
    owned(journal, "w2")

    journal.release(lost)

    assert journal.acquire(PARTITION, "w3", LONG) is None


def test_a_renewed_lease_goes_on(journal_twin: Twin) -> None:
    """Renewing counts from now."""
    journal = joined(journal_twin)
    lease = owned(journal, ttl=SHORT)

    lost = journal.renew([lease], LONG)
    journal_twin.pass_time(PAST_SHORT)

    assert lost == set()
    assert journal.acquire(PARTITION, "w2", LONG) is None


def test_renewing_tells_which_leases_are_lost(journal_twin: Twin) -> None:
    """Of several leases, those that ended are named, and the others go on."""
    journal = joined(journal_twin)
    ended, held = owned(journal, partition=0), owned(journal, partition=1)
    journal_twin.end_lease(ended)

    assert journal.renew([ended, held], LONG) == {0}
    assert journal.renew([], LONG) == set()


def test_a_worker_that_acquires_again_makes_its_own_lease_void(journal_twin: Twin) -> None:
    """A worker that does not know what it holds gets a new token; what it began under the old one is fenced."""
    journal = joined(journal_twin)
    before = owned(journal)

    again = owned(journal)

    assert again.fence > before.fence
    assert journal.renew([before], LONG) == {PARTITION}
    assert journal.renew([again], LONG) == set()


def _settle(journal: Journal, lease: Lease, entry: str) -> object:
    return journal.settle(lease, [Settlement(entry=entry, add={"n": 1})])


@pytest.mark.parametrize(
    "act",
    [
        _settle,
        lambda journal, lease, entry: journal.start(lease, entry, limit=9),
        lambda journal, lease, entry: journal.withdraw(lease, entry, 1),
        lambda journal, lease, entry: journal.bury(lease, entry, "poison", b"x"),
        lambda journal, lease, entry: journal.foreign(lease, entry, "undecodable", b"x"),
        lambda journal, lease, entry: journal.admit(lease, []),
        lambda journal, lease, entry: journal.recover(lease),
    ],
    ids=["settle", "start", "withdraw", "bury", "foreign", "admit", "recover"],
)
def test_a_worker_that_has_lost_its_lease_changes_nothing(journal_twin: Twin, act: object) -> None:
    """A zombie, paused beyond its lease, is told so, and its successor finds everything as it was."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    zombie = owned(journal)
    [claimed] = taken(journal, zombie)
    journal_twin.end_lease(zombie)
    successor = owned(journal_twin.journal(), "w2")

    with pytest.raises(LeaseLost):
        act(journal, zombie, claimed.entry)  # type: ignore[operator]

    assert [each.entry for each in journal.recover(successor)] == [claimed.entry]
    assert journal.accounts().pending == 1
    assert all(field.startswith("@") for tally in journal.tallies() for field in tally)
    assert journal.start(successor, claimed.entry, limit=1).attempt == 1


def test_a_worker_that_has_lost_its_lease_claims_nothing(journal_twin: Twin) -> None:
    """A zombie takes no new entries away from its successor."""
    journal = joined(journal_twin)
    zombie = owned(journal)
    journal_twin.end_lease(zombie)
    successor = owned(journal, "w2")
    fill(journal_twin, "a")

    assert journal.claim([zombie], 10) == []
    assert admitted(journal, successor, journal.claim([successor], 10)) == set()


def test_an_ended_lease_is_lost_before_anybody_has_taken_it(journal_twin: Twin) -> None:
    """A lease that has ended gives no right, also while the partition has no owner."""
    journal = joined(journal_twin)
    lease = owned(journal)
    journal_twin.end_lease(lease)

    with pytest.raises(LeaseLost):
        journal.recover(lease)


def test_workers_are_counted_while_they_beat(journal_twin: Twin) -> None:
    """The share of a worker follows the live ones: those that went silent or left do not count."""
    journal = joined(journal_twin)

    assert journal.beat("w1", partitions=0, ttl=LONG) == 1
    assert journal.beat("w2", partitions=2, ttl=SHORT) == 2
    assert journal.beat("w3", partitions=2, ttl=LONG) == 3
    journal_twin.pass_time(PAST_SHORT)
    assert journal.beat("w1", partitions=0, ttl=LONG) == 2
    journal.leave("w3")
    assert journal.beat("w1", partitions=0, ttl=LONG) == 1


def test_a_worker_id_that_cannot_be_part_of_a_token_is_refused(journal_twin: Twin) -> None:
    """A token is the worker and the fence; nothing in the first may look like the second."""
    with pytest.raises(UsageError, match="worker id"):
        joined(journal_twin).acquire(PARTITION, "w:1|", LONG)
