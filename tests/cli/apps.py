"""An application of a test's own, with a namespace of its own on a real server."""

from __future__ import annotations

from sidecar_science.journal.redis import open_journal

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
