"""The same request as an adapter, declared for app and worker alike."""

from __future__ import annotations

import os
from typing import Any

import requests

from sidecar_science import Sidecar

sidecar = Sidecar(
    "benchmark",
    redis_url=os.environ.get("BENCHMARK_REDIS", "redis://127.0.0.1:6379/0"),
    signing_key="a signing key for the benchmark",
)


class Content:
    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session = requests.Session()

    @sidecar.experiment("content.get", service="content", key="content_id", effect="read")
    def get(self, content_id: str) -> Any:
        return self._session.get(f"{self._base_url}/content/{content_id}", timeout=4).json()


sidecar.service("content", base_url=os.environ.get("BENCHMARK_A", "http://127.0.0.1:1"), build=Content)
