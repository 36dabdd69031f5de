"""Of which keys jobs were dispatched: what comes after a later one of its key is late, whoever owns the partition then."""

from __future__ import annotations

import pytest

from sidecar_science.errors import LeaseLost
from sidecar_science.journal import layout
from sidecar_science.journal.protocol import Journal, Lease
from tests.journal.steps import fill, joined, owned, taken
from tests.twins import RedisTwin, Twin

AT = 1_763_900_000.123456


def _start(journal: Journal, lease: Lease, entry: str, key: str | None, at: float) -> None:
    journal.start(lease, entry, limit=1, key=key, completed_at=at)


def test_the_next_owner_knows_what_was_dispatched(journal_twin: Twin) -> None:
    """Of each key the latest, to the microsecond; an earlier one that is started after it changes nothing."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c", "d")
    lease = owned(journal)
    a, b, c, d = taken(journal, lease)

    _start(journal, lease, a.entry, "k1", AT)
    _start(journal, lease, b.entry, "k1", AT - 1.0)
    _start(journal, lease, c.entry, "k2", AT + 1.0)
    _start(journal, lease, d.entry, None, AT + 2.0)
    journal_twin.end_lease(lease)

    assert journal.dispatched(owned(journal, "w2")) == {"k1": AT, "k2": AT + 1.0}


def test_what_may_not_be_sent_is_not_dispatched(journal_twin: Twin) -> None:
    """An entry that is not in hand starts nothing."""
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = journal.claim([lease], 10)

    _start(journal, lease, a.entry, "k1", AT)

    assert journal.dispatched(lease) == {}


def test_only_the_owner_is_told(journal_twin: Twin) -> None:
    """Somebody else may be dispatching meanwhile."""
    journal = joined(journal_twin)
    lease = owned(journal)
    journal_twin.end_lease(lease)

    with pytest.raises(LeaseLost):
        journal.dispatched(lease)


def test_so_many_keys_are_remembered(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the latest jobs: what is far behind them is hardly coming any more."""
    monkeypatch.setattr(layout, "DISPATCHED_KEYS", 2)
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b", "c")
    lease = owned(journal)
    for n, each in enumerate(taken(journal, lease)):
        _start(journal, lease, each.entry, f"k{n}", AT - n)

    assert journal.dispatched(lease) == {"k0": AT, "k1": AT - 1}


def test_nothing_is_remembered_for_ever(journal_twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settled job leaves no bytes behind in a journal that nobody uses."""
    monkeypatch.setattr(layout, "DISPATCHED_SECONDS", 0.4)
    journal = joined(journal_twin)
    fill(journal_twin, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    _start(journal, lease, a.entry, "k1", AT)

    journal_twin.pass_time(0.45)

    assert journal.dispatched(lease) == {}


def test_another_epoch_has_other_data(journal_twin: Twin) -> None:
    """What was run on the old one is no matter; so it is after a reset."""
    journal = joined(journal_twin)
    fill(journal_twin, "a", "b")
    lease = owned(journal)
    a, b = taken(journal, lease)
    _start(journal, lease, a.entry, "k1", AT)

    journal.join(epoch="e2")
    assert journal.dispatched(lease) == {}
    _start(journal, lease, b.entry, "k1", AT)
    journal.reset(force=True)

    assert journal.dispatched(owned(journal, "w2")) == {}


@pytest.mark.realserver
def test_what_was_dispatched_is_kept_as_documented(real_journal: RedisTwin) -> None:
    """A sorted set by completion, with a time to live."""
    journal = joined(real_journal)
    fill(real_journal, "a")
    lease = owned(journal)
    [a] = taken(journal, lease)
    _start(journal, lease, a.entry, "k1", AT)
    key = layout.Keys(real_journal.namespace).of(1, "dispatched", "b")

    assert real_journal.link.command("ZRANGE", key, 0, -1) == [b"k1"]
    assert 3_500_000 < real_journal.link.command("PTTL", key) <= 3_600_000
