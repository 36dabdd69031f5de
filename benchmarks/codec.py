"""How long encoding takes a caller, side by side with what people would use instead.

    python -m benchmarks.codec

Runs are interleaved and the least of several is taken; machines differ, so the ratios are what to look at. Neither
json nor pickle does the same: json loses types, pickle runs code when it is read.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
import uuid
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from sidecar_science.codec import envelope
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec, measure

ROUNDS = 15
SECONDS = 0.02


def page(paragraphs: int) -> dict[Any, Any]:
    """Something like what a publishing API is sent."""
    each = range(paragraphs)
    return {
        "content_id": "0c0e7b3e-5b0e-4c3e-9d7e-1a2b3c4d5e6f",
        "base_path": "/government/news/a-new-service",
        "title": "A new service for people who move house",
        "document_type": "news_article",
        "schema_name": "news_article",
        "locale": "en",
        "public_updated_at": "2026-01-01T00:00:00Z",
        "routes": [{"path": "/government/news/a-new-service", "type": "exact"}],
        "details": {
            "body": [
                f"{n}. Moving house means telling a dozen offices. From now on one of them does it." for n in each
            ],
            "political": False,
            "government": {"title": "2015 government", "slug": "2015-government", "current": True},
            "history": [{"at": f"2026-01-01T00:00:{n:02}Z", "note": f"Note {n}."} for n in each],
        },
        "links": {"organisations": [f"af07d5a5-df63-4ddc-9383-6a66684{n:05}" for n in each]},
    }


def rich(paragraphs: int) -> dict[Any, Any]:
    """The same with what JSON has no types for."""
    more = {"id": uuid.UUID(int=5), "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "tags": {"a", "b"}, 3: (1, 2)}
    return page(paragraphs) | more


def interleaved(functions: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """The least microseconds of each function, all of them tried in turns."""
    least = dict.fromkeys(functions, float("inf"))
    times = {name: _repeats(function) for name, function in functions.items()}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            started = perf_counter()
            for _ in range(times[name]):
                function()
            least[name] = min(least[name], (perf_counter() - started) / times[name] * 1e6)
    return least


def _repeats(function: Callable[[], Any]) -> int:
    started = perf_counter()
    function()
    return max(1, int(SECONDS / (perf_counter() - started + 1e-7)))


def encoding(value: Any) -> dict[str, Callable[[], Any]]:
    """What a caller pays, and what it would pay otherwise."""
    codec = Codec()
    functions: dict[str, Callable[[], Any]] = {
        "encode": lambda: codec.encode(value),
        "  of which measure": lambda: measure(value, max_bytes=1 << 20, max_depth=100, max_nodes=100_000),
        "pickle": lambda: pickle.dumps(value),
        "deepcopy": lambda: copy.deepcopy(value),
    }
    if all(isinstance(key, str) for key in value):
        functions["encode_value"] = lambda: codec.encode_value(value, str)
        functions["json"] = lambda: json.dumps(value)
    return functions


def afterwards(value: Any) -> dict[str, Callable[[], Any]]:
    """What is done off the caller's path, and on the other side."""
    codec, ring = Codec(), Keyring(["a signing key of ours"], namespace="shop")
    redactor = Redactor(fingerprint=ring.fingerprint)
    encoded, secret = codec.encode(value), value | {"password": "hunter2222", "note": "was hunter2222"}
    found: set[str] = set()
    redacted = redactor.redact(secret, found)
    sealed = envelope.seal(b"header", encoded, ring)
    return {
        "encode": lambda: codec.encode(value),
        "might_hold (no secret)": lambda: redactor.might_hold(encoded),
        "redact (one secret)": lambda: redactor.redact(secret, set()),
        "holds_copy (one secret)": lambda: redactor.holds_copy(encoded, found),
        "scrub (one secret)": lambda: redactor.scrub(redacted, found),
        "decode": lambda: codec.decode(encoded),
        "seal (zlib, HMAC)": lambda: envelope.seal(b"header", encoded, ring),
        "seal (HMAC)": lambda: envelope.seal(b"header", encoded, ring, compress=False),
        "open": lambda: envelope.open(sealed, ring),
    }


def show(title: str, value: Any, functions: Mapping[str, Callable[[], Any]]) -> None:
    """One table: times as multiples of encoding, and encoding in microseconds."""
    times = interleaved(functions)
    base = times["encode"]
    print(f"\n{title}, {len(Codec().encode(value)):,} bytes encoded; encode takes {base:.1f} us on this machine")
    for name, time in times.items():
        print(f"  {name:24} {time / base:7.2f} x")


def main() -> None:
    """All tables."""
    for make, words in ((page, "plain"), (rich, "rich")):
        for paragraphs in (3, 100):
            value = make(paragraphs)
            show(f"The caller's path, {words}", value, encoding(value))
    for paragraphs in (3, 100):
        show("Off the caller's path", page(paragraphs), afterwards(page(paragraphs)))


if __name__ == "__main__":
    main()
