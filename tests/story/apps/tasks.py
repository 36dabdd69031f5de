"""A Celery application whose tasks record."""

from __future__ import annotations

import os

from celery import Celery

from tests.story.apps.hosted import call

app = Celery("tasks", broker=os.environ["SIDECAR_REDIS_URL"])
app.conf.update(
    task_default_queue=os.environ["STORY_NAMESPACE"],
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="story.call")
def task(n):
    call(n)
