"""An app that handles secrets in every place where they were seen in real clients."""

from __future__ import annotations

import contextlib
import os

import requests

from sidecar_science import Sidecar

CANARIES = {
    "argument": "canary-argument-1f7c",
    "keyword": "canary-keyword-2e8d",
    "nested": "canary-nested-3d9e",
    "path": "canary-path-4caf",
    "header": "canary-header-5bb0",
    "query": "canary-query-6ac1",
    "result": "canary-result-79d2",
    "error": "canary-error-88e3",
    "context": "canary-context-97f4",
    "cookie": "canary-cookie-a605",
}

sidecar = Sidecar.from_env("secretive")


class Secretive:
    def __init__(self, base_url):
        self.base_url = base_url

    @sidecar.experiment(
        "vault.open", service="vault", key="name", effect="read", secrets=("pin", "$[0].owner.born", "sig")
    )
    def open(self, name, password, pin=None, details=None):
        response = requests.get(
            f"{self.base_url}/vault/{name}?sig={CANARIES['query']}",
            headers={"Authorization": f"Bearer {CANARIES['header']}", "Cookie": f"session={CANARIES['cookie']}"},
            json={"password": password, "details": details},
            timeout=4,
        )
        if response.status_code != 200:
            raise RuntimeError(f"{response.url} said no to {password} and {CANARIES['header']}")
        return {**response.json(), "access_token": CANARIES["result"], "echo": f"you said {password}"}

    @sidecar.experiment("vault.fail", service="vault", effect="read", secrets=("pin",))
    def fail(self, token):
        requests.get(f"{self.base_url}/vault/none?sig={CANARIES['query']}", timeout=4)
        raise RuntimeError(f"no vault for {token}")


@sidecar.experiments["vault.open"].supply
def supplied():
    return {"password": CANARIES["argument"], "pin": CANARIES["keyword"], "token": CANARIES["nested"]}


@sidecar.experiments["vault.fail"].supply
def supplied_too():
    return {"token": CANARIES["error"]}


sidecar.experiments["vault.open"].context(password=CANARIES["context"])
sidecar.service("vault", base_url=os.environ["STORY_A_URL"], build=Secretive)


def main():
    vault = Secretive(os.environ["STORY_A_URL"])
    details = {"deeper": [{"token": CANARIES["nested"]}], "note": f"do not tell {CANARIES['nested']}"}
    vault.open("v-1", CANARIES["argument"], pin=CANARIES["keyword"], details=details)
    for call in (lambda: vault.open("none", CANARIES["argument"]), lambda: vault.fail(CANARIES["error"])):
        with contextlib.suppress(RuntimeError):
            call()
    sidecar.close(timeout=30)
    print(sidecar.stats())


if __name__ == "__main__":
    main()
