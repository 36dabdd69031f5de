"""What stands around the desk, until Ctrl-C: a Redis, and the loans service in both versions."""

import contextlib
import signal

from service import serving

from sidecar_science.journal.embedded import EmbeddedServer


def main():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), EmbeddedServer(port=6391), serving("a", 8101), serving("b", 8102):
        print("ready: loans A on port 8101, loans B on port 8102, Redis on port 6391", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
