"""Secrets leave before anything else does: what stands under a secret name or path is kept as a fingerprint only.

It works on plain results and on exact arguments alike, changes no object of the caller, and collects the texts of the
secrets it met, so that their copies elsewhere can be cut out too (`Redactor.scrub`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, unquote_plus

from sidecar_science.codec import secret_paths, types
from sidecar_science.codec.markers import Secret
from sidecar_science.codec.rebuilding import LEAVES, rebuilt
from sidecar_science.codec.scrubbing import Scrubber
from sidecar_science.codec.secret_names import DEFAULT_HEADERS, DEFAULT_NAMES, LONGEST_NAME, normalized
from sidecar_science.codec.secret_search import any_key
from sidecar_science.codec.secret_texts import texts, user_and_password
from sidecar_science.codec.values import MAX_DEPTH, canonical
from sidecar_science.errors import DeclarationError, TooLarge

__all__ = ["DEFAULT_HEADERS", "DEFAULT_NAMES", "Redactor", "normalized"]

_REMEMBERED = 4096


class Redactor:
    """Knows which names and paths are secret: the usual ones, and those it is given.

    ``fingerprint`` makes the keyed fingerprint of bytes (see `Keyring.fingerprint`). Raises `DeclarationError` for
    names and paths that can name nothing.
    """

    def __init__(
        self,
        *,
        names: Iterable[str] = (),
        paths: Iterable[str] = (),
        fingerprint: Callable[[bytes], str],
    ) -> None:
        more = [_checked(name) for name in ((names,) if isinstance(names, str) else names)]
        self.names = frozenset(map(normalized, (*DEFAULT_NAMES, *DEFAULT_HEADERS, *more)))
        self._root = secret_paths.tree((paths,) if isinstance(paths, str) else paths)
        self._has_paths = self._root.ends or bool(self._root.below)
        self._fingerprint = fingerprint
        self._harmless: set[str] = set()
        self._scrubber: tuple[frozenset[str], Scrubber] = (frozenset(), Scrubber(()))

    def is_secret(self, name: str) -> bool:
        """Whether what has this name is secret; case, ``-``, ``_`` and blanks in it make no difference."""
        if name in self._harmless:
            return False
        if len(name) <= LONGEST_NAME:
            if normalized(name) in self.names:
                return True
            if len(self._harmless) < _REMEMBERED:
                self._harmless.add(name)
        return False

    def might_hold(self, encoded: bytes) -> bool:
        """Whether `redact` could change the value that is encoded so; False only where it certainly would not."""
        return self._has_paths or any_key(encoded, self._is_secret_key, self._harmless)

    def redact(self, value: Any, found: set[str], path: str = "$") -> Any:
        """``value``, which stands at ``path``, with a `Secret` in the place of every secret but None.

        The texts of the secrets are added to ``found``. The same object is given back where nothing is secret. Raises
        `TooLarge` for what is nested too deeply.
        """
        places: secret_paths.Places = (self._root,) if self._has_paths else ()
        for segment in secret_paths.segments(path):
            places = secret_paths.step(places, segment)
        try:
            return self._redacted(value, found, places)
        except RecursionError as error:
            raise TooLarge("depth", MAX_DEPTH) from error

    def scrub(self, value: Any, found: Iterable[str]) -> Any:
        """``value`` with ``<secret>`` in the place of every text of ``found``, wherever text or bytes contain it.

        Also as it stands in URLs, in JSON and in base64. Raises `TooLarge` for what is nested too deeply.
        """
        wanted = frozenset(found)
        if not wanted:
            return value
        try:
            return self._scrubber_of(wanted).value(value)
        except RecursionError as error:
            raise TooLarge("depth", MAX_DEPTH) from error

    def holds_copy(self, encoded: bytes, found: Iterable[str]) -> bool:
        """Whether `scrub` would change the value that is encoded so: a look at its bytes, which hold all text as is."""
        return self._scrubber_of(frozenset(found)).finds(encoded)

    def redact_query(self, query: str, found: set[str]) -> str:
        """The query of a URL (or a form) with the fingerprint in the place of every value under a secret name."""
        return "&".join(self._redacted_pair(pair, found) for pair in query.split("&"))

    def redact_url(self, url: str, found: set[str]) -> str:
        """``url`` with fingerprints in the place of credentials, and of secrets in query and fragment."""
        rest, hash_, fragment = url.partition("#")
        rest, mark, query = rest.partition("?")
        scheme, slashes, address = rest.partition("//")
        authority, slash, path = address.partition("/")
        credentials, at, host = authority.rpartition("@")
        if slashes and at:
            found.update(texts((user_and_password(unquote(credentials)),)))
            authority = f"{self._secret(unquote(credentials), found)}@{host}"
        query, fragment = self.redact_query(query, found), self.redact_query(fragment, found)
        return "".join((scheme, slashes, authority, slash, path, mark, query, hash_, fragment))

    def _scrubber_of(self, wanted: frozenset[str]) -> Scrubber:
        # The parts of one job are scrubbed one after the other, of the same secrets.
        known, scrubber = self._scrubber
        if known != wanted:
            scrubber = Scrubber(wanted)
            self._scrubber = (wanted, scrubber)
        return scrubber

    def _redacted(self, value: Any, found: set[str], places: secret_paths.Places) -> Any:
        if any(place.ends for place in places):
            return self._secret(value, found)
        kind = type(value)
        if kind in LEAVES:
            return value
        if kind is dict and not places and value.keys() <= self._harmless:
            return self._redacted_items(value, found)
        if kind is list and not places:
            return self._redacted_list(value, found)

        def change(part: Any, key: Any) -> Any:
            if self._is_secret_key(key):
                return self._secret(part, found)
            return self._redacted(part, found, secret_paths.step(places, key))

        return rebuilt(value, change)

    # The two most common cases by themselves, which is far faster: no key here is secret, and no path leads here.

    def _redacted_list(self, value: list[Any], found: set[str]) -> list[Any]:
        changed = [part if type(part) in LEAVES else self._redacted(part, found, ()) for part in value]
        return value if all(map(operator.is_, changed, value)) else changed

    def _redacted_items(self, value: dict[str, Any], found: set[str]) -> dict[str, Any]:
        changed = {
            key: new
            for key, part in value.items()
            if type(part) not in LEAVES and (new := self._redacted(part, found, ())) is not part
        }
        return {**value, **changed} if changed else value

    def _secret(self, value: Any, found: set[str]) -> Secret | None:
        if value is None or type(value) is Secret:
            return value
        found.update(texts((value,)))
        form = canonical(value)
        # What has no form still has a type: it is a secret, and must not get away for that.
        return Secret(self._fingerprint(b"\xc1" + types.type_name(value).encode() if form is None else form))

    def _is_secret_key(self, key: Any) -> bool:
        kind = type(key)
        if kind is str:
            return self.is_secret(key)
        if kind is bytes:
            return self.is_secret(key.decode("utf-8", "replace"))
        return types.is_kind(kind, str) and self.is_secret(str.__str__(key))

    def _redacted_pair(self, pair: str, found: set[str]) -> str:
        name, equals, value = pair.partition("=")
        # Rack, PHP and Django nest: user[password], user.password, tokens[]
        last = unquote_plus(name).replace("[", ".").replace("]", "").rstrip(".").rpartition(".")[2]
        if not equals or not self.is_secret(last):
            return pair
        found.update(texts((value,)))
        return f"{name}={self._secret(unquote_plus(value), found)}"


def _checked(name: str) -> str:
    if not normalized(name) or len(name) > LONGEST_NAME:
        raise DeclarationError(f"{name!r} cannot be a secret's name: 1 to {LONGEST_NAME} characters are expected")
    return name
