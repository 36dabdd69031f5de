"""What a call did besides answering. So far: the HTTP requests that left it."""

from sidecar_science.checks.exchanges import Exchange, install, observing, plain

__all__ = ["Exchange", "install", "observing", "plain"]
