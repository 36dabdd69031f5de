"""Run as a program: tries every way out of a replay, and prints as JSON what came of each.

The one argument says what is in the way: "guarded" (guard, rerouting and marking), "floor" (Landlock alone) or
"unguarded". A and B live in this process, and are counted around each attempt.
"""

from __future__ import annotations

import _socket
import _thread
import asyncio
import concurrent.futures
import contextlib
import ctypes
import http.client
import importlib.util
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import urllib3

sys.path.insert(0, str(Path(__file__).parent))
from places import Place

from sidecar_science.routing import Current, CurrentReplay, Guard, Marking, Rerouting, Routes, confine

A = Place("A")
B = Place("B")
ATTEMPTS: dict[str, Callable[[], Any]] = {}
LIBC = ctypes.CDLL(None)


def attempt(function: Callable[[], Any]) -> Callable[[], Any]:
    ATTEMPTS[function.__name__] = function
    return function


def from_b(to: str = "", code: int = 307) -> str:
    return f"{B.url}/redirect?code={code}&to={to or A.url + '/x'}"


def connect() -> None:
    with socket.create_connection(("127.0.0.1", A.port), timeout=2):
        pass


PROGRAM = f"import socket; socket.create_connection(('127.0.0.1', {A.port}), timeout=2)"


# What requests brings to B instead


@attempt
def requests_hard_coded() -> None:
    assert requests.get(f"{A.url}/x", timeout=2).json()["place"] == "B"


@attempt
def requests_next_link() -> None:
    session = requests.Session()
    session.get(f"{B.url}/items", timeout=2)
    assert session.get(f"{A.url}/items?page=2", timeout=2).json()["target"] == "/items?page=2"


@attempt
def requests_followed_by_hand() -> None:
    answer = requests.get(from_b(), allow_redirects=False, timeout=2)
    assert requests.get(answer.headers["Location"], timeout=2).json()["place"] == "B"


@attempt
def requests_by_a_proxy_of_its_own() -> None:
    proxies = {"http": A.url}
    assert requests.get(f"{B.url}/x", proxies=proxies, timeout=2).json()["target"] == "/x"


@attempt
def requests_by_the_proxy_of_the_environment() -> None:
    assert requests.get(f"{B.url}/x", timeout=2).json()["target"] == "/x"


@attempt
def urllib_by_the_proxy_of_the_environment() -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler())
    opener.open(f"{B.url}/x", timeout=2).read()


# Redirects


@attempt
def requests_redirect_301() -> None:
    requests.get(from_b(code=301), timeout=2)


@attempt
def requests_redirect_303_of_a_post() -> None:
    requests.post(from_b(code=303), json={}, timeout=2)


@attempt
def requests_redirect_307_of_a_post() -> None:
    requests.post(from_b(code=307), json={"amount": 5}, timeout=2)


@attempt
def requests_redirect_after_a_redirect() -> None:
    requests.get(f"{B.url}/redirect?code=302&to=/redirect%3Fto={A.url}/x", timeout=2)


@attempt
def urllib_redirect() -> None:
    urllib.request.urlopen(from_b(code=302), timeout=2)


@attempt
def urllib3_redirect() -> None:
    urllib3.PoolManager().request("GET", from_b(), timeout=2)


@attempt
def httpx_redirect() -> None:
    import httpx

    httpx.get(from_b(), follow_redirects=True, timeout=2)


# Clients


@attempt
def urllib_hard_coded() -> None:
    urllib.request.urlopen(f"{A.url}/x", timeout=2)


@attempt
def urllib3_hard_coded() -> None:
    urllib3.PoolManager().request("GET", f"{A.url}/x", timeout=2, retries=3)


@attempt
def http_client() -> None:
    http.client.HTTPConnection("127.0.0.1", A.port, timeout=2).request("GET", "/")


@attempt
def httpx_sync() -> None:
    import httpx

    httpx.get(f"{A.url}/x", timeout=2)


@attempt
def httpx_async() -> None:
    import httpx

    async def get() -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            await client.get(f"{A.url}/x")

    asyncio.run(get())


@attempt
def aiohttp_get() -> None:
    import aiohttp

    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{A.url}/x") as response:
            await response.read()

    asyncio.run(get())


@attempt
def asyncio_open_connection() -> None:
    asyncio.run(asyncio.wait_for(asyncio.open_connection("localhost", A.port), 2))


# Sockets


@attempt
def socket_connect() -> None:
    connect()


@attempt
def socket_connect_ex() -> None:
    with socket.socket() as plain:
        plain.connect_ex(("127.0.0.1", A.port))


@attempt
def socket_of_the_c_module() -> None:
    _socket.socket().connect(("127.0.0.1", A.port))


@attempt
def socket_by_name() -> None:
    with socket.socket() as plain:
        plain.connect(("localhost", A.port))


@attempt
def socket_by_number() -> None:
    with socket.socket() as plain:
        plain.connect(("2130706433", A.port))


@attempt
def socket_by_any_address() -> None:
    with socket.socket() as plain:
        plain.connect(("0.0.0.0", A.port))


@attempt
def socket_by_an_ipv4_address_in_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as plain:
        plain.connect(("::ffff:127.0.0.1", A.port))


@attempt
def datagram_sendto() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", ("127.0.0.1", A.datagram_port))


@attempt
def datagram_sendmsg() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendmsg([b"x"], [], 0, ("127.0.0.1", A.datagram_port))


@attempt
def datagram_connected() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", A.datagram_port))
        udp.send(b"x")


@attempt
def swallowed() -> None:
    with contextlib.suppress(BaseException):
        connect()


# Threads


@attempt
def thread() -> None:
    started = threading.Thread(target=connect)
    started.start()
    started.join()


@attempt
def thread_of_a_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(connect).result()


@attempt
def thread_without_a_name() -> None:
    done = threading.Event()

    def run() -> None:
        try:
            connect()
        finally:
            done.set()

    _thread.start_new_thread(run, ())
    done.wait(5)


@attempt
def greenlet_of_gevent() -> None:
    import gevent
    from gevent import socket as green

    gevent.spawn(lambda: green.create_connection(("localhost", A.port), timeout=2)).get()


# Processes and foreign code


@attempt
def process_curl() -> None:
    subprocess.run(["curl", "-s", "-m", "2", f"{A.url}/x"], check=False, stdout=subprocess.DEVNULL)


@attempt
def process_python() -> None:
    subprocess.run([sys.executable, "-S", "-c", PROGRAM], check=False)


@attempt
def process_os_system() -> None:
    os.system(f'{sys.executable} -S -c "{PROGRAM}"')


@attempt
def process_posix_spawn() -> None:
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", PROGRAM], os.environ), 0)


@attempt
def process_fork() -> None:
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            connect()
        os._exit(0)
    os.waitpid(child, 0)


@attempt
def process_of_multiprocessing() -> None:
    child = multiprocessing.get_context("spawn").Process(target=socket.create_connection, args=(("127.0.0.1", A.port),))
    child.start()
    child.join()


@attempt
def process_like_interpreter() -> None:
    import _xxsubinterpreters as interpreters

    interpreters.run_string(interpreters.create(), PROGRAM)


def foreign_connect(library: Any) -> None:
    address = (2).to_bytes(2, sys.byteorder) + A.port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    assert library.connect(library.socket(2, 1, 0), address, len(address)) == 0


@attempt
def foreign_library() -> None:
    foreign_connect(ctypes.CDLL(None))


@attempt
def foreign_function() -> None:
    foreign_connect(LIBC)


@attempt
def native_uvloop() -> None:
    import uvloop

    async def get() -> None:
        await asyncio.open_connection("127.0.0.1", A.port)

    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(get())


@attempt
def native_pycurl() -> None:
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, f"{A.url}/x")
    curl.setopt(pycurl.WRITEFUNCTION, lambda data: None)
    curl.perform()


@attempt
def native_psycopg2() -> None:
    import psycopg2

    psycopg2.connect(host="127.0.0.1", port=A.port, connect_timeout=1)


def available(name: str) -> bool:
    """Whether what the attempt needs is installed."""
    if name == "process_curl":
        return shutil.which("curl") is not None
    kind, _, rest = name.partition("_")
    module = {"native": rest, "aiohttp": "aiohttp", "httpx": "httpx", "greenlet": "gevent"}.get(kind)
    if name == "process_like_interpreter":
        module = "_xxsubinterpreters"
    return module is None or importlib.util.find_spec(module) is not None


def tried(function: Callable[[], Any], current: Current, mode: str) -> dict[str, Any]:
    replay = CurrentReplay(job=function.__name__, environment="b-42", service="api")
    before_a, before_b = A.visits, B.visits
    error = ""
    with current.replaying(replay):
        try:
            function()
        except BaseException as raised:
            error = type(raised).__name__
    # Visits are counted by other threads, after the fact; where none is expected there is little to wait for.
    expected = mode == "unguarded" or (mode == "floor" and function.__name__.startswith("datagram_"))
    patience = time.monotonic() + (2.0 if expected else 0.03)
    while A.visits == before_a and B.visits == before_b and time.monotonic() < patience:
        time.sleep(0.002)
    return {"error": error, "refusals": replay.refusals, "a": A.visits - before_a, "b": B.visits - before_b}


def main(mode: str) -> None:
    current = Current()
    os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = A.url
    os.environ.pop("no_proxy", None)
    os.environ.pop("NO_PROXY", None)
    if mode == "floor":
        floor = confine([B.port])
        assert floor.applied, floor.why
    if mode == "guarded":
        routes = Routes({"api": [A.url]}, {"api": B.url})
        guard = Guard(allowed=routes.endpoints(), denied=routes.control_endpoints(), current=current)
        for part in (guard, Rerouting(routes, current), Marking(current)):
            part.install()
    threading.excepthook = lambda _: None
    names = [name for name in ATTEMPTS if available(name)]
    print(json.dumps({name: tried(ATTEMPTS[name], current, mode) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1])
