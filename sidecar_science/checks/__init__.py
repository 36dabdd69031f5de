"""What a call did besides answering. So far: the HTTP requests that left it."""

from sidecar_science.checks.exchanges import Exchange, Watch, install, observing, plain, uninstall, watching
from sidecar_science.checks.secrecy import Parts, redact

__all__ = ["Exchange", "Parts", "Watch", "install", "observing", "plain", "redact", "uninstall", "watching"]
