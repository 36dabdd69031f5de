"""One decoding under way: bounded in depth, and deaf to names that nobody registered."""

from __future__ import annotations

from typing import Any

import ormsgpack

from sidecar_science.codec import shapes
from sidecar_science.codec.classes import Classes
from sidecar_science.codec.packing import KEYS
from sidecar_science.errors import Undecodable


class Unpacking:
    """Decodes one value."""

    def __init__(self, classes: Classes, max_depth: int) -> None:
        self._classes = classes
        self._left = max_depth
        self._stopped: BaseException | None = None

    def value(self, data: bytes) -> Any:
        """The value in ``data``. Raises what the first refusal was: `Undecodable`, or what a type's constructor has."""
        try:
            return self._unpacked(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the first refusal is what counts
            # ormsgpack puts an exception of its own in the place of whatever was raised below it.
            raise self._stopped or error from None

    def _unpacked(self, data: bytes) -> Any:
        if self._left < 0:
            raise Undecodable("the value is nested too deeply")
        self._left -= 1
        value = ormsgpack.unpackb(data, ext_hook=self._restore, option=KEYS)
        self._left += 1
        return value

    def _restore(self, code: int, payload: bytes) -> Any:
        try:
            content = payload if code in shapes.RAW else self._unpacked(payload)
            return shapes.restore(code, content, self._classes)
        except BaseException as error:
            self._stopped = self._stopped or error
            raise
