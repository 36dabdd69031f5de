"""Fixtures that more than one room uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from sidecar_science.journal.embedded import EmbeddedServer
from tests.servers import Cluster, start_redis, start_valkey, start_with_users
from tests.twins import MemoryTwin, RedisTwin, Twin, fake_twin, real_twin, users_twin

# How long an example takes is the machine's affair: speed is measured in benchmarks.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fault rig takes minutes: its tests are told apart by a marker. What whole processes do in time is tried once
    more where it fails; what random faults bring to light is not: it may be rare, and is no less true for that."""
    for item in items:
        room = item.path.parent.name
        if room == "faults":
            item.add_marker(pytest.mark.faults)
        if room in ("faults", "story", "examples") and item.path.name not in ("test_nemesis.py", "test_checker.py"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[EmbeddedServer]:
    """A Valkey server that all tests share: use a namespace of your own."""
    with start_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedServer]:
    """A Redis server that all tests share: use a namespace of your own."""
    with start_redis() as server:
        yield server


@pytest.fixture(scope="session")
def server_with_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A Redis server with the users of the shipped file; all tests share it."""
    with start_with_users(tmp_path_factory.mktemp("users")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of three; all tests share it."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


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
def journal_twin(request: pytest.FixtureRequest) -> Twin:
    """A fresh journal, in each of its twins; as the shipped users, and in a cluster."""
    if request.param == "memory":
        return MemoryTwin()
    if request.param == "fakeredis":
        return fake_twin()
    if request.param == "users":
        return users_twin(request.getfixturevalue("server_with_users"))
    if request.param == "cluster":
        return real_twin(request.getfixturevalue("redis_cluster").url)
    server: EmbeddedServer = request.getfixturevalue(f"{request.param}_server")
    return real_twin(server.url)


@pytest.fixture(
    params=[
        pytest.param("valkey", marks=pytest.mark.realserver),
        pytest.param("redis", marks=pytest.mark.realserver),
    ]
)
def real_journal(request: pytest.FixtureRequest) -> RedisTwin:
    """A fresh journal, in each of the real servers."""
    server: EmbeddedServer = request.getfixturevalue(f"{request.param}_server")
    return real_twin(server.url)
