"""The job for huey."""

from __future__ import annotations

import os
from typing import Any

from huey import RedisHuey

from benchmarks.jobs.request import replay as replayed

queue = RedisHuey("benchmark", url=os.environ["BENCHMARK_REDIS"], results=False)


@queue.task(name="replay")
def replay(content_id: str, expected: Any) -> None:
    replayed(content_id, expected)
