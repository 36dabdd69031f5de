"""With a signing key, only what a holder of it wrote for this place is let in, and that once."""

from __future__ import annotations

import pytest

from sidecar_science.codec.keys import Keyring
from tests.worker.bench import KEY, Bench

OTHER_KEY = "a key that nobody here knows of"


@pytest.fixture
def bench():
    return Bench(signing_key=KEY)


def test_what_is_signed_with_our_key_comes_in(bench):
    """And the job is compared with that key's fingerprints."""
    bench.append(bench.job("shop.get"))

    queue = bench.read()

    assert queue.take(bench.clock.monotonic()).stamp.key_id == bench.sidecar.keyring.sign(b"")[0]


def test_what_nobody_signed_is_buried(bench):
    """Whoever can write to Redis is not yet a recorder."""
    bench.put(bench.seal(bench.job("shop.get"), keyring=Keyring(namespace="bench")))

    assert len(bench.read()) == 0
    assert bench.reasons == ["wrong_signature: the envelope is not signed, and a signing key is configured"]


def test_what_another_key_signed_is_buried(bench):
    """A key of somebody else's is no key."""
    bench.put(bench.seal(bench.job("shop.get"), keyring=Keyring([OTHER_KEY], namespace="bench")))

    assert len(bench.read()) == 0
    assert bench.reasons[0].startswith("wrong_signature: ")


def test_what_was_signed_for_another_namespace_is_buried(bench):
    """The same key may serve two applications."""
    bench.put(bench.seal(bench.job("shop.get"), keyring=Keyring([KEY], namespace="elsewhere")))

    assert len(bench.read()) == 0


def test_no_byte_of_it_can_be_changed(bench):
    """Each byte in turn: every single one is found out."""
    sealed = bench.seal(bench.job("shop.get", "tea"))
    for place in range(len(sealed)):
        bench.put(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])

    queue = bench.read()

    assert len(queue) == 0
    accounts = bench.journal.accounts()
    assert accounts.foreign + accounts.settled == len(sealed)


def test_an_older_key_still_opens_what_it_signed(bench):
    """Keys are changed while jobs are under way."""
    newer = Bench(signing_key=(OTHER_KEY, KEY))
    newer.put(newer.seal(newer.job("shop.get"), keyring=bench.sidecar.keyring))

    assert len(newer.read()) == 1


def test_a_genuine_entry_in_another_partition_is_buried():
    """Moved elsewhere it would lose its order."""
    bench = Bench(signing_key=KEY, partitions=2)
    bench.put(bench.seal(bench.job("shop.get"), partition=1), partition=0)

    queue = bench.queue(0)
    bench.intake().fill([queue], 0.0)

    assert len(queue) == 0
    assert "made for partition 1 and stands in 0" in bench.reasons[0]


def test_a_genuine_entry_added_again_is_a_duplicate(bench):
    """It is recognized by its stamp, counted, and not run a second time."""
    sealed = bench.seal(bench.job("shop.get"))
    bench.put(sealed, sealed)
    bench.put(sealed)

    queue = bench.read()

    assert len(queue) == 1
    accounts = bench.journal.accounts()
    assert (accounts.duplicates, accounts.pending) == (2, 1)
    assert bench.events.names == ["job.duplicate"] * 2
