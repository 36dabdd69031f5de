"""The job for dramatiq."""

from __future__ import annotations

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.jobs.request import replay as replayed

broker = RedisBroker(url=os.environ["BENCHMARK_REDIS"])
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="replay", broker=broker)
def replay(content_id: str, expected: Any) -> None:
    replayed(content_id, expected)
