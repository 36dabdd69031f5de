"""Fixtures that more than one room uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar_science.journal.embedded import EmbeddedServer
from tests.servers import start_redis, start_valkey
from tests.twins import MemoryTwin, RedisTwin, Twin, fake_twin, real_twin


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


@pytest.fixture(
    params=[
        "memory",
        "fakeredis",
        pytest.param("valkey", marks=pytest.mark.realserver),
        pytest.param("redis", marks=pytest.mark.realserver),
    ]
)
def journal_twin(request: pytest.FixtureRequest) -> Twin:
    """A fresh journal, in each of its twins."""
    if request.param == "memory":
        return MemoryTwin()
    if request.param == "fakeredis":
        return fake_twin()
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
