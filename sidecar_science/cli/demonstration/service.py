"""A small service in two versions: the one in production (a), and the rewrite that is to replace it (b).

It stands in for GOV.UK Notify and for a publishing API at once. Run as
``python -m sidecar_science.cli.demonstration.service a 8001``; each run has its own data.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Answer = tuple[int, Any]

_WORK: Final = {"a": 0.004, "b": 0.009}
_SLOW_WORK: Final = {"a": 0.040, "b": 0.060}


class Service:
    """The service itself: what it knows, and how it answers."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._content: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, payload: Any) -> Answer:
        """The status and body for one request."""
        parts = path.partition("?")[0].strip("/").split("/")
        time.sleep((_SLOW_WORK if parts[-1] == "search" else _WORK)[self.version])
        match [method, *parts]:
            case ["POST", "v2", "notifications", "email"]:
                return self._send_email(payload)
            case ["PUT", "content", content_id]:
                return self._put(content_id, payload)
            case ["POST", "content", content_id, "publish"]:
                return self._publish(content_id)
            case ["GET", "search"]:
                return self._search()
            case ["GET", "content", content_id]:
                return self._get(content_id)
        return 404, {"error": {"code": 404, "message": "no such path"}}

    def _send_email(self, payload: Any) -> Answer:
        personalisation = payload.get("personalisation") or {}
        if self.version == "b" and not personalisation.get("name", "x").strip():
            # The rewrite checks what the old version let pass.
            message = "personalisation.name is blank"
            return 400, {"status_code": 400, "errors": [{"error": "BadRequestError", "message": message}]}
        id_ = str(uuid.uuid4())
        template = {"id": payload["template_id"], "version": 3, "uri": f"/v2/templates/{payload['template_id']}"}
        body = f"Dear {personalisation.get('name', '')}, your application was received."
        return 201, {
            "id": id_,
            "reference": payload.get("reference"),
            "content": {"subject": "Your application", "body": body, "from_email": "no-reply@example.gov"},
            "uri": f"/v2/notifications/{id_}",
            "template": template,
            "scheduled_for": None,
        }

    def _put(self, content_id: str, payload: Any) -> Answer:
        edition = {**payload, "content_id": content_id, "state": "draft"}
        self._content[content_id] = edition
        return 200, self._presented(edition)

    def _publish(self, content_id: str) -> Answer:
        edition = self._content.get(content_id)
        if edition is None:
            return self._missing(content_id)
        edition["state"] = "published"
        return 200, {"content_id": content_id}

    def _get(self, content_id: str) -> Answer:
        edition = self._content.get(content_id)
        if edition is None:
            return self._missing(content_id)
        presented = self._presented(edition)
        if self.version == "b":
            # The rewrite forgets a field that clients read.
            del presented["phase"]
        return 200, presented

    def _search(self) -> Answer:
        titles = sorted(edition["title"] for edition in self._content.values())
        return 200, {"total": len(titles), "results": titles[:5]}

    @staticmethod
    def _presented(edition: dict[str, Any]) -> dict[str, Any]:
        """An edition as clients see it."""
        return {"phase": "live", "locale": "en", **edition, "updated_at": _now()}

    @staticmethod
    def _missing(content_id: str) -> Answer:
        return 404, {"error": {"code": 404, "message": f"no content item {content_id}"}}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def handler(answer: Callable[[str, str, Any], Answer]) -> type[BaseHTTPRequestHandler]:
    """A request handler class that gives JSON answers, written in one piece."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 64 * 1024

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            payload = json.loads(self.rfile.read(length) or b"null")
            status, body = answer(self.command, self.path, payload)
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = _respond  # noqa: N815 - the base class names them so

        def log_message(self, *_: Any) -> None:
            """A demonstration shows one thing at a time."""

    return Handler


def main() -> None:
    version, port = sys.argv[1], int(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(Service(version).answer))
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
