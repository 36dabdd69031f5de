"""What stands around the permit office, until Ctrl-C: a Redis, and Notify in both versions."""

import contextlib
import signal

from service import serving

from sidecar_science.journal.embedded import EmbeddedServer


def main():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), EmbeddedServer(port=6392), serving("a", 8201), serving("b", 8202):
        print("ready: Notify A on port 8201, Notify B on port 8202, Redis on port 6392", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
