"""Jobs for every contender, made before it starts."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import redis

from benchmarks.calls.payloads import loads, payloads
from sidecar_science.journal.job import Job, Stamp, seal, unseal
from sidecar_science.journal.records import Entry
from sidecar_science.journal.redis import open_log

KEYS: Final = 1000
_AT_ONCE: Final = 500


def contents(size: int, count: int) -> list[tuple[str, str]]:
    """The id and the JSON text of ``count`` content items."""
    texts = payloads(size)
    return [(f"{size}-{n % KEYS}", texts[n % KEYS % len(texts)]) for n in range(count)]


def fill_bare(url: str, size: int, count: int) -> None:
    from benchmarks.jobs.bare import GROUP, STREAM

    client = redis.Redis.from_url(url)
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for batch in _batches(contents(size, count)):
        pipeline = client.pipeline(transaction=False)
        for content_id, text in batch:
            pipeline.xadd(STREAM, {"id": content_id, "expected": text})
        pipeline.execute()


def fill_rq(url: str, size: int, count: int) -> None:
    from rq import Queue

    queue = Queue("benchmark", connection=redis.Redis.from_url(url))
    make = Queue.prepare_data
    for batch in _batches(contents(size, count)):
        queue.enqueue_many(
            [make("benchmarks.jobs.request.replay", (content_id, loads(text)), result_ttl=0)
             for content_id, text in batch]
        )  # fmt: skip


def fill_celery(url: str, size: int, count: int) -> None:
    from benchmarks.jobs.celery_app import replay

    _each(replay.delay, size, count)


def fill_dramatiq(url: str, size: int, count: int) -> None:
    from benchmarks.jobs.dramatiq_app import replay

    _each(replay.send, size, count)


def fill_huey(url: str, size: int, count: int) -> None:
    from benchmarks.jobs.huey_app import replay

    _each(replay, size, count)


class Recorded:
    """Jobs as our recorder writes them: a thousand are recorded, and sealed again under new ids as often as asked."""

    def __init__(self, url: str, a: str, sizes: list[int]) -> None:
        from benchmarks.jobs.declared import Content, sidecar

        self._sidecar = sidecar
        self._numbers = itertools.count(1)
        adapter = Content(a)
        self._templates = {size: self._record(url, adapter, size) for size in sizes}
        sidecar.close()

    def fill(self, url: str, size: int, count: int) -> None:
        """``count`` jobs in the journal, over all partitions."""
        log = open_log(url, self._sidecar.namespace, partitions=self._sidecar.partitions)
        log.ensure()
        producer, sequences = f"benchmark-{next(self._numbers)}", Counter[int]()
        for batch in _batches([self._templates[size][n % KEYS] for n in range(count)]):
            log.append([self._again(job, partition, producer, sequences) for job, partition in batch])
        log.report(producer, {"called": count, "sampled_out": 0, "recorded": count, "dropped": {}}, ended=True)
        log.close()

    def _again(self, job: Job, partition: int, producer: str, sequences: Counter[int]) -> Entry:
        sequences[partition] += 1
        stamp = Stamp(producer=producer, partition=partition, sequence=sequences[partition])
        fresh = attrs.evolve(job, id=f"{producer}-{partition}-{stamp.sequence}", completed_at=time.time())
        return Entry(partition=partition, data=seal(fresh, stamp, self._sidecar.keyring))

    def _record(self, url: str, adapter: Any, size: int) -> list[tuple[Job, int]]:
        client = redis.Redis.from_url(url)
        client.flushall()
        for n in range(KEYS):
            adapter.get(f"{size}-{n}")
        self._sidecar.flush(30.0)
        jobs = []
        for partition in range(self._sidecar.partitions):
            for _, fields in client.xrange(f"sidecar:{{{self._sidecar.namespace}:{partition:02d}}}:jobs"):
                job, _ = unseal(fields[b"e"], self._sidecar.keyring, partition)
                jobs.append((job, partition))
        if len(jobs) != KEYS:
            raise RuntimeError(f"{len(jobs)} jobs were recorded, and {KEYS} expected")
        # In the order of the calls, so that what follows one another lies in different partitions.
        return sorted(jobs, key=lambda one: one[0].completed_at)


def plain_bytes(job: Job) -> int:
    """What ``job`` would take as plain JSON, arguments and answers as values."""
    from benchmarks.jobs.declared import sidecar

    told = attrs.asdict(job, recurse=False)
    told["calls"] = [{**attrs.asdict(call), "arguments": sidecar.codec.decode(call.arguments)} for call in job.calls]
    for name in ("value", "error", "exchanges", "context"):
        told[name] = None if told[name] is None else sidecar.codec.decode(told[name])
    return len(json.dumps(told, separators=(",", ":")))


def _each(send: Callable[..., Any], size: int, count: int) -> None:
    for content_id, text in contents(size, count):
        send(content_id, loads(text))


def _batches(items: list[Any]) -> Any:
    return (items[n : n + _AT_ONCE] for n in range(0, len(items), _AT_ONCE))
