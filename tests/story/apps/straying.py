"""An app whose adapters try, each in its own way, to reach A when they are called on B."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import requests

from sidecar_science import Sidecar

A_URL = os.environ["STORY_A_URL"]

sidecar = Sidecar.from_env("straying")


class Straying:
    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()

    @sidecar.experiment("stray.redirected_post", service="stray", effect="write")
    def redirected_post(self):
        return self.session.post(f"{self.base_url}/redirect", json={"amount": 5}, timeout=4).status_code

    @sidecar.experiment("stray.next_link", service="stray", effect="read")
    def next_link(self):
        page = self.session.get(f"{self.base_url}/pages", timeout=4).json()
        return page["items"] + self.session.get(page["next"], timeout=4).json()["items"]

    @sidecar.experiment("stray.hard_coded", service="stray", effect="read")
    def hard_coded(self):
        return requests.get(f"{A_URL}/fixed", timeout=4).json()

    @sidecar.experiment("stray.urllib", service="stray", effect="read")
    def by_urllib(self):
        self.session.get(f"{self.base_url}/fixed", timeout=4)
        with urllib.request.urlopen(f"{A_URL}/fixed", timeout=4) as response:
            return response.read().decode()

    @sidecar.experiment("stray.swallowed", service="stray", effect="read")
    def swallowed(self):
        self.session.get(f"{self.base_url}/fixed", timeout=4)
        try:
            urllib.request.urlopen(f"{A_URL}/fixed", timeout=4).close()
        except BaseException:
            return "nothing happened"
        return "nothing happened"

    @sidecar.experiment("stray.thread", service="stray", effect="read")
    def in_a_thread(self):
        self.session.get(f"{self.base_url}/fixed", timeout=4)
        thread = threading.Thread(target=self._knock)
        thread.start()
        thread.join()
        return "joined"

    @staticmethod
    def _knock():
        host, port = A_URL.removeprefix("http://").split(":")
        try:
            with socket.create_connection((host, int(port)), timeout=4) as connection:
                connection.sendall(b"GET /knocked HTTP/1.0\r\n\r\n")
                connection.recv(100)
        except BaseException:
            return

    @sidecar.experiment("stray.httpx", service="stray", effect="read")
    def by_httpx(self):
        return httpx.get(f"{A_URL}/fixed", timeout=4).json()

    @sidecar.experiment("stray.socket", service="stray", effect="read")
    def by_socket(self):
        self._knock()
        return "knocked"

    @sidecar.experiment("stray.datagram", service="stray", effect="read")
    def by_datagram(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as metrics:
            metrics.sendto(b"calls:1|c", ("127.0.0.1", 8125))
        return "counted"

    @sidecar.experiment("stray.child", service="stray", effect="read")
    def by_child(self):
        code = f"import urllib.request; urllib.request.urlopen('{A_URL}/child').read()"
        return subprocess.run([sys.executable, "-c", code], check=False).returncode

    @sidecar.experiment("stray.shell", service="stray", effect="read")
    def by_shell(self):
        return os.system("true")

    @sidecar.experiment("stray.pool", service="stray", effect="read")
    def in_a_pool(self):
        with ThreadPoolExecutor(2) as pool:
            return [page["items"] for page in pool.map(self._fixed, range(3))]

    def _fixed(self, _):
        return requests.get(f"{A_URL}/fixed", timeout=4).json()

    @sidecar.experiment("stray.proxy", service="stray", effect="read")
    def through_a_proxy(self):
        return self.session.get(f"{self.base_url}/fixed", timeout=4).json()


sidecar.service("stray", base_url=A_URL, build=Straying)


def main():
    adapter = Straying(A_URL)
    adapter.redirected_post()
    for call in (
        adapter.next_link,
        adapter.hard_coded,
        adapter.by_urllib,
        adapter.swallowed,
        adapter.in_a_thread,
        adapter.through_a_proxy,
        adapter.by_httpx,
        adapter.by_socket,
        adapter.by_datagram,
        adapter.by_child,
        adapter.by_shell,
        adapter.in_a_pool,
    ):
        call()
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
