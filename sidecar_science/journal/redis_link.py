"""Commands and scripts on their way to one server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidecar_science.errors import JournalError, JournalUnavailable, LeaseLost
from sidecar_science.journal.redis_refusals import (
    is_foreign,
    is_moved,
    is_read_only,
    is_refusal,
    is_unknown_script,
    translate,
)
from sidecar_science.journal.scripts import Script, load

Command = tuple[Any, ...]
Call = tuple[Sequence[str], Sequence[Any]]


class Link:
    """Carries commands and scripts, and turns every foreign error into one of ours.

    Nothing is tried again here, since a write whose reply was lost may have happened. ``node``: the server is one of a
    cluster, which can give a key to another one.
    """

    def __init__(self, client: Any, *, shebang: bool = True, node: bool = False) -> None:
        self._client = client
        self._shebang = shebang
        self._node = node
        self._scripts: dict[str, Script] = {}

    def command(self, *words: Any) -> Any:
        """The reply to one command."""
        with self._translated():
            return self._client.execute_command(*_encoded(words))

    def batch(self, commands: Sequence[Command], *, atomic: bool = False) -> list[Any]:
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

    def run_all(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """The reply of the script ``name`` to each of ``calls``; a call that lost its lease has the error
        for reply."""
        script = self._script(name)
        replies = self._evaluate("EVALSHA", script.sha, calls)
        unknown = [n for n, reply in enumerate(replies) if is_unknown_script(reply)]
        if unknown:
            again = self._evaluate("EVAL", script.text, [calls[n] for n in unknown])
            for n, reply in zip(unknown, again, strict=True):
                replies[n] = reply
        return [self._meaning(reply) if isinstance(reply, Exception) else reply for reply in replies]

    def arrived(self, positions: Mapping[str, str], milliseconds: int = 0) -> list[str]:
        """The streams that have something above their position; waits for the first, if it may."""
        block = ["BLOCK", milliseconds] if milliseconds > 0 else []
        streams = self.command("XREAD", "COUNT", 1, *block, "STREAMS", *positions, *positions.values())
        return [name.decode() for name, _ in streams or ()]

    def servers(self) -> list[Link]:
        """The link to each server that holds a part of the journal."""
        return [self]

    def close(self) -> None:
        """Drop the connections; the next command makes a new one."""
        self._client.connection_pool.disconnect()

    def _script(self, name: str) -> Script:
        if name not in self._scripts:
            self._scripts[name] = load(name, shebang=self._shebang)
        return self._scripts[name]

    def _evaluate(self, word: str, script: str, calls: Sequence[Call]) -> list[Any]:
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
        except Exception as error:
            if is_refusal(error):
                return error
            raise

    def _pipeline(self, commands: Sequence[Command], *, atomic: bool = False) -> Any:
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
        except Exception as error:
            if not is_foreign(error):
                raise
            # A refusal says all there is to say; of a failure, what lies under it may be of use.
            raise self._ours(error) from (None if is_refusal(error) else error)

    def _ours(self, error: Exception) -> JournalError:
        # A replica that was a primary keeps its connections: only a new one finds the primary of now.
        if is_read_only(error):
            self.close()
        if self._node and is_moved(error):
            return JournalUnavailable(f"Redis: another node of the cluster has the key now ({error})")
        return translate(error)


def _encoded(words: Sequence[Any]) -> list[Any]:
    # Texts of foreign errors may hold half a surrogate pair; that must not keep a job from being settled.
    command, *arguments = words
    return [command, *(_utf8(word) if isinstance(word, str) else word for word in arguments)]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
