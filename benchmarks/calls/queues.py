"""What people would use instead: a plain XADD, and the enqueueing of four job queues. Each with its own defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.calls.payloads import SIZES, loads, payloads

Send = Callable[[Any], Any]

XADD = "redis-py XADD"


def xadd(url: str) -> Send:
    """The JSON text is looked up, not made: only redis-py and Redis are measured, which is the strictest bound."""
    import redis

    client = redis.Redis.from_url(url)
    texts = {_name(loads(text)): text for size in SIZES.values() for text in payloads(size)}
    return lambda payload: client.xadd("benchmark:xadd", {"payload": texts[_name(payload)]})


def rq(url: str) -> Send:
    import redis
    from rq import Queue

    queue = Queue("benchmark", connection=redis.Redis.from_url(url))
    return lambda payload: queue.enqueue("benchmark.replay", payload)


def celery(url: str) -> Send:
    from celery import Celery

    app = Celery("benchmark", broker=url)
    app.conf.task_ignore_result = True

    @app.task(name="benchmark.replay")
    def replay(payload: Any) -> None:
        pass

    return lambda payload: replay.delay(payload)


def dramatiq(url: str) -> Send:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=url)
    dramatiq.set_broker(broker)

    @dramatiq.actor(actor_name="replay", queue_name="benchmark", broker=broker)
    def replay(payload: Any) -> None:
        pass

    return replay.send


def huey(url: str) -> Send:
    from huey import RedisHuey

    queue = RedisHuey("benchmark", url=url, results=False)

    @queue.task(name="replay")
    def replay(payload: Any) -> None:
        pass

    return lambda payload: replay(payload)


def _name(payload: Any) -> tuple[str, int]:
    return payload["content_id"], len(payload["details"]["change_history"])


QUEUES: dict[str, Callable[[str], Send]] = {
    XADD: xadd,
    "huey": huey,
    "dramatiq": dramatiq,
    "rq": rq,
    "celery": celery,
}

LEFTOVERS = ("benchmark:*", "rq:*", "celery", "dramatiq:*", "huey.*")
"""Keys that they fill, to be removed between rounds."""
