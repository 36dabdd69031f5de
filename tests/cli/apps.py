"""An application of a test's own, with a namespace of its own on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sidecar_science.comparison.difference import Difference
from sidecar_science.journal.job import unseal
from sidecar_science.journal.protocol import Admission, Entry, Settlement
from sidecar_science.journal.redis import open_journal, open_log
from sidecar_science.reports.outcome import Outcome, Replayed
from sidecar_science.reports.tally import tally

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


def settled(sidecar, journal, outcome_of=lambda number: {}):
    """Settle all that waits in ``journal`` as a worker would; ``outcome_of`` gives the fields of the n-th replay."""
    leases = [journal.acquire(partition, "w", 60.0) for partition in range(journal.partitions)]
    waiting = journal.claim(leases, 1000)
    for number, claimed in enumerate(waiting):
        lease = leases[claimed.partition]
        job, stamp = unseal(claimed.data, sidecar.keyring, claimed.partition)
        journal.admit(lease, [Admission(entry=claimed.entry, producer=stamp.producer, sequence=stamp.sequence)])
        told = {"outcome": Outcome.MATCHED, "settled_at": 1_795_400_000.0, **outcome_of(number)}
        kept = tally(Replayed(job=job.id, experiment=job.experiment, **told))
        settlement = Settlement(
            entry=claimed.entry, add=kept.add, first=kept.first, last=kept.last, samples=kept.samples
        )
        assert journal.settle(lease, [settlement]) == [True]
    for lease in leases:
        journal.release(lease)
    return len(waiting)


def differing(number):
    """A mismatch in the title."""
    return {
        "outcome": Outcome.MISMATCHED,
        "differences": (Difference("value", "$.title", "changed", "old", "new"),),
        "control": {"value": {"title": "old"}},
        "candidate": {"value": {"title": "new"}},
        "control_seconds": 0.1,
        "candidate_seconds": 0.1,
    }
