"""Where a URL aims: scheme, host, port and path segments, taken apart once and never compared as text."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs
import idna

from sidecar_science.errors import DeclarationError, SidecarError

Endpoint = tuple[str, int]

PORTS: Final = {"http": 80, "https": 443}
LOOPBACK: Final = "localhost"
_LOOPBACK_SPELLINGS: Final = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)
_USUAL: Final = re.compile(r"https?://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_UNWELCOME: Final = re.compile(r"[\x00-\x20\x7f\\]")


def canonical(host: str) -> str:
    """``host`` in the one spelling that all its spellings share.

    Names become lower case and ASCII, without a final dot. Addresses lose brackets and zone; an IPv4
    address inside an IPv6 one, and the decimal, octal and hexadecimal forms that resolvers take, become
    four dotted numbers.
    """
    host = host.strip("[]").partition("%")[0].rstrip(".").lower()
    if _NUMERIC.fullmatch(host):
        return _dotted(host)
    if ":" in host:
        return _unmapped(host)
    return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


def _dotted(host: str) -> str:
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def _unmapped(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or address)


def place(host: str) -> str:
    """`canonical`, with every spelling of the loopback host (``0.0.0.0`` and ``::`` lead there too) as one."""
    host = canonical(host)
    return LOOPBACK if host in _LOOPBACK_SPELLINGS else host


def is_address(host: str) -> bool:
    """Whether ``host`` is an address, in any of its spellings, and so needs no resolver."""
    host = canonical(host)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def aim(url: str) -> tuple[str, str, int] | None:
    """Scheme, place and port that ``url`` aims at; None when it is no HTTP URL that could be sent."""
    # Nearly every URL is spelled in the usual way, and there are few origins: those are taken apart once.
    usual = _USUAL.match(url)
    return _aim_of_origin(usual[0]) if usual is not None else _aim(url)


def _aim(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            return None
        return parts.scheme, place(parts.hostname), parts.port or PORTS[parts.scheme]
    except ValueError:  # a bad port, bracket or name; idna's errors are among them
        return None


_aim_of_origin = lru_cache(maxsize=1024)(_aim)


def segments(path: str) -> list[str]:
    """The segments of ``path`` as they were written, with ``.`` and ``..`` resolved as a server would."""
    resolved: list[str] = []
    pieces = path.split("/")[1:]
    for index, piece in enumerate(pieces):
        if piece not in (".", ".."):
            resolved.append(piece)
            continue
        if piece == "..":
            del resolved[-1:]
        if index == len(pieces) - 1:
            resolved.append("")
    return resolved


@attrs.frozen(kw_only=True)
class Origin:
    """A base URL: scheme, host, port and the path segments that all its requests begin with."""

    scheme: str
    host: str
    port: int
    path: tuple[str, ...] = ()

    @classmethod
    def parse(cls, url: str, *, what: str = "the base URL", error: type[SidecarError] = DeclarationError) -> Origin:
        """The origin that ``url`` names; ``what`` names the setting in the text of ``error``, which is
        raised for anything but ``http[s]://host[:port][/path]``."""
        fault = _fault(url)
        if fault:
            raise error(f"{what} is {_shown(url)}, {fault}; write http[s]://host[:port][/path]")
        parts = urlsplit(url)
        return cls(
            scheme=parts.scheme,
            host=canonical(parts.hostname or ""),
            port=parts.port or PORTS[parts.scheme],
            path=tuple(piece for piece in segments(parts.path) if piece),
        )

    @property
    def endpoint(self) -> Endpoint:
        """Host and port to connect to."""
        return self.host, self.port

    @property
    def place(self) -> Endpoint:
        """Host and port, with every spelling of the loopback host as one."""
        return place(self.host), self.port

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, as it stands in a URL and a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL in canonical spelling, without a final slash."""
        return "/".join([f"{self.scheme}://{self.authority}", *self.path])

    def covers(self, pieces: list[str]) -> bool:
        """Whether a path of these segments begins with this origin's path, segment by segment."""
        beginning = pieces[: len(self.path)]
        return [unquote(piece) for piece in beginning] == [unquote(piece) for piece in self.path]


def _fault(url: object) -> str:
    """What is wrong with ``url`` as a base URL; empty when nothing is."""
    if not isinstance(url, str):
        return f"a {type(url).__name__} and no text"
    if _UNWELCOME.search(url):
        return "with a space, a control character or a backslash in it"
    try:
        parts = urlsplit(url)
        port = parts.port
        host = canonical(parts.hostname or "")
    except ValueError as error:
        return f"which cannot be taken apart ({error})"
    if parts.scheme not in PORTS or "://" not in url:
        return "without http:// or https:// before it"
    if "@" in parts.netloc:
        return "with a user or password in it (give credentials to the adapter in `build`)"
    if not host or port == 0:
        return "without a host" if not host else "with port 0"
    if "?" in url or "#" in url:
        return "with a query or fragment behind it"
    return "" if ".." not in parts.path.split("/") else "with '..' in its path"


def _shown(url: object) -> str:
    """``url`` for an error text, without a password that may stand in it."""
    if not isinstance(url, str):
        return repr(url)
    return repr(re.sub(r"//[^/@]*@", "//<user>@", url.partition("?")[0]))
