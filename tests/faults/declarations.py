"""What the application of the rig declares; the app and the workers import it, as in anybody's repository.

Nothing on A is broken here, so its control makes no request: it knows the answer. What a call ``wish``es is done on B:
by the adapter itself (see `_misbehave`), else by the server (see `tests.faults.b_server`).
``FAULTS_PARTITIONS`` and ``FAULTS_TIMEOUT`` (seconds) are read when this is imported, and all ``SIDECAR_*``.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import re
import signal
import socket
import time
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import requests

from sidecar_science import Sidecar

A_URL: Final = "http://a.invalid"
NAMESPACE: Final = "faults"
PARTITIONS: Final = int(os.environ.get("FAULTS_PARTITIONS", "8"))
TIMEOUT: Final = float(os.environ.get("FAULTS_TIMEOUT", "0.5"))
_MEAL: Final = 8 * 1024 * 1024
_HOARD: Final[list[Any]] = []

sidecar = Sidecar.from_env(NAMESPACE, signing_key="a key that only the rig has", partitions=PARTITIONS)


class Api:
    """The adapter."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session = requests.Session()

    @sidecar.experiment("b.read", service="b", key="key", effect="read", timeout=TIMEOUT)
    def read(self, key: str, call: str, wish: str = "") -> Any:
        return self._send("GET", "read", key, call, wish)

    @sidecar.experiment("b.look", service="b", key="key", effect="read", timeout=TIMEOUT)
    def look(self, key: str, call: str, wish: str = "") -> Any:
        return self._send("GET", "read", key, call, wish)

    @sidecar.experiment("b.write", service="b", key="key", effect="write", timeout=TIMEOUT)
    def write(self, key: str, call: str, wish: str = "") -> Any:
        return self._send("POST", "write", key, call, wish)

    @sidecar.experiment("b.replace", service="b", key="key", effect="write", timeout=TIMEOUT, idempotent=True)
    def replace(self, key: str, call: str, wish: str = "") -> Any:
        """A write that B does once, however often it is asked to, since it knows the request by its key."""
        return self._send("PUT", "replace", key, call, wish)

    @sidecar.experiment("b.curse", service="b", key="key", effect="write", timeout=TIMEOUT)
    def curse(self, key: str, call: str, password: str) -> Any:
        """What brings the worker down before anything is sent: its secrets are supplied by somebody who exits."""
        return self._send("POST", "write", key, call, "")

    @sidecar.experiment("b.raw", service="b", key="key", effect="write", timeout=TIMEOUT)
    def raw(self, key: str, call: str, wish: str = "") -> Any:
        """Two requests by a client that nobody has heard of."""
        for step in ("first", "second") if self._base_url != A_URL else ():
            address = urlsplit(self._base_url)
            with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
                path = f"/write/{key}/{call}-{step}?wish={wish}"
                connection.sendall(f"POST {path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
                connection.recv(1000)
            time.sleep(0.2)
        return {"key": key, "call": call}

    @sidecar.experiment("b.aio", service="b", key="key", effect="write", timeout=TIMEOUT)
    async def aio(self, key: str, call: str, wish: str = "") -> Any:
        """The same by aiohttp."""
        for step in ("first", "second") if self._base_url != A_URL else ():
            async with aiohttp.ClientSession() as session:
                await (await session.post(f"{self._base_url}/write/{key}/{call}-{step}", params={"wish": wish})).read()
            await asyncio.sleep(0.2)
        return {"key": key, "call": call}

    def _send(self, method: str, effect: str, key: str, call: str, wish: str) -> Any:
        if self._base_url == A_URL:
            return {"key": key, "call": call}
        _misbehave(wish)
        # Longer than the experiment's: a deadline is the worker's to keep.
        reply = self._session.request(
            method, f"{self._base_url}/{effect}/{key}/{call}", params={"wish": wish} if wish else None, timeout=30
        )
        reply.raise_for_status()
        return reply.json()


def _misbehave(wish: str) -> None:
    if wish == "exit":
        os._exit(9)
    while wish == "spin":
        pass
    if wish == "segv":
        signal.raise_signal(signal.SIGSEGV)  # in this thread, as a real one is
    if wish == "grip":
        re.match(r"(a+)+$", "a" * 60 + "b")  # in C, with the interpreter's lock in its hands
    if wish == "fork" and os.fork() == 0:
        os._exit(0)
    while wish == "eat":
        _HOARD.append(bytearray(_MEAL))
    while wish == "map":  # memory that no limit of the process's own counts
        _HOARD.append(mmap.mmap(-1, _MEAL))
        for at in range(0, _MEAL, mmap.PAGESIZE):
            _HOARD[-1][at] = 1
    if wish == "sleep":
        time.sleep(4.0)  # in C, where no exception from outside reaches it


sidecar.experiments["b.curse"].supply(lambda: os._exit(9))
sidecar.service("b", base_url=A_URL, build=Api)
# That A made no request is a difference that says nothing about B. What is only looked at is compared.
for _name in ("b.read", "b.write", "b.replace"):
    sidecar.experiments[_name].ignore("$")
