"""A's and B's base URLs inside answers: where one is mapped to the other, they stand for each other.

Every spelling of a mapped base URL becomes one token, the name of its service in braces, on both sides alike: so equal
texts stay equal, and a third host stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import attrs
import ormsgpack

from sidecar_science.errors import DeclarationError

_Change = Callable[[str], str]
_Replace = Callable[[re.Match[str]], str]

_DEEPEST = 200
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_HOST = "{host}"

_START = r"(?<![\w+.\-])"
_END_OF_HOST = r"(?![\w\-@%]|\.[\w\-]|:[0-9]|:[^\s/]*@)"
_END_OF_PATH = r"(?![\w\-~%@=&+$*]|[.,;:!'()]+[\w\-~%])"
_MAX_RETRIES = ": Max retries exceeded with url: "


@attrs.frozen
class _Base:
    scheme: str
    host: str
    port: int
    path: str

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(url: str) -> _Base:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in _PORTS:
            raise DeclarationError(f"{url!r} is no base URL; write it as http[s]://host[:port][/path]")
        host = "localhost" if host in _LOOPBACK else host
        return _Base(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def authority(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def name(self) -> str:
        """An expression for the host as it stands alone."""
        if self.host == "localhost":
            return r"(?i:localhost|127\.0\.0\.1|\[?::1\]?)"
        return rf"(?i:{re.escape(self.host)})" if ":" not in self.host else rf"(?i:\[?{re.escape(self.host)}\]?)"

    @property
    def url(self) -> str:
        """An expression for the base URL inside a text, with or without its scheme."""
        port = f"(?::{self.port})?" if self.port == _PORTS[self.scheme] else f":{self.port}"
        path = re.escape(self.path) + _END_OF_PATH if self.path else _END_OF_HOST
        return rf"(?:{_START}(?i:{self.scheme})://|(?<![\w:/}}])//){self.name}{port}{path}"

    @property
    def pool(self) -> str:
        """An expression for what urllib3 calls its connections to this host in errors, base path included."""
        path = re.escape(self.path) + _END_OF_PATH if self.path else ""
        target = rf"(?:(?P<url>{_MAX_RETRIES}){path}|(?!{_MAX_RETRIES}))"
        return rf"HTTPS?Connection(?P<pool>(?:Pool)?)\(host='{self.name}', port={self.port}\){target}"

    @property
    def place(self) -> str:
        """An expression for ``host:port``."""
        return rf"(?<![\w.\-\[:]){self.name}:{self.port}(?![\w\-]|\.\w)"

    @property
    def bare(self) -> str:
        """An expression for the host alone."""
        return rf"(?<![\w.\-@\[:]){self.name}(?![\w\-]|\.\w|:[0-9])"


class Origins:
    """Which base URLs stand for each other.

    ``services`` gives each service's base URLs on A, ``targets`` its base URL on B; a service without a target is left
    alone. Services that share a base URL share a token. Raises `DeclarationError` for what is no HTTP URL.
    """

    def __init__(
        self,
        services: Mapping[str, Sequence[str]] | None = None,
        targets: Mapping[str, str] | None = None,
    ) -> None:
        tokens = _tokens(services or {}, targets or {})
        # The longest path first: of two services on one host, the one further down is meant.
        self._bases = sorted(tokens, key=lambda base: -len(base.path))
        hosts = {base.host for base in self._bases}
        self._hosts = sorted(hosts | (_LOOPBACK if "localhost" in hosts else set()))
        self._encoded_hosts = [host.encode() for host in self._hosts]
        named = [(base, tokens[base]) for base in self._bases]
        self._in_texts = [(re.compile(base.url), _as_url(token)) for base, token in named]
        self._in_messages = [
            *[(re.compile(base.pool), _as_pool(token)) for base, token in named],
            *[(re.compile(base.place), _as_is(token)) for base, token in named],
            # The same name may serve several services, on several ports: alone, it does not say which.
            *[(re.compile(base.bare), _as_is(_ANY_HOST)) for base, _ in named],
        ]

    def normalize(self, value: Any) -> Any:
        """Plain data with a token for every mapped base URL, in keys too; ``value`` itself when there is none."""
        return self._walk(value, self._text, 0) if self._may_occur(value) else value

    def normalize_error(self, error: Any) -> Any:
        """As `normalize`, and hosts are found that stand alone or with a port, as messages about connections do."""
        return self._walk(error, self._message, 0) if self._may_occur(error) else error

    def relative(self, origin: str, path: str) -> str:
        """The path of a request below its base URL; ``path`` itself when ``origin`` is not mapped."""
        try:
            authority = _Base.parse(origin).authority
        except DeclarationError:
            return path
        for base in self._bases:
            if base.authority == authority and (path == base.path or path.startswith(base.path + "/")):
                return path[len(base.path) :] or "/"
        return path

    def _may_occur(self, value: Any) -> bool:
        if not self._bases:
            return False
        try:
            encoded = ormsgpack.packb(value, lambda _: None).lower()
        except (TypeError, ValueError, RecursionError):
            return True
        return any(host in encoded for host in self._encoded_hosts)

    def _walk(self, value: Any, change: _Change, depth: int) -> Any:
        if isinstance(value, str):
            return change(value)
        if depth > _DEEPEST:
            return value
        if isinstance(value, list):
            return [self._walk(item, change, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            return value
        changed: dict[str, Any] = {}
        for key, item in value.items():
            name = change(key)
            # Two keys that become one would lose an entry: then the second keeps its own.
            name = key if name != key and (name in changed or name in value) else name
            changed[name] = self._walk(item, change, depth + 1)
        return changed

    def _text(self, text: str) -> str:
        if "//" not in text or not self._holds_host(text):
            return text
        return _substituted(text, self._in_texts)

    def _message(self, text: str) -> str:
        if not self._holds_host(text):
            return text
        return _substituted(_substituted(text, self._in_texts), self._in_messages)

    def _holds_host(self, text: str) -> bool:
        lower = text.lower()
        return any(host in lower for host in self._hosts)


def _substituted(text: str, replacements: Sequence[tuple[re.Pattern[str], _Replace]]) -> str:
    for expression, replace in replacements:
        text = expression.sub(replace, text)
    return text


def _as_is(token: str) -> _Replace:
    return lambda _: token


def _as_url(token: str) -> _Replace:
    return lambda found: "//" + token if found[0].startswith("/") else token


def _as_pool(token: str) -> _Replace:
    return lambda found: f"HTTPConnection{found['pool']}({token}){found['url'] or ''}"


def _tokens(services: Mapping[str, Sequence[str]], targets: Mapping[str, str]) -> dict[_Base, str]:
    tokens: dict[_Base, str] = {}
    for name, target in targets.items():
        urls = services.get(name, ())
        bases = [_Base.parse(url) for url in (*([urls] if isinstance(urls, str) else urls), target)]
        shared = {tokens[base] for base in bases if base in tokens}
        token = min(shared, default="{" + name + "}")
        tokens.update({base: token for base, taken in tokens.items() if taken in shared})
        tokens.update(dict.fromkeys(bases, token))
    return tokens
