"""What surrounds a call and is no argument of it: the time, the request, the user, as the app's own providers tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import attrs

from sidecar_science.codec.values import Codec
from sidecar_science.errors import DeclarationError, TooLarge
from sidecar_science.recording.shield import Shield

MOST_BYTES: Final = 16 * 1024
"""What one provider may give for one call, encoded."""


@attrs.frozen(kw_only=True)
class Ambient:
    """One thing that surrounds calls: ``capture()`` gives it on A, ``restore(value)`` is entered around the call on
    B."""

    name: str
    capture: Callable[[], Any]
    restore: Callable[[Any], AbstractContextManager[Any]]


class Ambients:
    """The providers of one sidecar, in the order of their declaration."""

    def __init__(self, *, codec: Codec, shield: Shield) -> None:
        self.declared: dict[str, Ambient] = {}
        self._codec = codec
        self._shield = shield

    def declare(self, name: Any, capture: Any, restore: Any) -> Ambient:
        """Add a provider. Raises `DeclarationError` for one that cannot work."""
        if not isinstance(name, str) or not name:
            raise DeclarationError(f"an ambient needs a name, and was given {name!r}; write what it is, such as 'user'")
        if name in self.declared:
            raise DeclarationError(f"ambient {name!r} is declared twice; give the second one a name of its own")
        for what, given in (("capture", capture), ("restore", restore)):
            if not callable(given):
                raise DeclarationError(f"ambient {name!r}: {what}={given!r} cannot be called; give a function")
        self.declared[name] = Ambient(name=name, capture=capture, restore=restore)
        return self.declared[name]

    def taken(self, plain: Callable[[Any], bytes]) -> Mapping[str, Any]:
        """What surrounds the call that begins, as plain data of this instant. Raises nothing of ours."""
        return {
            name: value for name, ambient in self.declared.items() if (value := self._taken(ambient, plain)) is not None
        }

    def _taken(self, ambient: Ambient, plain: Callable[[Any], bytes]) -> Any:
        try:
            return self._codec.decode(_bounded(plain(ambient.capture())))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a hook, and the A-branch is sacred
            self._shield.tell("ambient", error, ambient=ambient.name)
            return None


def _bounded(encoded: bytes) -> bytes:
    if len(encoded) > MOST_BYTES:
        raise TooLarge("bytes", MOST_BYTES)
    return encoded
