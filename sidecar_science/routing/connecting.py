"""Whether a replay had a connection at all: a client that nobody observes does not tell, and its sockets do."""

from __future__ import annotations

import socket
from typing import Any, Final

from sidecar_science.routing.current import Current
from sidecar_science.routing.patching import Patches

_VERBS: Final = ("connect", "send", "sendall", "sendmsg")


class Connecting:
    """Notes with its replay when a socket has connected, or has sent something.

    Sending is looked at too, since a socket that does not block connects after the call has ended.
    """

    def __init__(self, current: Current) -> None:
        self._current = current
        self._patches = Patches()

    def install(self) -> None:
        """Patch ``socket.socket``."""
        self.undo()
        for verb in _VERBS:
            self._patches.wrap(socket.socket, verb, self._noting)

    def undo(self) -> None:
        """Leave ``socket.socket`` as it was."""
        self._patches.undo()

    def _noting(self, original: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            done = original(*args, **kwargs)
            replay = self._current.get()
            if replay is not None:
                replay.connected = True
            return done

        return noted
