"""The job for Celery."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from benchmarks.jobs.request import replay as replayed

app = Celery("benchmark", broker=os.environ["BENCHMARK_REDIS"])
app.conf.task_ignore_result = True


@app.task(name="benchmark.replay")
def replay(content_id: str, expected: Any) -> None:
    replayed(content_id, expected)
