"""A stand-in for GOV.UK Notify, in the version that is in production (a) and in the next one (b)."""

import contextlib
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEMPLATE = "Dear ((name)), permit ((permit)) is granted. Conditions: ((conditions))."


class Notify:
    """Fills the one template that it has. Each version remembers who it wrote to."""

    def __init__(self, version):
        self.version = version

    def answer(self, path, payload):
        """The status and body for one request."""
        match path.strip("/").split("/"):
            case ["v2", "notifications", "email"]:
                return self._send(payload)
            case ["v2", "template", template, "preview"]:
                return 200, {"id": template, "version": 4, "body": self._filled(payload["personalisation"])}
        return _wrong(404, "no such path")

    def _send(self, payload):
        # The next version's first novelty: it is strict about references.
        if self.version == "b" and not re.fullmatch(r"[\w-]*", payload.get("reference", "")):
            return _wrong(400, "reference may hold letters, digits and hyphens")
        id_ = str(uuid.uuid4())
        return 201, {
            "id": id_,
            "uri": f"/v2/notifications/{id_}",
            "reference": payload.get("reference"),
            "content": {"body": self._filled(payload["personalisation"]), "to": payload["email_address"]},
        }

    def _filled(self, personalisation):
        return re.sub(r"\(\((\w+)\)\)", lambda found: self._shown(personalisation[found[1]]), TEMPLATE)

    def _shown(self, value):
        if not isinstance(value, list):
            return str(value)
        if self.version == "b" and len(value) > 1:
            # Its second: a list reads "a, b and c".
            return f"{', '.join(value[:-1])} and {value[-1]}"
        return ", ".join(value)


def _wrong(status, message):
    return status, {"status_code": status, "errors": [{"error": "BadRequestError", "message": message}]}


@contextlib.contextmanager
def serving(version, port):
    """Serve one version on the loopback for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(Notify(version)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(notify):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def do_POST(self):
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = notify.answer(self.path, payload)
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            """Quiet: what matters is seen at the office."""

    return Handler
