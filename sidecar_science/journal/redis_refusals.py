"""What each of Redis's refusals means to us, and what to do about it.

Classes of redis-py are told by their names, theirs and those of what they derive from, so that one file of the room
alone has to know that library.
"""

from __future__ import annotations

import re
from typing import Final

from sidecar_science.errors import (
    JournalError,
    JournalFull,
    JournalMisconfigured,
    JournalUnavailable,
    LeaseLost,
    NeverJoined,
)

# In the order in which they are looked for: names of classes, or the word that Redis begins its refusal with.
_MEANINGS: Final[tuple[tuple[type[JournalError], frozenset[str]], ...]] = (
    (LeaseLost, frozenset({"LEASELOST"})),
    (JournalFull, frozenset({"OutOfMemoryError", "OOM"})),
    (NeverJoined, frozenset({"NOGROUP"})),
    (
        JournalMisconfigured,
        frozenset({
            "AuthenticationError", "AuthenticationWrongNumberOfArgsError", "AuthorizationError", "NoPermissionError",
            "AskError", "MovedError",
            "NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE", "CROSSSLOT",
        }),
    ),
    (
        JournalUnavailable,
        frozenset({
            "ConnectionError", "TimeoutError", "ReadOnlyError", "ClusterDownError", "TryAgainError", "InvalidResponse",
            "OSError",
            "MISCONF", "NOREPLICAS", "LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "TRYAGAIN",
            "UNBLOCKED",
        }),
    ),
)  # fmt: skip

_CODE: Final = re.compile(r"(?:^|: )([A-Z]{3,})\b")

_REMEDIES: Final = {
    "NOAUTH": "put the user and the password into the URL",
    "WRONGPASS": "check the user and the password in the URL",
    "NOPERM": "let the user's ACL allow the commands and keys that docs/journal.md lists",
    "WRONGTYPE": "another program uses this key; choose another namespace or database",
    "NOGROUP": "somebody has deleted or flushed the journal, or its environment has not joined",
    "MOVED": "this server is part of a cluster: write redis+cluster:// in its URL",
}


def translate(error: Exception) -> JournalError:
    """What an error of redis-py, or of the socket under it, means to us."""
    # redis-py quotes the failed command of a pipeline in front: it holds a job, and is not for any log.
    text = str(error).rpartition(" of pipeline caused error: ")[2]
    code = getattr(error, "status_code", None) or _code(text)
    words = {code, *_names(error)}
    ours = next((ours for ours, theirs in _MEANINGS if words & theirs), JournalMisconfigured)
    remedy = _REMEDIES.get("MOVED" if is_moved(error) else code)
    return ours(f"Redis: {text or type(error).__name__}" + (f"; {remedy}" if remedy else ""))


def is_foreign(error: Exception) -> bool:
    """Whether an error is one of redis-py, or of the socket under it."""
    return isinstance(error, OSError) or "RedisError" in _names(error)


def is_moved(error: Exception) -> bool:
    """Whether another node of a cluster has the key."""
    return not _names(error).isdisjoint({"MovedError", "AskError"})


def is_refusal(error: object) -> bool:
    """Whether it is an answer of the server, and not a failure to get one."""
    return isinstance(error, Exception) and "ResponseError" in _names(error)


def is_unknown_script(error: object) -> bool:
    """Whether the server has not got a script yet."""
    return isinstance(error, Exception) and "NoScriptError" in _names(error)


def is_read_only(error: Exception) -> bool:
    """Whether the server is a replica, or has become one."""
    return "ReadOnlyError" in _names(error)


def _names(error: Exception) -> set[str]:
    return {each.__name__ for each in type(error).__mro__}


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""
