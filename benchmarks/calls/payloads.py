"""Made-up content items of a wanted size, as dense as those of a real publishing API (25 to 30 values per KB)."""

from __future__ import annotations

import json
import random
from typing import Any, Final

SIZES: Final = {"1 KB": 1024, "6.5 KB": 6656, "20 KB": 20480}

_WORDS: Final = (
    *("apply", "council", "tax", "licence", "vehicle", "travel", "advice", "guidance", "benefit", "payment"),
    *("school", "child", "care", "record", "driving", "passport", "service", "office", "report", "visit"),
)


loads = json.loads


def payloads(size: int, count: int = 20) -> list[str]:
    """``count`` items as JSON texts of ``size`` bytes; the same ones in every run.

    An app makes or reads a payload right before it hands it on, so `loads` is called for every call, unmeasured.
    """
    return [_text(_payload(size, random.Random(seed))) for seed in range(count)]


def _text(payload: Any) -> str:
    return json.dumps(payload, separators=(",", ":"))


def _payload(size: int, chance: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {
        "content_id": _id(chance),
        "base_path": "/" + "-".join(_some(chance, 4)),
        "title": _prose(chance, 5),
        "description": _prose(chance, 8),
        "document_type": "guide",
        "locale": "en",
        "version": chance.randrange(1, 200),
        "withdrawn": False,
        "update_type": "minor",
        "phase": "live",
        "redirects": [],
        "routes": [{"path": "/" + chance.choice(_WORDS), "type": "exact"}],
        "public_updated_at": "2026-03-01T09:30:00.000Z",
        "details": {"body": "", "change_history": []},
        "links": {"organisations": [_id(chance)], "taxons": [_id(chance), _id(chance)]},
    }
    history = item["details"]["change_history"]
    while len(_text(item)) < size - 300:
        history.append(
            {
                "note": _prose(chance, 16),
                "public_timestamp": "2026-02-01T12:00:00Z",
                "major": chance.random() < 0.5,
                "revision": len(history),
            }
        )
    body = _prose(chance, 100)
    item["details"]["body"] = body[: max(0, size - len(_text(item)))]
    return item


def _id(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _some(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(_WORDS) for _ in range(count)]


def _prose(chance: random.Random, count: int) -> str:
    return " ".join(_some(chance, count)).capitalize() + "."
