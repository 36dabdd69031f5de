"""What the desk declares. The app imports it and records, the worker imports it and replays."""

import requests

from sidecar_science import Sidecar

# A real app says `Sidecar.from_env("library-desk")`, and keeps the key where it keeps its other keys.
# Its app is over in a second, so what it recorded may be shipped a little longer than that.
sidecar = Sidecar(
    "library-desk",
    redis_url="redis://127.0.0.1:6391/0",
    signing_key="known to app and worker alone",
    flush_timeout=10.0,
)


class Loans:
    """The desk's adapter for the loans service, as it always was: two decorators are new."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("loans.lend", service="loans", key="card", effect="write")
    def lend(self, card, book, on):
        """Lend ``book`` on the date ``on``; raises `requests.HTTPError` when the service says no."""
        return self._json("POST", f"/cards/{card}/loans", {"book": book, "on": on.isoformat()})

    @sidecar.experiment("loans.held", service="loans", key="card", effect="read")
    def held(self, card):
        """What the card holds now."""
        return self._json("GET", f"/cards/{card}/loans")

    def _json(self, method, path, payload=None):
        response = self.session.request(method, self.base_url + path, json=payload, timeout=4)
        response.raise_for_status()
        return response.json()


# Where production calls it, and how the worker makes an adapter for another address.
sidecar.service("loans", base_url="http://127.0.0.1:8101", build=Loans)

# Each branch numbers its loans by itself: the numbers may differ, but both must give one.
sidecar.experiments["loans.lend"].ignore("$.loan", values_only=True)
