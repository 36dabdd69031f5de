"""An application of a test's own, with a namespace of its own on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sidecar_science.journal.protocol import Entry
from sidecar_science.journal.redis import open_journal, open_log

ROOT = Path(__file__).parents[2]

APP = """
import os
from sidecar_science import Sidecar

sidecar = Sidecar(os.environ["APP_NAMESPACE"], redis_url=os.environ["APP_REDIS"], signing_key={key})

class Shop:
    def __init__(self, base_url):
        self.base_url = base_url

    @sidecar.experiment("shop.order", service="shop", key="number", effect="read")
    def order(self, number):
        return {{"number": number}}

sidecar.service("shop", base_url="http://a.shop.invalid", build=Shop)
"""


def recorded(target, times):
    """Import the app and let it record."""
    module = __import__(target.partition(":")[0])
    shop = module.Shop("http://a.shop.invalid")
    for number in range(times):
        shop.order(number)
    assert module.sidecar.close(timeout=10)
    return module.sidecar


def joined(sidecar, environment="b-1"):
    """An environment in which a worker was once, for a moment."""
    journal = open_journal(sidecar.redis_url, sidecar.namespace, environment)
    journal.join()
    return journal


def outside(*arguments):
    """The command in a process of its own, as somebody types it: what it printed, once it has ended well."""
    done = subprocess.run(
        [sys.executable, "-m", "sidecar_science.cli", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def buried(sidecar, *contents, environment="b-1"):
    """A dead letter of each of these contents; the environment's journal, and the letters' names, oldest first."""
    journal = joined(sidecar, environment)
    log = open_log(sidecar.redis_url, sidecar.namespace)
    log.append([Entry(partition=0, data=data) for data in contents])
    log.report("buried", {"called": len(contents), "recorded": len(contents)}, ended=True)
    lease = journal.acquire(0, "w", 30.0)
    for entry in journal.claim([lease], 100):
        if entry.data in contents:
            journal.bury(lease, entry.entry, f"it is {entry.data[:20].decode()}", entry.data, "job-1")
    journal.release(lease)
    return journal, [letter.name for letter in reversed(journal.dead(100))]
