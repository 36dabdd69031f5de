"""What refuses every connection that the routes do not name.

An audit hook, because every Python library's sockets pass it, whatever it is called and whoever imported
it. A hook cannot be taken away again; disarmed, it looks up one word in an empty table per event. What a
hook cannot see (native clients, children, foreign functions that were looked up earlier) is kept away from
a replay here, as far as it starts within one; `landlock` is the floor for the rest.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any, Final, NoReturn

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import EgressRefused
from sidecar_science.routing import native
from sidecar_science.routing.addresses import Addresses
from sidecar_science.routing.caller import caller
from sidecar_science.routing.carrying import Carrying
from sidecar_science.routing.connecting import Connecting
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.origins import LOOPBACK, Endpoint, canonical, is_address, place
from sidecar_science.routing.patching import Patches
from sidecar_science.routing.routes import Resolver

Check = Callable[[str, tuple[Any, ...]], None]

_LOOKUPS: Final = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_SENDS: Final = ("socket.connect", "socket.sendto", "socket.sendmsg")
_PROCESSES: Final = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"),
    *("os.fork", "os.forkpty", "pty.spawn"),
)
_SYMBOLS: Final = ("ctypes.dlsym", "ctypes.dlsym/handle")
_TO_CONNECT: Final = (
    "if that is part of the B-branch, name it with --route SERVICE=URL; if it belongs to a declared service, "
    "add its origin to that service's base_url; otherwise have `build` leave it out"
)
_TO_START: Final = "what runs there is beyond the guard: start it outside the declared function"
_TO_LOAD: Final = "foreign code is beyond the guard: load it before the worker starts, or keep it out of the replay"


class Guard:
    """Refuses, in the whole process and by default, every connection but to ``allowed`` endpoints.

    ``own`` are the worker's own: host and port, or the path of a Unix socket. Only code inside `own()`
    reaches them. ``denied`` are A's endpoints: an allowed name that leads to one of them leads nowhere.
    ``floor`` tells whether the kernel keeps native clients from A; without it, none may be imported any
    more.

    Refusing means: `EgressRefused` is raised where it was tried, and its text is put down with the replay
    that tried it, or else with every replay that is running. ``refused`` counts all, ``unattributed`` the
    latter, and ``recent`` keeps the texts of the last twenty.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[Endpoint],
        own: Iterable[Endpoint | str] = (),
        denied: Iterable[Endpoint] = (),
        floor: bool = False,
        current: Current,
        clock: Clock = SYSTEM_CLOCK,
        resolver: Resolver = socket.getaddrinfo,
        add_hook: Callable[[Check], None] = sys.addaudithook,
    ) -> None:
        own = list(own)
        endpoints = [one for one in own if not isinstance(one, str)]
        self._allowed = Addresses(allowed, taken=denied, clock=clock, resolver=resolver)
        self._owned = Addresses(endpoints, clock=clock, resolver=resolver)
        self._owned_paths = frozenset(one for one in own if isinstance(one, str))
        self._floor = floor
        self._current = current
        self._owner: ContextVar[tuple[CurrentReplay | None] | None] = ContextVar("sidecar_science.own", default=None)
        self._carrying = Carrying(current)
        self._connecting = Connecting(current)
        self._patches = Patches()
        self._add_hook = add_hook
        self._hooked = False
        self._host_name = ""
        self._checks: dict[str, Check] = {}
        self.refused = 0
        self.unattributed = 0
        self.recent: deque[str] = deque(maxlen=20)

    def install(self) -> None:
        """Arm the guard: from here on nothing connects that it does not allow. Before any adapter is built.

        Raises `UsageError` when uvloop is loaded, under which it would be blind.
        """
        self.undo()
        native.refuse_uvloop()
        self._host_name = canonical(socket.gethostname())
        _ = platform.uname().processor  # some clients put it into a header; the first to ask starts a process
        self._allowed.resolve()
        self._owned.resolve()
        self._carrying.install()
        self._connecting.install()
        self._patches.wrap(socket, "getaddrinfo", self._resolving)
        with contextlib.suppress(ImportError):  # there is no such module on Windows
            import _posixsubprocess

            self._patches.wrap(_posixsubprocess, "fork_exec", self._forking)
        self._checks.update(self._table())
        if not self._hooked:
            self._hooked = True
            self._add_hook(self.audit)

    def undo(self) -> None:
        """Disarm the guard; the hook stays in the process and does nothing."""
        self._checks.clear()
        self._patches.undo()
        self._carrying.undo()
        self._connecting.undo()

    @contextlib.contextmanager
    def own(self) -> Iterator[None]:
        """Within the block the worker's own code is at work, and may reach its own endpoints.

        That ends where a replay begins: code of an adapter called in the block is not the worker's own.
        """
        token = self._owner.set((self._current.get(),))
        try:
            yield
        finally:
            self._owner.reset(token)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What the interpreter calls before it does something; raises `EgressRefused` to prevent it."""
        check = self._checks.get(event)
        if check is not None:
            check(event, arguments)

    def permit(self, host: str, port: int) -> bool:
        """Whether the worker or a replay may have a connection to ``host`` and ``port``."""
        return self._allowed.hold(host, port) or self._owned.hold(host, port)

    def _table(self) -> dict[str, Check]:
        return {
            **dict.fromkeys(_SENDS, self._send),
            **dict.fromkeys(_LOOKUPS, self._look_up),
            **dict.fromkeys(_PROCESSES, self._start),
            **dict.fromkeys(_SYMBOLS, self._find_symbol),
            "ctypes.dlopen": self._load,
            "ctypes.call_function": self._load,
            "cpython.PyInterpreterState_New": self._divide,
            "import": self._import,
        }

    def _send(self, event: str, arguments: tuple[Any, ...]) -> None:
        address = arguments[1]
        if address is None:  # sent on a socket that is connected: that was looked at when it was
            return
        what = "a connection" if event == "socket.connect" else "a datagram"
        if isinstance(address, str | bytes):
            path = os.fsdecode(address)
            if not (self._is_own() and path in self._owned_paths):
                self._refuse(f"{what} to the Unix socket {path!r}", _TO_CONNECT)
            return
        host = _text(address[0])
        if host is None:
            self._refuse(f"{what} to {address!r}", _TO_CONNECT)
        if not self._allowed.hold(host, address[1]) and not (self._is_own() and self._owned.hold(host, address[1])):
            self._refuse(f"{what} to {host}:{address[1]}", _TO_CONNECT)

    def _look_up(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not arguments[0]:  # no host: an address to listen on
            return
        host = _text(arguments[0])
        if host is None:
            self._refuse(f"the resolution of {arguments[0]!r}", _TO_CONNECT)
        if self._allowed.name(host) or is_address(host) or place(host) in (LOOPBACK, self._host_name):
            return
        if not (self._is_own() and self._owned.name(host)):
            self._refuse(f"the resolution of the name {host!r}", _TO_CONNECT)

    def _start(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._in_replay():
            self._refuse(f"a child process ({event}{_program(arguments)})", _TO_START)

    def _load(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._in_replay():
            self._refuse(f"a foreign library ({event} of {arguments[0]!r})", _TO_LOAD)

    def _divide(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Hooks belong to one interpreter; the interpreter that is made here would have none.
        if self._in_replay():
            self._refuse("a second interpreter", _TO_START)

    def _find_symbol(self, event: str, arguments: tuple[Any, ...]) -> None:
        name = _text(arguments[1])
        if name in native.SYMBOLS and self._in_replay():
            self._refuse(f"the foreign function {name}()", _TO_LOAD)

    def _import(self, event: str, arguments: tuple[Any, ...]) -> None:
        package = str(arguments[0]).partition(".")[0]
        if package not in native.CLIENTS or package in sys.modules:
            return
        if self._floor and package != "uvloop" and not self._in_replay():
            return
        if find_spec(package) is not None:  # else it is an optional import that will fail by itself
            self._refuse(f"the import of {package} ({native.CLIENTS[package]})", _TO_LOAD)

    def _forking(self, original: Any) -> Any:
        # multiprocessing starts its children by this function, which raises no audit event.
        def fork_exec(*arguments: Any) -> Any:
            self._start("fork_exec", (arguments[0],))
            return original(*arguments)

        return fork_exec

    def _resolving(self, original: Any) -> Any:
        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            answers = original(host, *args, **kwargs)
            name = _text(host)
            if name:
                self._allowed.learn(name, answers)
            return answers

        return getaddrinfo

    def _is_own(self) -> bool:
        owner = self._owner.get()
        return owner is not None and owner[0] is self._current.get()

    def _in_replay(self) -> bool:
        """Whether this may be code of a replay: it is, or nobody knows and some replay is running."""
        return bool(self._current.running()) and not self._is_own()

    def _refuse(self, tried: str, advice: str) -> NoReturn:
        reason = f"refused {tried} by {caller()}; allowed are connections to {self._allowed}; {advice}"
        self.refused += 1
        self.recent.append(reason)
        replay = self._current.get()
        if replay is None:
            self.unattributed += 1
        for one in [replay] if replay is not None else self._current.running():
            one.refuse(reason)
        raise EgressRefused(reason)


def _text(host: object) -> str | None:
    """A host as Python's socket functions take it, as ASCII; None for what is no host or no proper name."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("latin-1")
    if not isinstance(host, str):
        return None
    try:
        return host if host.isascii() else canonical(host)
    except UnicodeError:
        return None


def _program(arguments: tuple[Any, ...]) -> str:
    """The name of the program to be started, without its arguments: those may be anything."""
    program = arguments[0] if arguments else None
    while isinstance(program, list | tuple) and program:
        program = program[0]
    text = os.fsdecode(program) if isinstance(program, str | bytes | os.PathLike) else ""
    return f" of {os.path.basename(text.split()[0])!r}" if text.strip() else ""
