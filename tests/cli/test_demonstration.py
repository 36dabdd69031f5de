"""The demonstration's own service: what its two versions answer, and where they differ."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile

import pytest
import requests

from sidecar_science.cli import demo
from sidecar_science.cli.demonstration import service, traffic
from sidecar_science.errors import UsageError
from sidecar_science.reports.report import build


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """The versions take no time here."""
    monkeypatch.setattr(service, "_WORK", {"a": 0.0, "b": 0.0})
    monkeypatch.setattr(service, "_SLOW_WORK", {"a": 0.0, "b": 0.0})


@pytest.fixture
def versions():
    return service.Service("a"), service.Service("b")


def both(versions, *request):
    return [version.answer(*request) for version in versions]


def test_content_is_kept_published_and_searched(versions):
    """Both versions do it alike."""
    for version in versions:
        assert version.answer("PUT", "/content/c-1", {"title": "Tea"})[1]["state"] == "draft"
        assert version.answer("POST", "/content/c-1/publish", {}) == (200, {"content_id": "c-1"})
        assert version.answer("GET", "/content/c-1", None)[1]["state"] == "published"
        assert version.answer("GET", "/search?q=tea", None) == (200, {"total": 1, "results": ["Tea"]})


def test_what_is_missing_is_said_to_be(versions):
    """With the same error on both sides."""
    for request in (("GET", "/content/c-9", None), ("POST", "/content/c-9/publish", {}), ("GET", "/nowhere", None)):
        a, b = both(versions, *request)
        assert a == b
        assert a[0] == 404


def test_the_rewrite_forgets_a_field(versions):
    """That is the difference that the report finds."""
    for version in versions:
        version.answer("PUT", "/content/c-1", {"title": "Tea"})

    a, b = (answer for _, answer in both(versions, "GET", "/content/c-1", None))

    assert set(a) - set(b) == {"phase"}


def test_the_rewrite_checks_what_the_old_version_let_pass(versions):
    """A blank name is an error on B alone."""
    mail = {"template_id": "t", "personalisation": {"name": " "}}

    assert [status for status, _ in both(versions, "POST", "/v2/notifications/email", mail)] == [201, 400]
    assert [status for status, _ in both(versions, "POST", "/v2/notifications/email", {"template_id": "t"})] == [
        201,
        201,
    ]


def test_the_service_speaks_http():
    """One line with its port, then requests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sidecar_science.cli.demonstration.service", "b", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(process.stdout.readline())
        put = requests.put(f"http://127.0.0.1:{port}/content/c-1", data=json.dumps({"title": "Tea"}), timeout=10)
        got = requests.get(f"http://127.0.0.1:{port}/content/c-1", timeout=10)
    finally:
        process.terminate()
        process.wait()

    assert (put.status_code, got.json()["title"]) == (200, "Tea")


def test_the_days_work_is_the_same_every_time():
    """A few hundred calls of several kinds."""
    assert len(traffic.calls(random.Random(7))) == len(traffic.calls(random.Random(7))) > 200


def test_without_notifys_client_there_are_no_mails(monkeypatch):
    """The demonstration runs with what is installed."""
    monkeypatch.setattr(traffic, "notify_client", None)

    assert len(traffic.calls(random.Random(7))) == 200


def test_a_part_that_fails_is_told_with_its_words():
    """Whoever runs the demonstration sees why it ended."""
    with tempfile.TemporaryFile("w+") as logs:
        process = demo._start(["sidecar_science.cli.nowhere"], {}, logs)
        with pytest.raises(UsageError, match="No module named sidecar_science.cli.nowhere"):
            demo._line(process, logs)


def test_a_branch_without_differences_is_a_verdict_too():
    """Nothing to mend."""
    assert demo._verdict(build("demo", "b-1", 0.0, {}, [])) == "B answers as A does."
