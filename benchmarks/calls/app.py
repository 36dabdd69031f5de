"""What an app does between two calls of its adapters, in small: a request is read, data is turned over, a page made.

A call that follows a sleep at once meets caches that hold nothing of the process; one that is repeated without pause
meets only its own. Neither is what an app sees.
"""

from __future__ import annotations

import email.parser
import html
import json
import re
import time
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.calls.payloads import payloads

_REQUEST = """Host: www.example.org\r
Accept: text/html,application/xhtml+xml;q=0.9\r
Accept-Language: en-GB,en;q=0.5\r
Cookie: seen=1; theme=light; visit=20260301\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r
X-Request-Id: 5f1a7c0e\r
\r
"""
_URL = (
    "https://www.example.org/browse/benefits/entitlement?page=3&topic=child&topic=housing&order=-updated&q=tax+credit"
)
_PAGE = Template("<article><h1>$title</h1><p>$description</p><ul>$rows</ul></article>")
_TEXTS = payloads(3000, 8)


class App:
    """Does ``turns`` requests' worth of work at a time."""

    def __init__(self, micros: float) -> None:
        self._served = 0
        once = min(self._timed() for _ in range(50))
        self._turns = round(micros / once) if micros else 0

    def work(self) -> None:
        for _ in range(self._turns):
            self._serve()

    def _timed(self) -> float:
        started = time.perf_counter()
        self._serve()
        return (time.perf_counter() - started) * 1e6

    def _serve(self) -> str:
        self._served += 1
        headers = email.parser.Parser().parsestr(_REQUEST, headersonly=True)
        query = parse_qs(urlsplit(_URL).query)
        item: dict[str, Any] = json.loads(_TEXTS[self._served % len(_TEXTS)])
        history = sorted(item["details"]["change_history"], key=lambda change: (change["note"], change["revision"]))
        rows = "".join(f"<li>{html.escape(change['note'])}</li>" for change in history if change["major"])
        words = re.findall(r"[a-z]+", item["details"]["body"].lower())
        page = _PAGE.substitute(title=item["title"], description=item["description"], rows=rows)
        return json.dumps([page, headers["Host"], query, sorted(set(words))])
