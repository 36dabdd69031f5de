"""`sidecar-worker verdict` and `acknowledge` on a real server, in the same process and from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from xml.etree import ElementTree

import pytest

from sidecar_science.cli.acknowledge import until
from sidecar_science.cli.exits import Exit, Judged
from sidecar_science.cli.main import main
from sidecar_science.cli.verdict import LOOKS, Waiting
from sidecar_science.errors import JournalUnavailable, UsageError
from sidecar_science.reports.policy import Policy
from sidecar_science.reports.verdict import Standing, judge
from sidecar_science.testing import FakeClock
from tests.cli.apps import differing, joined, recorded, settled
from tests.reports.bench import balanced, replayed, report_of

HERE = ("--environment", "b-1")


@pytest.fixture
def judged(app, capsys):
    """Settle some jobs, and ask for a verdict: its code, and what it printed on each stream."""

    class Judging:
        def __init__(self):
            self.target = app()

        def settle(self, times, outcome_of=lambda number: {}):
            sidecar = recorded(self.target, times)
            self.journal = joined(sidecar)
            assert settled(sidecar, self.journal, outcome_of) == times
            return self

        def __call__(self, *words, command="verdict"):
            code = main([command, self.target, *HERE, *words])
            told = capsys.readouterr()
            return code, told.out, told.err

        @property
        def fingerprint(self):
            _, out, _ = self("--format", "json", command="report")
            return json.loads(out)["experiments"][0]["groups"][0]["fingerprint"]

    return Judging()


@pytest.mark.realserver
class TestVerdict:
    def test_agreement_passes(self, judged):
        """Enough jobs that match: 0."""
        code, out, err = judged.settle(300)()

        assert (code, err) == (Judged.PASS, "")
        assert out.startswith("PASS: ")

    def test_a_difference_fails(self, judged):
        """Half of the jobs differ: 1, and the reason names how many."""
        code, out, _ = judged.settle(20, lambda n: differing(n) if n % 2 else {})()

        assert code == Judged.FAIL
        assert "shop.order: 10 of 20 compared jobs mismatched (50 %)" in out

    def test_little_is_not_enough(self, judged):
        """Twenty matches say nothing about one per cent: 2."""
        code, out, _ = judged.settle(20)()

        assert code == Judged.NOT_ENOUGH_DATA
        assert "It takes about 299 jobs" in out
        assert judged("--max-mismatch-rate", "0.2")[0] == Judged.PASS

    def test_flags_win_over_the_file(self, judged, tmp_path):
        """The file demands more jobs than there are; a flag demands less."""
        judged.settle(20)
        (tmp_path / "sidecar.toml").write_text("[policy]\nmax_mismatch_rate = 0.2\nmin_jobs = 21\n")

        assert judged("--config", "sidecar.toml")[0] == Judged.NOT_ENOUGH_DATA
        assert judged("--config", "sidecar.toml", "--min-jobs", "20")[0] == Judged.PASS

    def test_every_form_says_the_same(self, judged):
        """JSON, JUnit and annotations are of one verdict, and standard output holds nothing else."""
        judged.settle(20, differing)

        for style in ("json", "junit", "github"):
            code, out, err = judged("--format", style)
            assert (code, err) == (Judged.FAIL, "")
            if style == "json":
                assert json.loads(out)["verdict"] == "fail"
            elif style == "junit":
                assert ElementTree.fromstring(out).get("failures") == "1"
            else:
                assert out.startswith("::error title=B b-1 of ")

    @pytest.mark.parametrize(
        "words",
        [
            ("--max-mismatch-rate", "0"),
            ("--max-mismatch-rate", "nan"),
            ("--max-slowdown", "-1"),
            ("--min-status-jobs", "4xx"),
            ("--min-status-jobs", "404=1"),
            ("--config", "nowhere.toml"),
            ("--wait", "--deadline", "-1"),
            ("--wait", "--deadline", "nan"),
        ],
    )
    def test_nonsense_is_usage(self, judged, words):
        """3, and no verdict."""
        judged.settle(1)

        code, out, err = judged(*words)

        assert (code, out) == (Judged.USAGE, "")
        assert err.startswith("sidecar-worker: ")

    def test_an_unknown_environment_is_usage(self, judged):
        """Nobody has worked there, so there is nothing to judge."""
        recorded(judged.target, 1)

        assert judged()[0] == Judged.USAGE

    def test_it_waits_for_what_others_settle(self, judged, app):
        """A verdict that wants data comes when there is enough of it; then the command ends."""
        sidecar = recorded(judged.target, 300)
        journal = joined(sidecar)
        worker = threading.Timer(1.0, settled, (sidecar, journal))
        worker.start()

        code, out, _ = judged("--wait", "--deadline", "90")

        worker.join()
        assert code == Judged.PASS, out


@pytest.mark.realserver
class TestAcknowledge:
    def test_a_known_group_is_allowed_and_told(self, judged):
        """With a note and an end it stands in the report, and is no reason to fail; withdrawn, it is one again."""
        judged.settle(310, lambda n: differing(n) if n < 10 else {})
        known = judged.fingerprint
        assert judged()[0] == Judged.FAIL

        code, out, err = judged(known, "--note", "titles are new <b>", "--until", "2999-12-24", command="acknowledge")

        assert (code, out, err) == (Exit.OK, "", "")
        assert judged()[0] == Judged.PASS
        _, page, _ = judged(command="report")
        assert "acknowledged until 2999-12-24 23:59:59: titles are new <b>" in page
        _, page, _ = judged("--format", "markdown", command="report")
        assert "titles are new &#60;b&#62;" in page
        assert judged(known, "--withdraw", command="acknowledge")[0] == Exit.OK
        assert judged()[0] == Judged.FAIL

    def test_an_expired_note_allows_nothing(self, judged):
        """What held until yesterday counts today, and the verdict says so."""
        judged.settle(20, differing)
        told = {"note": "known", "at": "2026-01-01T00:00:00.000Z", "until": "2026-01-02T00:00:00.000Z"}
        judged.journal.note(f"group|{judged.fingerprint}", json.dumps(told))

        code, out, _ = judged()

        assert code == Judged.FAIL
        assert f"The acknowledgement of {judged.fingerprint} has expired." in out
        assert "the acknowledgement expired at 2026-01-02 00:00:00: known" in judged(command="report")[1]

    @pytest.mark.parametrize("broken", ["", "{}", "[]", '{"note": 1, "at": "x", "until": "y"}', "\udcff"])
    def test_a_broken_note_is_no_acknowledgement(self, judged, broken):
        """Whatever somebody wrote into Redis by hand, the report is made."""
        judged.settle(1, differing)
        judged.journal.note(f"group|{judged.fingerprint}", broken.encode("utf-8", "replace").decode())

        assert judged(command="report")[0] == Exit.OK
        assert judged()[0] == Judged.FAIL

    def test_a_group_of_another_time_is_noted_with_a_word(self, judged):
        """It may come yet: known differences of one environment are those of the next."""
        judged.settle(1)

        code, _, err = judged("0123456789abcdef", "--note", "x", "--until", "2999-01-01", command="acknowledge")

        assert code == Exit.OK
        assert "no job of b-1 is in group 0123456789abcdef yet" in err

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (("nonsense", "--note", "x", "--until", "2999-01-01"), "'nonsense' is no group"),
            (("0123456789abcdef", "--note", "x"), "takes --note and --until"),
            (("0123456789abcdef", "--until", "2999-01-01"), "takes --note and --until"),
            (("0123456789abcdef", "--note", " ", "--until", "2999-01-01"), "expected 1 to 500"),
            (("0123456789abcdef", "--note", "x", "--until", "2020-01-01"), "is over"),
            (("0123456789abcdef", "--note", "x", "--until", "soon"), "cannot be read"),
            (("0123456789abcdef", "--note", "x", "--until", "2999-01-01T10:00"), "has no zone"),
        ],
    )
    def test_nonsense_is_usage(self, judged, words, expected):
        """Said before anything is written."""
        code, _, err = judged(*words, command="acknowledge")

        assert code == Exit.USAGE
        assert expected in err


def test_until_a_day_holds_to_its_end():
    """In UTC, whatever zone the machine is in; an instant is itself."""
    assert until("2026-12-24", 0.0) == 1_798_156_799.999
    assert until("2026-12-24T10:00:00+02:00", 0.0) == 1_798_099_200.0


@pytest.mark.realserver
def test_a_pipeline_sees_the_exit_code(judged, tmp_path):
    """As a process of its own."""
    judged.settle(5)
    path = os.pathsep.join([os.getcwd(), *sys.path])

    done = subprocess.run(
        [sys.executable, "-m", "sidecar_science.cli", "verdict", judged.target, *HERE, "--format", "github"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=90,
    )  # fmt: skip

    assert done.returncode == Judged.NOT_ENOUGH_DATA
    assert done.stdout.startswith("::warning title=B b-1 of ")
    assert done.stderr == ""


def looks(*found):
    """What a command sees when it looks again and again: verdicts, or errors; the last one for ever."""
    left = list(found)

    def look():
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        look.times += 1
        return one

    look.times = 0
    return look


def verdict(matched, **capture):
    return judge(report_of([replayed()] * matched, balanced(matched, **capture)), Policy())


def test_sums_between_two_answers_are_looked_at_again():
    """A worker that settles while the accounts are read is no loss of jobs; what stays out of balance is."""
    passing = Waiting(looks(verdict(400, pending=1), verdict(400)), FakeClock())
    failing = looks(verdict(400, pending=1))

    assert passing.once().standing is Standing.PASS
    assert Waiting(failing, FakeClock()).once().standing is Standing.FAIL
    assert failing.times == LOOKS


def test_waiting_ends_at_its_deadline():
    """The last verdict stands, and the time is not much exceeded."""
    clock = FakeClock()
    began = clock.monotonic()

    found = Waiting(looks(verdict(1)), clock).until(60.0)

    assert found.standing is Standing.NOT_ENOUGH_DATA
    assert 60.0 <= clock.monotonic() - began < 61.0


def test_a_failure_ends_the_waiting():
    """More data does not mend it."""
    clock = FakeClock()
    look = looks(verdict(1), verdict(400, called=500))

    assert Waiting(look, clock).until(60.0).standing is Standing.FAIL
    assert clock.monotonic() < FakeClock().monotonic() + 10


@pytest.mark.parametrize("error", [JournalUnavailable("gone"), UsageError("not known")])
def test_what_is_not_there_yet_is_waited_for(error):
    """A worker that has not begun, a server that restarts; when the time is over, they are told."""
    assert Waiting(looks(error, error, verdict(400)), FakeClock()).until(60.0).standing is Standing.PASS
    with pytest.raises(type(error)):
        Waiting(looks(error), FakeClock()).until(60.0)
