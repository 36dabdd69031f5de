"""An application that a server hosts: it records a call for each request, and notes down each call that it made.

``STORY_CALLS`` is the file where the notes go: one line a call, ``PID VALUE``.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import parse_qs

from sidecar_science import Sidecar

sidecar = Sidecar(os.environ["STORY_NAMESPACE"], redis_url=os.environ["SIDECAR_REDIS_URL"], partitions=4)


@sidecar.experiment("get", key="n", service="s", effect="read")
def get(n):
    return n


def call(n):
    get(n)
    line = f"{os.getpid()} {n}\n".encode()
    notes = os.open(os.environ["STORY_CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(notes, line)
    os.close(notes)


def application(environ, start_response):
    """One call a request."""
    call(parse_qs(environ["QUERY_STRING"])["n"][0])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done\n"]


# A server that loads its application before it forks has made a call or two by then.
call(f"import in {os.getpid()}")
if "uwsgi" in sys.modules:
    # Its master ends without a word to Python.
    sidecar.flush(10.0)
