"""The id map's twins, each empty."""

from __future__ import annotations

import uuid

import fakeredis
import pytest

from sidecar_science.journal.redis import Link, connect
from sidecar_science.translation.memory import MemoryIds
from sidecar_science.translation.redis import RedisIds
from tests.servers import user_url


def _link(request: pytest.FixtureRequest) -> Link:
    if request.param == "fakeredis":
        return Link(fakeredis.FakeRedis(version=(7,), protocol=2), shebang=False)
    if request.param == "users":
        return connect(user_url(request.getfixturevalue("server_with_users"), "worker"), socket_timeout=5.0)
    if request.param == "cluster":
        return connect(request.getfixturevalue("redis_cluster").url, socket_timeout=5.0)
    return connect(request.getfixturevalue(f"{request.param}_server").url, socket_timeout=5.0)


@pytest.fixture(
    params=[
        "memory",
        "fakeredis",
        pytest.param("valkey", marks=pytest.mark.realserver),
        pytest.param("redis", marks=pytest.mark.realserver),
        pytest.param("users", marks=pytest.mark.realserver),
        pytest.param("cluster", marks=pytest.mark.realserver),
    ]
)
def new_ids(request):
    """What makes the id map of an environment; those of one test share a store."""
    if request.param == "memory":
        store = {}
        return lambda environment="b", **more: MemoryIds(store, environment, **more)
    link, namespace = _link(request), f"n-{uuid.uuid4().hex[:12]}"
    return lambda environment="b", **more: RedisIds(link, namespace, environment, **more)
