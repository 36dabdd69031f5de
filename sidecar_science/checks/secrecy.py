"""Taking secrets out of what was observed, the same way on both sides, before it is stored or compared.

A value under a secret name becomes a keyed fingerprint, so that equal secrets still compare equal; every other copy
of it, in a message, a path or an answer, becomes the word that stands for any secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from sidecar_science.checks import addresses
from sidecar_science.checks.exchanges import Exchange, plain
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec
from sidecar_science.errors import TooLarge

Places = Sequence[tuple[int, str]]


@attrs.define(kw_only=True)
class Parts:
    """What was observed, each part in the codec's form or None.

    ``arguments`` are forms of ``[args, kwargs]``, each with the places of its positional arguments that are secret;
    ``cut`` tells, for each of them, whether a secret was cut out of longer text in it.
    """

    arguments: list[tuple[bytes | None, Places]] = attrs.Factory(list)
    cut: list[bool] = attrs.Factory(list)
    value: bytes | None = None
    error: bytes | None = None
    context: bytes | None = None
    exchanges: bytes | None = None


def redact(
    parts: Parts, seen: Sequence[Exchange], redactor: Redactor, codec: Codec, found: set[str] | None = None
) -> Parts:
    """``parts`` and ``seen`` without secrets; ``found`` are texts that are known to be secret already, and takes more.

    Raises `CodecError` for what cannot be read, or is too large to keep.
    """
    return _Redaction(redactor, codec, set() if found is None else found).clean(parts, seen)


@attrs.frozen
class _Redaction:
    redactor: Redactor
    codec: Codec
    found: set[str]

    def clean(self, parts: Parts, seen: Sequence[Exchange]) -> Parts:
        exchanges = [plain(exchange, self.redactor, self.found) for exchange in seen]
        arguments = [self.arguments(data, places) for data, places in parts.arguments]
        value, error, context = self.part(parts.value), self.part(parts.error), self.part(parts.context)
        # Only now are all secrets known: what one part holds by name, another one may quote.
        scrubbed = [self.scrubbed(data) for data, _ in arguments]
        return Parts(
            arguments=[(data, places) for data, (_, places) in zip(scrubbed, parts.arguments, strict=True)],
            cut=[cut or after != data for (data, cut), after in zip(arguments, scrubbed, strict=True)],
            value=self.scrubbed(value),
            error=self.scrubbed(error),
            context=self.scrubbed(context),
            exchanges=self.exchanges(exchanges, seen),
        )

    def arguments(self, data: bytes | None, places: Places) -> tuple[bytes | None, bool]:
        """A parameter of a secret name counts, whether it was passed by name or by place."""
        if data is None or not (places or self.might_hold(data)):
            return data, False
        args, kwargs = self.codec.decode(data)
        for place, name in places:
            if place < len(args):
                args[place] = self.redactor.redact({name: args[place]}, self.found)[name]
        named = [self.redactor.redact(args, self.found), self.redactor.redact(kwargs, self.found)]
        clean = addresses.redact(named, self.redactor, self.found)
        return self.codec.encode(clean), clean is not named

    def part(self, data: bytes | None) -> bytes | None:
        if data is None or not self.might_hold(data):
            return data
        value = self.redactor.redact(self.codec.decode(data), self.found)
        return self.codec.encode(addresses.redact(value, self.redactor, self.found))

    def might_hold(self, data: bytes) -> bool:
        return addresses.might_hold(data) or self.redactor.might_hold(data)

    def scrubbed(self, data: bytes | None) -> bytes | None:
        if data is None or not self.found or not self.redactor.holds_copy(data, self.found):
            return data
        return self.codec.encode(self.redactor.scrub(self.codec.decode(data), self.found))

    def exchanges(self, exchanges: list[Any], seen: Sequence[Exchange]) -> bytes | None:
        if not exchanges:
            return None
        try:
            return self.codec.encode(self.redactor.scrub(exchanges, self.found))
        except TooLarge:
            bare = [plain(exchange, self.redactor, self.found, bare=True) for exchange in seen]
            return self.codec.encode(self.redactor.scrub(bare, self.found))
