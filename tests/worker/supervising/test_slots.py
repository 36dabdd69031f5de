"""What a process notes of its work, as another process reads it."""

from __future__ import annotations

import pytest

from sidecar_science.worker.supervising.slots import Slots


def test_what_is_in_hand_is_read_by_partition():
    """Every slot holds one entry, and the first partition is one as well."""
    slots = Slots(4)
    slots.slot(0).take(0, "5-0")
    slots.slot(1).take(7, "1763900000000-12")
    slots.slot(3).take(7, f"{2**63}-{2**64 - 1}")

    assert slots.in_hand() == {0: ["5-0"], 7: ["1763900000000-12", f"{2**63}-{2**64 - 1}"]}


def test_what_is_done_is_not_in_hand():
    """Slots are used again."""
    slots = Slots(1)
    slot = slots.slot(0)
    slot.take(3, "5-0")
    slot.take(4, "6-0")
    assert slots.in_hand() == {4: ["6-0"]}

    slot.clear()

    assert slots.in_hand() == {}


def test_a_slot_that_does_not_exist_is_not_written():
    """It would be somebody else's memory."""
    with pytest.raises(Exception, match="buffer"):
        Slots(1).slot(1).take(0, "5-0")
