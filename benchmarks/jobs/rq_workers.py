"""RQ at a concurrency: so many of its simple workers (no fork per job), since each does one job at a time."""

from __future__ import annotations

import os
import sys

import redis
from rq import Queue, SimpleWorker

import benchmarks.jobs.request  # noqa: F401 - what a job needs is loaded before the processes part


def main(processes: int) -> None:
    """Work until somebody ends the processes."""
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    connection = redis.Redis.from_url(os.environ["BENCHMARK_REDIS"])
    SimpleWorker([Queue("benchmark", connection=connection)], connection=connection).work(logging_level="ERROR")


if __name__ == "__main__":
    main(int(sys.argv[1]))
