"""`report` and `journal` on a real server, in the same process."""

from __future__ import annotations

import json

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.journal.partitions import partition_of
from sidecar_science.journal.protocol import Entry
from sidecar_science.journal.redis import open_log
from tests.cli.apps import joined, recorded

pytestmark = pytest.mark.realserver


class TestReport:
    def test_an_unknown_environment_is_told_with_the_known_ones(self, app, capsys):
        """A report on what does not exist ends with usage, and names what does."""
        target = app()
        joined(recorded(target, 1))

        code = main(["report", target, "--environment", "b-2"])

        assert code == Exit.USAGE
        assert "known: b-1" in capsys.readouterr().err

    @pytest.mark.parametrize("style", ["text", "json", "markdown"])
    def test_standard_output_is_the_report_alone(self, app, capsys, style):
        """Every form can be piped: no log line, no color code is in it."""
        target = app()
        joined(recorded(target, 3))

        code = main(["report", target, "--environment", "b-1", "--format", style])

        told = capsys.readouterr()
        assert code == Exit.OK
        assert "\x1b" not in told.out
        assert told.err == ""

    def test_the_accounts_of_what_waits_add_up(self, app, capsys):
        """Jobs that no worker has taken are pending."""
        target = app()
        joined(recorded(target, 3))

        main(["report", target, "--environment", "b-1", "--format", "json"])

        report = json.loads(capsys.readouterr().out)
        assert next(iter(report)) == "schema"
        assert report["capture"]["recorded"] == report["capture"]["pending"] == 3
        assert report["capture"]["called"] == 3


class TestJournal:
    def test_lag_tells_what_waits(self, app, capsys):
        """Recorded, pending, settled, dead."""
        target = app()
        joined(recorded(target, 4))

        assert main(["journal", "lag", target, "--environment", "b-1"]) == Exit.OK
        rows = dict(line.rsplit(None, 1) for line in capsys.readouterr().out.splitlines()[1:5])
        assert rows == {"recorded": "4", "pending": "4", "settled": "0", "dead": "0"}

    def test_peek_names_jobs_and_not_their_contents(self, app, capsys):
        """What waits is shown by experiment and job; what cannot be read is said to be so."""
        target = app()
        sidecar = recorded(target, 1)
        joined(sidecar)
        log = open_log(sidecar.redis_url, sidecar.namespace)
        log.append([Entry(partition=0, data=b"garbage")])

        main(["journal", "peek", target, "--environment", "b-1"])

        told = capsys.readouterr().out
        assert "shop.order" in told
        assert "(" in told

    def test_dead_letters_say_why(self, app, capsys):
        """What was buried is listed with its reason."""
        target = app()
        sidecar = recorded(target, 1)
        journal = joined(sidecar)
        partition = partition_of("shop", "x", journal.partitions)
        open_log(sidecar.redis_url, sidecar.namespace).append([Entry(partition=partition, data=b"garbage")])
        lease = journal.acquire(partition, "w", 5.0)
        entries = journal.claim([lease], 10)
        strange = next(each for each in entries if each.data == b"garbage")
        journal.foreign(lease, strange.entry, "undecodable: it is garbage", strange.data)

        main(["journal", "dead", target, "--environment", "b-1"])

        assert "undecodable: it is garbage" in capsys.readouterr().out
