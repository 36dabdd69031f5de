"""The loans service, in the version that is in production (a) and in the rewrite that is to replace it (b)."""

import contextlib
import datetime
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT = 5
READING_GROUP = {"Villette"}


class LoansService:
    """Who holds which book. Each version has data of its own, and numbers of its own."""

    def __init__(self, version):
        self.version = version
        self._numbers = itertools.count(70_001 if version == "a" else 1)
        self._loans = {}

    def answer(self, method, path, payload):
        """The status and body for one request."""
        match [method, *path.strip("/").split("/")]:
            case ["POST", "cards", card, "loans"]:
                return self._lend(self._loans.setdefault(card, []), payload)
            case ["GET", "cards", card, "loans"]:
                return 200, {"card": card, "loans": self._loans.get(card, [])}
        return 404, {"error": "no such path"}

    def _lend(self, held, payload):
        # The rewrite's first slip: it lends a sixth book.
        if len(held) > LIMIT if self.version == "b" else len(held) >= LIMIT:
            return 409, {"error": f"the card holds {LIMIT} books"}
        held.append({"book": payload["book"], "due": self._due(payload)})
        return 201, {"loan": next(self._numbers), **held[-1]}

    def _due(self, payload):
        # Its second slip: what the reading group waits for is lent for a week, and it lends everything for three.
        short = payload["book"] in READING_GROUP and self.version == "a"
        return (datetime.date.fromisoformat(payload["on"]) + datetime.timedelta(weeks=1 if short else 3)).isoformat()


@contextlib.contextmanager
def serving(version, port):
    """Serve one version on the loopback for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(LoansService(version)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def _respond(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = service.answer(self.command, self.path, json.loads(sent or b"null"))
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = _respond  # noqa: N815 - the base class names them so

        def log_message(self, *_):
            """Quiet: what matters is seen at the desk."""

    return Handler
