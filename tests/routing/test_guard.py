"""What the guard makes of each audited event. The hook itself is permanent, so these tests call it by hand."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar_science.errors import EgressRefused, UsageError
from sidecar_science.routing import guard as guard_module
from sidecar_science.routing.current import Current, CurrentReplay
from sidecar_science.routing.guard import Guard

from .conftest import StillClock

Audit = Callable[..., None]
REDIS = ("127.0.0.1", 6379)
B = ("127.0.0.1", 5000)


@pytest.fixture
def hooks() -> list[Any]:
    return []


@pytest.fixture
def make(current: Current, clock: StillClock, hooks: list[Any]) -> Iterator[Callable[..., Guard]]:
    made: list[Guard] = []

    def make(**settings: Any) -> Guard:
        defaults: dict[str, Any] = {"allowed": [B, ("b.example", 80)], "own": [REDIS, "/run/redis.sock"]}
        guard = Guard(
            **{**defaults, **settings},
            current=current,
            clock=clock,
            resolver=lambda *_, **__: [],
            add_hook=hooks.append,
        )
        guard.install()
        made.append(guard)
        return guard

    yield make
    for guard in made:
        guard.undo()


@pytest.fixture
def guard(make: Callable[..., Guard]) -> Guard:
    return make()


@pytest.fixture
def audit(guard: Guard, hooks: list[Any]) -> Audit:
    """Says an event to the hook that the guard has added."""
    return lambda event, *arguments: hooks[0](event, arguments)


@pytest.fixture
def replaying(guard: Guard, current: Current, replay: CurrentReplay) -> Iterator[CurrentReplay]:
    with current.replaying(replay):
        yield replay


# Connections


@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto", "socket.sendmsg"])
@pytest.mark.parametrize("address", [("127.0.0.1", 5000), ("::1", 5000, 0, 0), (b"localhost", 5000), ("b.example", 80)])
def test_what_the_routes_name_is_allowed(event: str, address: Any, audit: Audit) -> None:
    """A connection or datagram to an endpoint of B passes, in and out of a replay."""
    audit(event, None, address)


@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto", "socket.sendmsg"])
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("127.0.0.1", 5001), "127.0.0.1:5001"),
        (("10.0.0.1", 5000), "10.0.0.1:5000"),
        (("b.example", 81), "b.example:81"),
        (REDIS, "127.0.0.1:6379"),
        ("/run/redis.sock", "the Unix socket '/run/redis.sock'"),
        (b"\0abstract", r"the Unix socket '\x00abstract'"),
        ((3, 1234), "(3, 1234)"),
        (("\u0600.example", 5000), "5000"),
    ],
)
def test_everything_else_is_refused(
    event: str, address: Any, shown: str, audit: Audit, replaying: CurrentReplay
) -> None:
    """Other ports, hosts, Redis, Unix sockets and foreign address families are refused and put down."""
    with pytest.raises(EgressRefused) as raised:
        audit(event, None, address)

    assert shown in str(raised.value)
    assert replaying.refusals == [str(raised.value)]


def test_the_text_says_what_by_whom_what_is_allowed_and_what_to_do(audit: Audit) -> None:
    """A refusal can be understood without looking anything up."""
    with pytest.raises(EgressRefused) as raised:
        audit("socket.connect", None, ("10.0.0.1", 443))

    text = str(raised.value)
    assert text.startswith(f"refused a connection to 10.0.0.1:443 by {__name__} (<lambda>, line ")
    assert "; allowed are connections to 127.0.0.1:5000, b.example:80; " in text
    assert "--route SERVICE=URL" in text


def test_a_message_on_a_connected_socket_passes(audit: Audit) -> None:
    """What was allowed to connect may send."""
    audit("socket.sendmsg", None, None)


def test_a_refusal_cannot_be_swallowed(audit: Audit, replaying: CurrentReplay) -> None:
    """Code that catches everything goes on, but the replay remembers."""
    try:  # noqa: SIM105
        audit("socket.connect", None, ("10.0.0.1", 443))
    except:  # noqa: E722
        pass

    assert replaying.refused == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_without_a_line_of_its_own_is_named_as_such(hooks: list[Any], guard: Guard) -> None:
    """Where no frame belongs to anybody but the standard library and ourselves, the text says what there is."""
    thread = threading.Thread(target=hooks[0], args=("socket.connect", (None, ("10.0.0.1", 443))))
    thread.start()
    thread.join()

    assert "by threading; allowed" in guard.recent[0]


# Names


@pytest.mark.parametrize("event", ["socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"])
@pytest.mark.parametrize("host", ["b.example", b"B.example.", "10.0.0.1", "2130706433", "localhost", None, "", b""])
def test_names_of_b_addresses_and_this_machine_may_be_looked_up(event: str, host: Any, audit: Audit) -> None:
    """An address needs no resolver, and a connection to it is judged by itself."""
    audit(event, host, 80, 0, 0, 0)


def test_the_machines_own_name_may_be_looked_up(audit: Audit) -> None:
    """Mail and metrics libraries ask for it when they introduce themselves."""
    audit("socket.gethostbyaddr", socket.gethostname())


@pytest.mark.parametrize("host", ["a.example", b"a.example", "b.example.evil", "\u0600.example", 5])
def test_other_names_are_refused(host: Any, audit: Audit, replaying: CurrentReplay) -> None:
    """A name that no route has is refused before it is resolved: that is where the error can still tell it."""
    with pytest.raises(EgressRefused, match=r"refused the resolution of "):
        audit("socket.getaddrinfo", host, 80, 0, 0, 0)

    assert replaying.refused == 1


def test_addresses_that_a_client_resolved_are_where_it_may_connect(
    guard: Guard, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard learns from the resolver's own answers, so that a name with many addresses works."""
    guard.undo()
    answer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answer])
    guard.install()

    found = socket.getaddrinfo("b.example", 80)
    socket.getaddrinfo(None, 80)

    audit("socket.connect", None, found[0][4])
    with pytest.raises(EgressRefused):
        audit("socket.connect", None, ("192.0.2.8", 80))


# The worker's own


def test_the_workers_own_code_reaches_redis(guard: Guard, audit: Audit) -> None:
    """Inside own() the journal's address, its name and its Unix socket are open, and nothing else is."""
    with guard.own():
        audit("socket.connect", None, REDIS)
        audit("socket.connect", None, "/run/redis.sock")
        audit("socket.connect", None, b"/run/redis.sock")
        with pytest.raises(EgressRefused):
            audit("socket.connect", None, ("10.0.0.1", 6379))
        with pytest.raises(EgressRefused):
            audit("socket.connect", None, "/run/docker.sock")

    with pytest.raises(EgressRefused):
        audit("socket.connect", None, REDIS)


def test_the_name_of_redis_is_the_workers_own(make: Callable[..., Guard]) -> None:
    """A replay cannot even look the journal up."""
    guard = make(own=[("redis.internal", 6379)])

    with guard.own():
        guard.audit("socket.getaddrinfo", ("redis.internal", 6379))
    with pytest.raises(EgressRefused):
        guard.audit("socket.getaddrinfo", ("redis.internal", 6379))


def test_a_replay_that_begins_inside_own_is_not_own(
    guard: Guard, audit: Audit, current: Current, replay: CurrentReplay
) -> None:
    """Adapter code called by the worker's own is still adapter code; own() within a replay is the worker's again."""
    with guard.own(), current.replaying(replay):
        with pytest.raises(EgressRefused):
            audit("socket.connect", None, REDIS)
        with guard.own():
            audit("socket.connect", None, REDIS)


def test_own_is_not_inherited_by_other_threads(guard: Guard, audit: Audit) -> None:
    """Whoever runs beside the worker's own code is not it."""
    refused: list[str] = []

    def run() -> None:
        try:
            audit("socket.connect", None, REDIS)
        except EgressRefused as error:
            refused.append(str(error))

    with guard.own():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert len(refused) == 1


def test_what_is_permitted_can_be_asked(guard: Guard) -> None:
    """A check at the start asks for connections that are open already."""
    assert guard.permit(*B)
    assert guard.permit(*REDIS)
    assert not guard.permit("10.0.0.1", 443)


# Attribution


def test_a_refusal_without_a_replay_is_put_down_with_all_that_run(
    guard: Guard, audit: Audit, current: Current, replay: CurrentReplay
) -> None:
    """Whose it was cannot be told, so no replay that runs may count as clean."""
    other = CurrentReplay(job="job-2", environment="b-42")

    with current.replaying(replay), current.replaying(other), current.carrying(None), pytest.raises(EgressRefused):
        audit("socket.connect", None, ("10.0.0.1", 443))

    assert replay.refusals == other.refusals == list(guard.recent)
    assert (guard.refused, guard.unattributed) == (1, 1)


def test_a_refusal_is_its_replays_own(guard: Guard, audit: Audit, current: Current, replay: CurrentReplay) -> None:
    """Other lanes have nothing to do with it."""
    other = CurrentReplay(job="job-2", environment="b-42")

    with current.replaying(other), current.replaying(replay), pytest.raises(EgressRefused):
        audit("socket.connect", None, ("10.0.0.1", 443))

    assert (replay.refused, other.refused) == (1, 0)
    assert (guard.refused, guard.unattributed) == (1, 0)


def test_without_any_replay_it_is_still_refused(guard: Guard, audit: Audit) -> None:
    """The guard holds for the whole process: an adapter that connects when it is built is refused as well."""
    with pytest.raises(EgressRefused):
        audit("socket.connect", None, ("10.0.0.1", 443))

    assert guard.unattributed == 1


# Processes and foreign code


@pytest.mark.parametrize(
    ("event", "arguments", "shown"),
    [
        (
            "subprocess.Popen",
            ("/usr/bin/curl", ["curl", "http://a?token=s3cret"], None, None),
            "subprocess.Popen of 'curl'",
        ),
        ("subprocess.Popen", (["curl", "http://a?token=s3cret"], None), "subprocess.Popen of 'curl'"),
        ("os.system", (b"curl http://a?token=s3cret",), "os.system of 'curl'"),
        ("os.exec", (Path("/bin/sh"), ["sh"], {}), "os.exec of 'sh'"),
        ("os.posix_spawn", ("/bin/sh", ["sh"], {}), "os.posix_spawn of 'sh'"),
        ("os.fork", (), "(os.fork)"),
        ("os.forkpty", (), "(os.forkpty)"),
        ("pty.spawn", (["sh"],), "pty.spawn of 'sh'"),
        ("os.spawn", (0, "/bin/sh", [], {}), "(os.spawn)"),
        ("subprocess.Popen", (" ",), "(subprocess.Popen)"),
    ],
)
def test_no_process_is_started_in_a_replay(
    event: str, arguments: Any, shown: str, audit: Audit, current: Current, replay: CurrentReplay
) -> None:
    """A child is beyond the guard. The text names the program and not its arguments; between replays all is allowed."""
    audit(event, *arguments)

    with current.replaying(replay), pytest.raises(EgressRefused) as raised:
        audit(event, *arguments)

    assert f"refused a child process ({shown}" in str(raised.value) or shown in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_no_second_interpreter_is_made_in_a_replay(audit: Audit, current: Current, replay: CurrentReplay) -> None:
    """A hook sees one interpreter alone; another one would be unwatched."""
    audit("cpython.PyInterpreterState_New")

    with current.replaying(replay), pytest.raises(EgressRefused, match="a second interpreter"):
        audit("cpython.PyInterpreterState_New")


def test_multiprocessing_starts_no_process_either(guard: Guard, current: Current, replay: CurrentReplay) -> None:
    """Its children are started by a function that raises no audit event, so that function is held as well."""
    import _posixsubprocess

    with current.replaying(replay), pytest.raises(EgressRefused, match="fork_exec of 'python'"):
        _posixsubprocess.fork_exec([b"/usr/bin/python"])
    guard.undo()
    with pytest.raises(TypeError):
        _posixsubprocess.fork_exec([b"/usr/bin/python"])


def test_between_replays_multiprocessing_is_itself(guard: Guard) -> None:
    """Without a replay the arguments go on to the real function."""
    import _posixsubprocess

    with pytest.raises(TypeError, match="argument"):
        _posixsubprocess.fork_exec([b"/usr/bin/python"])


def test_the_workers_own_code_may_start_processes(guard: Guard, audit: Audit, replaying: CurrentReplay) -> None:
    """Even while replays run: own() is the worker's word for what it does itself."""
    with guard.own():
        audit("os.fork")


def test_a_thread_of_nobody_starts_no_process_while_a_replay_runs(
    audit: Audit, current: Current, replaying: CurrentReplay
) -> None:
    """It may have been sent by the replay."""
    with current.carrying(None), pytest.raises(EgressRefused):
        audit("os.fork")

    assert replaying.refused == 1


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("ctypes.dlopen", ("libcurl.so.4",)),
        ("ctypes.dlopen", (None,)),
        ("ctypes.dlsym", (object(), "connect")),
        ("ctypes.dlsym", (object(), b"getaddrinfo")),
        ("ctypes.dlsym/handle", (7, "sendto")),
        ("ctypes.call_function", (140, ())),
    ],
)
def test_no_foreign_code_is_loaded_in_a_replay(
    event: str, arguments: Any, audit: Audit, current: Current, replay: CurrentReplay
) -> None:
    """Libraries, and functions that connect, resolve or start something, are refused; before a replay they are not."""
    audit(event, *arguments)

    with current.replaying(replay), pytest.raises(EgressRefused, match="foreign code is beyond the guard"):
        audit(event, *arguments)


def test_harmless_foreign_functions_stay_usable(audit: Audit, replaying: CurrentReplay) -> None:
    """Looking up a function that has nothing to do with the net is nobody's business."""
    audit("ctypes.dlsym", object(), "strlen")
    audit("ctypes.dlsym", object(), 12)

    assert replaying.refused == 0


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Which packages can be found, whatever this environment has."""
    found = {"psycopg", "uvloop", "grpc"}
    monkeypatch.setattr(guard_module, "find_spec", lambda name: name in found or None)
    return found


def test_native_clients_cannot_be_imported_any_more(audit: Audit, installed: set[str]) -> None:
    """Without a floor none may come in after the check at the start, in a replay or not."""
    with pytest.raises(EgressRefused, match=r"the import of psycopg \(libpq\)"):
        audit("import", "psycopg.rows", None, None, None, None)

    audit("import", "json", None, None, None, None)


def test_with_a_floor_native_clients_are_refused_in_a_replay_alone(
    make: Callable[..., Guard], installed: set[str], current: Current, replay: CurrentReplay
) -> None:
    """The kernel holds them then; uvloop is refused in any case, because it would blind the guard."""
    guard = make(floor=True)

    guard.audit("import", ("psycopg",))
    with pytest.raises(EgressRefused):
        guard.audit("import", ("uvloop",))
    with current.replaying(replay), pytest.raises(EgressRefused):
        guard.audit("import", ("grpc",))


def test_an_optional_import_of_what_is_not_there_fails_by_itself(audit: Audit) -> None:
    """Code that tries an import and goes on without it is not to blame."""
    audit("import", "cx_Oracle", None, None, None, None)


def test_parts_of_what_is_loaded_may_be_imported(
    audit: Audit, installed: set[str], monkeypatch: pytest.MonkeyPatch, replaying: CurrentReplay
) -> None:
    """A client that passed the check at the start may load its own modules when it needs them."""
    monkeypatch.setitem(sys.modules, "psycopg", sys)

    audit("import", "psycopg.rows", None, None, None, None)

    assert replaying.refused == 0


def test_with_uvloop_loaded_the_guard_is_not_armed(make: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that sees nothing must not look like one."""
    monkeypatch.setitem(sys.modules, "uvloop", sys)

    with pytest.raises(UsageError, match="under it the guard sees no connection"):
        make()


# Arming


def test_disarmed_it_lets_everything_through(guard: Guard, audit: Audit, hooks: list[Any]) -> None:
    """The hook stays in the process and does nothing; armed again it is the same one hook."""
    guard.undo()
    audit("socket.connect", None, ("10.0.0.1", 443))

    guard.install()

    with pytest.raises(EgressRefused):
        audit("socket.connect", None, ("10.0.0.1", 443))
    assert len(hooks) == 1


def test_disarming_puts_everything_back(make: Callable[..., Guard]) -> None:
    """Threads, resolver and process start are the standard library's own again."""
    import _posixsubprocess

    own = (threading.Thread.start, socket.getaddrinfo, _posixsubprocess.fork_exec)
    guard = make()
    patched = (threading.Thread.start, socket.getaddrinfo, _posixsubprocess.fork_exec)

    guard.undo()

    assert not any(one is other for one, other in zip(own, patched, strict=True))
    assert (threading.Thread.start, socket.getaddrinfo, _posixsubprocess.fork_exec) == own


def test_events_of_no_interest_cost_one_look(audit: Audit) -> None:
    """Opening files, compiling and the rest of the interpreter's events pass."""
    audit("open", os.devnull, "r", 0)
    audit("socket.bind", None, ("10.0.0.1", 80))
