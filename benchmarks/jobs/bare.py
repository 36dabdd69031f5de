"""What one would write by hand: a stream, one reader, a pool of threads with ``requests``, acknowledged in batches."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import redis

from benchmarks.jobs.request import replay

STREAM, GROUP = "benchmark:stream", "benchmark"
_BATCH = 100


def main(threads: int) -> None:
    """Read, replay and acknowledge until somebody ends the process."""
    client = redis.Redis.from_url(os.environ["BENCHMARK_REDIS"])
    room, done = threading.Semaphore(threads * 2 + _BATCH), deque[bytes]()

    def work(entry: bytes, fields: dict[bytes, bytes]) -> None:
        replay(fields[b"id"].decode(), json.loads(fields[b"expected"]))
        done.append(entry)
        room.release()

    with ThreadPoolExecutor(threads) as pool:
        while True:
            for _, entries in client.xreadgroup(GROUP, "one", {STREAM: ">"}, count=_BATCH, block=50):
                for entry, fields in entries:
                    room.acquire()
                    pool.submit(work, entry, fields)
            ended = [done.popleft() for _ in range(len(done))]
            if ended:
                pipeline = client.pipeline(transaction=False)
                pipeline.xack(STREAM, GROUP, *ended)
                pipeline.xdel(STREAM, *ended)
                pipeline.execute()


if __name__ == "__main__":
    main(int(sys.argv[1]))
