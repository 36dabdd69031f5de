"""The journal's steps that must be one: small scripts that run inside Redis, each on the keys of one
partition."""

from __future__ import annotations

import hashlib
from importlib import resources

import attrs


@attrs.frozen
class Script:
    """A script's text, and the digest under which Redis keeps it."""

    name: str
    text: str
    sha: str


def load(name: str, *, shebang: bool = True) -> Script:
    """The script of that name. Without ``shebang`` its flags are left out, for servers that know none."""
    folder = resources.files("sidecar_science.journal") / "scripts"
    common = (folder / "common.lua").read_text()
    first, _, body = (folder / f"{name}.lua").read_text().partition("\n")
    text = (f"{first}\n" if shebang else "") + common + body
    # Redis names scripts by this digest; nothing rests on its strength.
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
