"""What a job takes in Redis, beside what it would take as plain JSON there.

    python -m benchmarks.size                     made-up content items of 1 and 6.5 KB
    python -m benchmarks.size --payloads FOLDER   JSON documents, such as those of a publishing API

The jobs are those of a read that gave the document. A dictionary is trained, as a worker does it, from half of the
documents; the jobs of the other half are measured, by what a stream of them adds to the memory of a Redis.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import redis

from benchmarks.calls.payloads import SIZES, payloads
from benchmarks.calls.tables import table
from sidecar_science.codec.compression import train
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.values import Codec
from sidecar_science.journal.embedded import EmbeddedServer
from sidecar_science.journal.job import Call, Job, Stamp, body_of, seal
from sidecar_science.worker.training import SIZE

_CODEC: Final = Codec()
_KEYRING: Final = Keyring(["a signing key of the benchmark"], namespace="benchmark")
_COPIES: Final = 20
Make = Callable[[int], bytes]


def job_of(document: Any, number: int) -> tuple[Job, bytes]:
    """The job of a read that gave ``document``, and the same as plain JSON."""
    content_id = f"{number:08x}-1111-4000-8000-000000000000"
    told = {
        "id": f"3f1c22d08be64d3c{number:016x}",
        "experiment": "publishing-api.get_content",
        "service": "publishing-api",
        "effect": "read",
        "key": f"{number:032x}",
        "completed_at": 1795851788.4547834 + number,
        "duration": 0.0123 + number / 1e7,
        "cpu_time": 0.0012 + number / 1e7,
        "sent": True,
    }
    exchange = {
        "method": "GET", "origin": "https://publishing-api.internal", "path": f"/v2/content/{content_id}", "query": "",
        "status": 200, "body": None, "duration": 0.0119 + number / 1e7, "sent": True,
    }  # fmt: skip
    call = Call(function=str(told["experiment"]), arguments=_CODEC.encode([[content_id], {}]))
    job = Job(**told, calls=(call,), value=_CODEC.encode(document), exchanges=_CODEC.encode([exchange]))  # type: ignore[arg-type]
    calls = [["candidate", told["experiment"], [[content_id], {}]]]
    plain = {**told, "producer": "3f1c22d08be64d3c", "partition": 7, "sequence": number}
    plain |= {"calls": calls, "value": document, "exchanges": [exchange]}
    return job, json.dumps(plain, separators=(",", ":")).encode()


def measure(client: Any, entries: Sequence[bytes]) -> float:
    """Bytes of Redis's memory per entry of a stream."""
    client.flushall()
    before = client.info("memory")["used_memory"]
    pipeline = client.pipeline(transaction=False)
    for entry in entries:
        pipeline.xadd("benchmark", {"e": entry})
    pipeline.execute()
    return float(client.info("memory")["used_memory"] - before) / len(entries)


def rows(client: Any, name: str, documents: Sequence[Any]) -> list[str]:
    """The figures of one kind of documents."""
    half = len(documents) // 2
    dictionary = train([body_of(job_of(each, n)[0]) for n, each in enumerate(documents[:half] * 4)], SIZE)
    measured = [job_of(each, 10_000 + n) for n, each in enumerate(documents[half:] * _COPIES)]
    stamp = Stamp(producer="3f1c22d08be64d3c", partition=7, sequence=123456)
    sealed = {
        "zstd": [seal(job, stamp, _KEYRING) for job, _ in measured],
        "zstd with a dictionary": [seal(job, stamp, _KEYRING, dictionary) for job, _ in measured],
    }
    plain = [text for _, text in measured]
    bytes_of_plain = measure(client, plain)
    found = [measure(client, entries) / bytes_of_plain for entries in sealed.values()]
    mean = sum(map(len, plain)) / len(plain)
    cost = _micros(lambda n: seal(measured[n % len(measured)][0], stamp, _KEYRING, dictionary))
    return [
        name,
        f"{len(documents)}",
        f"{mean:,.0f}",
        f"{bytes_of_plain:,.0f}",
        *(f"{each:.2f}" for each in found),
        cost,
    ]


def _micros(make: Make) -> str:
    started, count = time.perf_counter(), 2000
    for n in range(count):
        make(n)
    return f"{(time.perf_counter() - started) / count * 1e6:.0f}"


def _documents(folder: Path | None) -> dict[str, list[Any]]:
    if folder is None:
        return {size: [json.loads(text) for text in payloads(SIZES[size], 200)] for size in ("1 KB", "6.5 KB")}
    texts = [path.read_text() for path in sorted(folder.rglob("*.json"))]
    random.Random(1).shuffle(texts)
    documents = [(len(json.dumps(each, separators=(",", ":"))), each) for each in map(json.loads, texts)]
    bounds = {"1 KB": (600, 1600), "6.5 KB": (4500, 9500), "all": (0, 1 << 30)}
    return {name: [each for size, each in documents if low <= size < high] for name, (low, high) in bounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=Path, help="a folder of JSON documents")
    parser.add_argument("--server", help="a server program to use instead of the embedded one, such as redis-server")
    options = parser.parse_args()
    head = ["values", "documents", "bytes as JSON", "in Redis", "zstd", "with a dictionary", "µs to seal"]
    with EmbeddedServer(binary=shutil.which(options.server) if options.server else None) as server:
        client = redis.Redis.from_url(server.url)
        print(table(head, [rows(client, name, found) for name, found in _documents(options.payloads).items()]))


if __name__ == "__main__":
    main()
