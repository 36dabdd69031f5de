"""The journal in Redis: how it is reached, and what each of its refusals means to us.

This is the only file of the room that knows redis-py. `Link` carries commands and scripts of the two sides,
and turns every foreign error into one of ours; nothing is tried again here, since a write whose reply was
lost may have happened.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from redis import ConnectionPool, Redis, exceptions
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, UnixDomainSocketConnection, parse_url
from redis.retry import Retry

from sidecar_science.clock import SYSTEM_CLOCK, Clock
from sidecar_science.errors import (
    JournalError,
    JournalFull,
    JournalMisconfigured,
    JournalUnavailable,
    LeaseLost,
    UsageError,
)
from sidecar_science.journal.redis_journal import RedisJournal
from sidecar_science.journal.redis_log import RedisLog
from sidecar_science.journal.scripts import Script, load

__all__ = ["Link", "RedisJournal", "RedisLog", "connect", "open_journal", "open_log"]

Own = Callable[[], AbstractContextManager[Any]]

# In the order in which they are looked for: a class of redis-py, or the word that Redis begins its refusal with.
_MEANINGS: Final[tuple[tuple[type[JournalError], tuple[type[Exception], ...], frozenset[str]], ...]] = (
    (LeaseLost, (), frozenset({"LEASELOST"})),
    (JournalFull, (exceptions.OutOfMemoryError,), frozenset({"OOM"})),
    (
        JournalMisconfigured,
        (
            exceptions.AuthenticationError,
            exceptions.AuthenticationWrongNumberOfArgsError,
            exceptions.AuthorizationError,
            exceptions.NoPermissionError,
            exceptions.MovedError,
        ),
        frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "NOGROUP", "CROSSSLOT"}),
    ),
    (
        JournalUnavailable,
        (
            exceptions.ConnectionError,
            exceptions.TimeoutError,
            exceptions.ReadOnlyError,
            exceptions.ClusterDownError,
            exceptions.TryAgainError,
            exceptions.InvalidResponse,
            OSError,
        ),
        frozenset({"MISCONF", "NOREPLICAS", "LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "UNBLOCKED"}),
    ),
)  # fmt: skip

_CODE: Final = re.compile(r"(?:^|: )([A-Z]{3,})\b")

_REMEDIES: Final = {
    "NOAUTH": "put the user and the password into the URL",
    "WRONGPASS": "check the user and the password in the URL",
    "NOPERM": "let the user's ACL allow the commands and keys that docs/journal.md lists",
    "WRONGTYPE": "another program uses this key; choose another namespace or database",
    "NOGROUP": "somebody has deleted or flushed the journal: start the worker again",
    "MOVED": "this server is part of a cluster",
}


class Link:
    """Commands and scripts on their way to one server, without retries."""

    def __init__(self, client: Redis, *, shebang: bool = True) -> None:
        self._client: Any = client  # its commands have no types
        self._shebang = shebang
        self._scripts: dict[str, Script] = {}

    def command(self, *words: Any) -> Any:
        """The reply to one command."""
        with self._translated():
            return self._client.execute_command(*_encoded(words))

    def batch(self, commands: Sequence[tuple[Any, ...]], *, atomic: bool = False) -> list[Any]:
        """The replies to ``commands``, sent at once; ``atomic``: all of them happen, or none."""
        with self._translated():
            replies: list[Any] = self._pipeline(commands, atomic=atomic).execute()
            return replies

    def run(self, name: str, keys: Sequence[str], *arguments: Any) -> Any:
        """The reply of the script ``name``."""
        [reply] = self.run_all(name, [(keys, arguments)])
        if isinstance(reply, JournalError):
            raise reply
        return reply

    def run_all(self, name: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """The reply of the script ``name`` to each of ``calls``; a call that lost its lease has the error
        for reply."""
        script = self._script(name)
        replies = self._evaluate("EVALSHA", script.sha, calls)
        unknown = [n for n, reply in enumerate(replies) if isinstance(reply, exceptions.NoScriptError)]
        if unknown:
            again = self._evaluate("EVAL", script.text, [calls[n] for n in unknown])
            for n, reply in zip(unknown, again, strict=True):
                replies[n] = reply
        return [self._meaning(reply) if isinstance(reply, Exception) else reply for reply in replies]

    def close(self) -> None:
        """Drop the connections; the next command makes a new one."""
        self._client.connection_pool.disconnect()

    def _script(self, name: str) -> Script:
        if name not in self._scripts:
            self._scripts[name] = load(name, shebang=self._shebang)
        return self._scripts[name]

    def _evaluate(self, word: str, script: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        commands = [(word, script, len(keys), *keys, *arguments) for keys, arguments in calls]
        with self._translated():
            if len(commands) == 1:
                return [self._alone(commands[0])]
            replies: list[Any] = self._pipeline(commands).execute(raise_on_error=False)
            return replies

    def _alone(self, words: Sequence[Any]) -> Any:
        """The reply to one script, a refusal included; a pipeline would cost as much again."""
        try:
            return self._client.execute_command(*_encoded(words))
        except exceptions.ResponseError as error:
            return error

    def _pipeline(self, commands: Sequence[tuple[Any, ...]], *, atomic: bool = False) -> Any:
        pipeline = self._client.pipeline(transaction=atomic)
        for words in commands:
            pipeline.execute_command(*_encoded(words))
        return pipeline

    def _meaning(self, error: Exception) -> JournalError:
        """A lost lease as a value; anything else is raised."""
        ours = self._ours(error)
        if isinstance(ours, LeaseLost):
            return ours
        raise ours

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exceptions.ResponseError as error:
            raise self._ours(error) from None
        except (exceptions.RedisError, OSError) as error:
            raise self._ours(error) from error

    def _ours(self, error: Exception) -> JournalError:
        # A replica that was a primary keeps its connections: only a new one finds the primary of now.
        if isinstance(error, exceptions.ReadOnlyError):
            self.close()
        return translate(error)


def translate(error: Exception) -> JournalError:
    """What an error of redis-py, or of the socket under it, means to us."""
    # redis-py quotes the failed command of a pipeline in front: it holds a job, and is not for any log.
    text = str(error).rpartition(" of pipeline caused error: ")[2]
    code = getattr(error, "status_code", None) or _code(text)
    ours = next(
        (ours for ours, classes, codes in _MEANINGS if isinstance(error, classes) or code in codes),
        JournalMisconfigured,
    )
    remedy = _REMEDIES.get(code)
    return ours(f"Redis: {text or type(error).__name__}" + (f"; {remedy}" if remedy else ""))


def connect(
    url: str, *, socket_timeout: float = 1.0, connect_timeout: float = 0.5, own: Own = contextlib.nullcontext
) -> Link:
    """A link to the server at ``url`` (redis, rediss or unix); it connects when it is first used.

    ``own()`` is entered around every connecting, so that a guard can tell it from what user code does.
    Seconds are those of one wait for a reply and of one try to connect. Raises `UsageError` for a URL that
    is none.
    """
    try:
        options = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise UsageError(f"the Redis URL cannot be used: {error}") from None
    base = options.pop("connection_class", Connection)
    options |= {
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": connect_timeout,
        # One write is sent once: trying again is for those who can tell what arrived twice.
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "health_check_interval": 0,
        "protocol": 2,
    }
    if not issubclass(base, UnixDomainSocketConnection):
        options["socket_keepalive"] = True
    return Link(Redis(connection_pool=ConnectionPool(connection_class=_owned(base, own), **options)))


def open_log(
    url: str, namespace: str, *, partitions: int = 64, socket_timeout: float = 1.0, clock: Clock = SYSTEM_CLOCK
) -> RedisLog:
    """The A side of the journal at ``url``. Raises `UsageError`; connects when it is first used."""
    return RedisLog(connect(url, socket_timeout=socket_timeout), namespace, partitions=partitions, clock=clock)


def open_journal(
    url: str,
    namespace: str,
    environment: str,
    *,
    partitions: int = 64,
    socket_timeout: float = 5.0,
    own: Own = contextlib.nullcontext,
) -> RedisJournal:
    """The B side of the journal at ``url``. Raises `UsageError`; connects when it is first used."""
    link = connect(url, socket_timeout=socket_timeout, connect_timeout=2.0, own=own)
    # A blocking read must end before the socket gives it up: its reply would be lost.
    return RedisJournal(link, namespace, environment, partitions=partitions, longest_block=socket_timeout / 2)


def _owned(base: type[AbstractConnection], own: Own) -> type[AbstractConnection]:
    """``base``, connecting inside ``own()``; a pool reconnects during any command."""

    class Owned(base):  # type: ignore[misc, valid-type]
        def _connect(self) -> Any:
            with own():
                return super()._connect()

    return Owned


def _encoded(words: Sequence[Any]) -> list[Any]:
    # Texts of foreign errors may hold half a surrogate pair; that must not keep a job from being settled.
    command, *arguments = words
    return [command, *(_utf8(word) if isinstance(word, str) else word for word in arguments)]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""
