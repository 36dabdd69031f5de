"""Envelopes and values as released versions wrote them, in hex: every later release must read them.

``python -m tests.codec.golden`` writes those that are missing. None is ever written anew.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sidecar_science.codec import values
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Opaque, Oversize, Secret

from ..shop import Bit, Color, Money, Pair, Point, Right

HERE = Path(__file__).parent
SIGNING, ENCRYPTION, NAMESPACE = "golden signing key 1", "golden encryption key 1", "golden"

HEADER = values.pack(["producer", 7, 42, "job", None, 1.5, True])
BODY = values.pack([["candidate", "f", b"\x92\x90\x80", None], "x" * 1000])

FLAVORS: dict[str, tuple[Keyring, bool]] = {
    "v1-plain": (Keyring(namespace=NAMESPACE), False),
    "v1-signed": (Keyring([SIGNING], namespace=NAMESPACE), False),
    "v1-compressed": (Keyring(namespace=NAMESPACE), True),
    "v1-encrypted": (Keyring(encryption=[ENCRYPTION], namespace=NAMESPACE), False),
    "v1-signed-encrypted-compressed": (Keyring([SIGNING], [ENCRYPTION], NAMESPACE), True),
}

VALUES: dict[Any, Any] = {
    "plain": [None, True, -1, 2.5, "é", b"\xff", {"k": []}],
    "numbers": [2**64, -(2**63) - 1, Decimal("-1.50"), float("inf")],
    "sequences": [(1, (2,)), {3}, frozenset([4]), bytearray(b"5")],
    "times": [
        dt.datetime(2020, 10, 25, 1, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/London")),
        dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
        dt.date(2026, 11, 23),
        dt.time(1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=2), "CEST")),
        dt.timedelta(-1, 5, 6),
    ],
    "named": [UUID(int=5), Color.BLUE, Right.READ | Right.WRITE, Bit(3), Money(1, "EUR"), Point(1.0, -0.0), Pair(1, 2)],
    "markers": [Secret("0123456789abcdef"), Oversize("ab", 3, "c"), Oversize(None, 3, ""), Opaque("shop.Thing")],
    "surrogate": "\ud800",
    (1, "tuple"): {1: "int key", "1": "text key", True + 1: b"x"},
}


def read(name: str) -> bytes:
    return bytes.fromhex((HERE / f"{name}.hex").read_text())
