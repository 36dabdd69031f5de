"""`sidecar-worker job` on a real server."""

from __future__ import annotations

import json

import pytest

from sidecar_science.cli import recorded as recorded_jobs
from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.journal.job import unseal
from sidecar_science.journal.protocol import Entry
from sidecar_science.journal.redis import open_log
from sidecar_science.reports.outcome import Outcome
from tests.cli.apps import APP, differing, joined, recorded, settled

pytestmark = pytest.mark.realserver

SECRETIVE = APP.replace(
    "def order(self, number):\n        return {{",
    'def order(self, number, password="hunter2-and-more"):\n        return {{"pin": "4711", "title": "old", ',
)
CLEANING = """
@sidecar.experiments["shop.order"].clean
def without_pin(value):
    return {{**value, "pin": "..."}}
"""


@pytest.fixture
def shop(app, capsys):
    """An app that has made some calls, and what the command says of one of its jobs."""

    class Shop:
        def __init__(self):
            self.target = app(SECRETIVE + CLEANING)

        def call(self, times=1):
            self.sidecar = recorded(self.target, times)
            self.journal = joined(self.sidecar)
            waiting = self.journal.peek(100)
            self.jobs = [unseal(each.data, self.sidecar.keyring, each.partition)[0].id for each in waiting]
            return self

        def __call__(self, job, *words):
            code = main(["job", self.target, "--environment", "b-1", job, *words])
            told = capsys.readouterr()
            return code, told.out, told.err

        def told(self, job):
            code, out, err = self(job, "--format", "json")
            assert (code, err) == (Exit.OK, "")
            return json.loads(out)

    return Shop()


def test_a_waiting_job_is_shown_as_it_was_recorded(shop):
    """Its arguments with secrets as fingerprints, and the control as `clean` gives it."""
    (job,) = shop.call().jobs

    told = shop.told(job)

    assert told["schema"] == 1
    assert (told["job"], told["experiment"], told["service"], told["effect"]) == (job, "shop.order", "shop", "read")
    (call,) = told["calls"]
    assert call["arguments"]["args"] == [0]
    assert told["control"]["value"] == {"pin": "...", "title": "old", "number": 0}
    assert "candidate" not in told
    assert "groups" not in told


def test_secrets_are_shown_as_fingerprints(shop):
    """What was redacted before it left the app is nowhere on the page."""
    module = __import__(shop.target.partition(":")[0])
    module.Shop("http://a.shop.invalid").order(7, password="correct horse battery")
    told = [shop.told(job) for job in shop.call().jobs]

    [with_password] = [one for one in told if one["calls"][0]["arguments"]["args"] == [7]]
    assert list(with_password["calls"][0]["arguments"]["kwargs"]["password"]) == ["secret"]
    assert "correct horse" not in json.dumps(told)


def test_a_sample_is_shown_with_both_sides(shop):
    """Once it is settled and freed, what the report keeps is still there: group, differences, A and B."""
    (job,) = shop.call().jobs
    settled(shop.sidecar, shop.journal, differing)
    shop.journal.trim()

    code, out, _ = shop(job)

    assert code == Exit.OK
    assert f"job {job} of shop.order on b-1\nits bytes have left the journal" in out
    assert 'value $.title changed\n    A  "old"\n    B  "new"' in out
    assert '\nB\n  {\n    "value": {\n      "title": "new"' in out


def test_what_was_recorded_and_what_was_kept_stand_together(shop):
    """While its bytes are there, the control is whole, and B's side is the report's."""
    shop.call(1).journal.configure("retention", "3600")
    settled(shop.sidecar, shop.journal, differing)

    told = shop.told(shop.jobs[0])

    assert told["control"]["value"]["number"] == 0
    assert told["candidate"] == {"value": {"title": "new"}}
    assert [one["path"] for one in told["groups"][0]["differences"]] == ["$.title"]


def test_words_about_a_job_are_told(shop):
    """A job that was not compared has its reason and the detail."""
    shop.call(1)
    settled(
        shop.sidecar, shop.journal, lambda _: {"outcome": Outcome.FAILED, "reason": "timeout", "detail": "5 s\x1b[2J"}
    )

    code, out, _ = shop(shop.jobs[0])

    assert code == Exit.OK
    assert "failed.timeout: 5 s\\x1b[2J" in out


def test_an_experiment_that_is_not_declared_shows_nothing_of_its_answer(shop):
    """Nobody can say what its `clean` would have withheld; its arguments were redacted when it was recorded."""
    (job,) = shop.call().jobs
    found = recorded_jobs.find(shop.sidecar, shop.journal, job)

    assert found is not None
    assert recorded_jobs.control(found[0], shop.sidecar.codec, None) == recorded_jobs.WITHHELD


def test_a_job_that_nobody_knows_is_told(shop):
    """With what can be done about it; what cannot be read is passed over."""
    shop.call(1)
    open_log(shop.sidecar.redis_url, shop.sidecar.namespace).append([Entry(partition=0, data=b"garbage")])

    code, out, err = shop("0123456789abcdef")

    assert (code, out) == (Exit.USAGE, "")
    assert "nothing is known of job '0123456789abcdef'" in err
