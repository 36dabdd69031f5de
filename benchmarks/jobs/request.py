"""What every contender does with a job: fetch the content from B, and hold it against what A answered."""

from __future__ import annotations

import os
import threading
from typing import Any

import requests

_ours = threading.local()


def replay(content_id: str, expected: Any) -> bool:
    """The request that a job stands for, on the calling thread's own kept-alive connection."""
    if not hasattr(_ours, "session"):
        _ours.session = requests.Session()
    answer = _ours.session.get(f"{os.environ['BENCHMARK_B']}/content/{content_id}", timeout=4)
    return bool(answer.json() == expected)
