"""Jobs go through the journal as sealed bytes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from sidecar_science.codec import envelope, values
from sidecar_science.codec.keys import Keyring
from sidecar_science.errors import Undecodable, UnsupportedVersion, WrongSignature
from sidecar_science.journal.job import Call, Job, Stamp, seal, unseal

JOB = Job(
    id="j1", experiment="shop.pay", service="shop", effect="write", key="k" * 32, completed_at=1e9, duration=0.5,
    cpu_time=0.1, sent=True, value=b"v", error=None, exchanges=b"e", context=b"c", consumed=3, exhausted=False,
    gaps=("*", "g"), calls=(Call(function="shop.pay", arguments=b"a"), Call(function="x", obstacle="a file at $")),
)  # fmt: skip
STAMP = Stamp(producer="p1", partition=7, sequence=12)


@pytest.mark.parametrize(
    "keyring", [Keyring(), Keyring(signing=["secret-key-of-length-32-or-more!"])], ids=["plain", "signed"]
)
def test_a_job_comes_back_as_it_was_sealed(keyring: Keyring) -> None:
    """Every field of the job and of its stamp survives."""
    job, stamp = unseal(seal(JOB, STAMP, keyring), keyring, 7)

    assert job == JOB
    assert attrs.evolve(stamp, key_id=b"") == STAMP
    assert bool(stamp.key_id) == keyring.signs


def test_a_job_that_stands_in_another_partition_is_refused() -> None:
    """A genuine entry that was copied elsewhere would escape the order of its key."""
    with pytest.raises(Undecodable, match="made for partition 7 and stands in 8"):
        unseal(seal(JOB, STAMP, Keyring()), Keyring(), 8)


@pytest.mark.parametrize(
    ("header", "body"),
    [([], []), ([1, 2], [[], None, None, None, None]), ("text", 5), ({"a": 1}, None)],
)
def test_an_envelope_that_holds_no_job_is_refused(header: object, body: object) -> None:
    """What opens and is no job is as unreadable as garbage."""
    data = envelope.seal(values.pack(header), values.pack(body), Keyring())

    with pytest.raises(Undecodable, match="holds no job"):
        unseal(data, Keyring(), 7)


@pytest.mark.parametrize("sequence", [-1, 2**53, 1.0, True])
def test_a_sequence_that_the_journal_cannot_count_is_no_job(sequence: int) -> None:
    """Where nothing is signed anybody writes envelopes; an absurd one is unreadable, not a crash of the worker."""
    data = seal(JOB, Stamp(producer="p1", partition=7, sequence=sequence), Keyring())

    with pytest.raises(Undecodable, match="holds no job"):
        unseal(data, Keyring(), 7)


@pytest.mark.parametrize(
    "change",
    [{"id": 5}, {"completed_at": float("nan")}, {"calls": (Call(function=b"x"),)}, {"gaps": (1,)}],  # type: ignore[arg-type]
)
def test_a_job_with_other_types_in_it_is_no_job(change: dict[str, Any]) -> None:
    """Fields are what they say, or the whole is unreadable."""
    data = seal(attrs.evolve(JOB, **change), STAMP, Keyring())

    with pytest.raises(Undecodable, match="holds no job"):
        unseal(data, Keyring(), 7)


def test_garbage_strangers_and_later_versions_are_told_apart() -> None:
    """What is not ours, what nobody with a key made, and what a newer release wrote are three errors."""
    ours = seal(JOB, STAMP, Keyring())
    signed = Keyring(signing=["secret-key-of-length-32-or-more!"])

    with pytest.raises(Undecodable):
        unseal(b"\x80\x04\x95garbage", Keyring(), 7)
    with pytest.raises(WrongSignature):
        unseal(ours, signed, 7)
    with pytest.raises(UnsupportedVersion):
        unseal(ours[:2] + bytes([ours[2] + 1]) + ours[3:], Keyring(), 7)
