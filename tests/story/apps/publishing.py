"""A publishing app: it puts and gets every payload that it is given."""

from __future__ import annotations

import os
import sys

import requests

from sidecar_science import Sidecar
from tests import govuk

sidecar = Sidecar.from_env(os.environ.get("STORY_NAMESPACE", "publishing"))


class PublishingApi:
    """A small client of a publishing API, as applications write them."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("publishing.put_content", service="publishing", key="content_id", effect="write")
    def put_content(self, content_id, payload):
        return self._json("PUT", f"/v2/content/{content_id}", payload)

    @sidecar.experiment("publishing.get_content", service="publishing", key="content_id", effect="read")
    def get_content(self, content_id):
        return self._json("GET", f"/v2/content/{content_id}")

    def _json(self, method, path, payload=None):
        response = self.session.request(method, self.base_url + path, json=payload, timeout=10)
        response.raise_for_status()
        return response.json()


sidecar.service("publishing", base_url=os.environ["STORY_A_URL"], build=PublishingApi)


def main():
    api = PublishingApi(os.environ["STORY_A_URL"])
    wanted = sys.argv[1]
    if wanted == "equal":
        payloads = list(govuk.current()) or [(name, today) for name, _, today in govuk.own_pairs()]
        for number, (_, payload) in enumerate(payloads):
            api.put_content(f"page-{number}", payload)
            api.get_content(f"page-{number}")
    else:
        pairs = list(govuk.pairs()) or list(govuk.own_pairs())
        for number in range(len(pairs)):
            api.get_content(f"pair-{number}")
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
