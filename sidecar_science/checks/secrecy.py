"""Taking secrets out of what was observed, the same way on both sides, before it is stored or compared.

A value under a secret name becomes a keyed fingerprint, so that equal secrets still compare equal; every other copy
of it, in a message, a path or an answer, becomes the word that stands for any secret.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from sidecar_science.checks.exchanges import Exchange, plain
from sidecar_science.codec.redaction import Redactor
from sidecar_science.codec.values import Codec

Places = Sequence[tuple[int, str]]


@attrs.define(kw_only=True)
class Parts:
    """What was observed, each part in the codec's form or None.

    ``arguments`` are forms of ``[args, kwargs]``, each with the places of its positional arguments that are secret.
    """

    arguments: list[tuple[bytes | None, Places]] = attrs.Factory(list)
    value: bytes | None = None
    error: bytes | None = None
    context: bytes | None = None
    exchanges: bytes | None = None


def redact(
    parts: Parts, seen: Sequence[Exchange], redactor: Redactor, codec: Codec, found: set[str] | None = None
) -> Parts:
    """``parts`` and ``seen`` without secrets; ``found`` are texts that are known to be secret already."""
    found = set() if found is None else found
    exchanges = [plain(exchange, redactor, found) for exchange in seen]
    clean = Parts(
        arguments=[(_arguments(data, places, redactor, codec, found), places) for data, places in parts.arguments],
        value=_redact(parts.value, redactor, codec, found),
        error=_redact(parts.error, redactor, codec, found),
        context=_redact(parts.context, redactor, codec, found),
    )
    if found:
        clean.arguments = [(_scrub(data, redactor, codec, found), places) for data, places in clean.arguments]
        clean.value = _scrub(clean.value, redactor, codec, found)
        clean.error = _scrub(clean.error, redactor, codec, found)
        clean.context = _scrub(clean.context, redactor, codec, found)
        exchanges = redactor.scrub(exchanges, found)
    clean.exchanges = codec.encode(exchanges) if exchanges else None
    return clean


def _arguments(data: bytes | None, places: Places, redactor: Redactor, codec: Codec, found: set[str]) -> bytes | None:
    """A parameter of a secret name counts, whether it was passed by name or by place."""
    if data is None or not (places or redactor.might_hold(data)):
        return data
    args, kwargs = codec.decode(data)
    for place, name in places:
        if place < len(args):
            args[place] = redactor.redact({name: args[place]}, found)[name]
    return codec.encode([redactor.redact(args, found), redactor.redact(kwargs, found)])


def _redact(data: bytes | None, redactor: Redactor, codec: Codec, found: set[str]) -> bytes | None:
    if data is None or not redactor.might_hold(data):
        return data
    return codec.encode(redactor.redact(codec.decode(data), found))


def _scrub(data: bytes | None, redactor: Redactor, codec: Codec, found: set[str]) -> bytes | None:
    return None if data is None else codec.encode(redactor.scrub(codec.decode(data), found))
