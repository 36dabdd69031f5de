"""A report for a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sidecar_science.reports.acknowledging import to_note, with_notes
from sidecar_science.reports.records import Acknowledgement, Unclean
from sidecar_science.reports.render import render_text

from .bench import balanced, changed, mismatched, replayed, report_of


def printed(report, width=80, **terminal):
    out = io.StringIO()
    render_text(report, Console(file=out, width=width, **terminal))
    return out.getvalue()


def small():
    """Twenty matches, one mismatch, one skipped job; five calls still wait."""
    seconds = {"control_seconds": 0.0121, "candidate_seconds": 0.0169, "queue_delay": 0.4}
    body = "Passports cost a lot of money: "
    jobs = [replayed(job=f"job-{n:02}", **seconds) for n in range(20)]
    jobs.append(
        mismatched(
            changed("$.body", body + "£82", body + "£88"),
            changed("$.links[1]", "/b", None, kind="missing"),
            job="job-20",
            control={"value": {"body": body + "£82", "links": ["/a", "/b"]}},
            candidate={"value": {"body": body + "£88", "links": ["/a"]}},
            **seconds,
        )
    )
    jobs.append(replayed("skipped", reason="write_not_allowed", job="job-21"))
    return report_of(jobs, balanced(22, called=32, sampled_out=5, recorded=27, pending=5))


SMALL = """\
shop on b-1                                              2026-11-23 02:14:20 UTC

shop.get ───────────────────────────────────────────────────────────────────────
22 jobs, 21 compared, 95 % of these matched, 1 group
B 1.4x slower at p95 (12 ms → 17 ms)

  Outcomes
  matched     20  90.9 %  ━━━━━━━━━━━━━━━━━━━━━━
  mismatched   1   4.5 %  ━
  skipped      1   4.5 %  ━

  Why
  1 job  value $.body changed
           A  "Passports cost a lot of money: £82"
           B  "Passports cost a lot of money: £88"
         value $.links[*] missing on B
           A  "/b"
           B  (nothing there)
         seen 2026-11-23 02:13:20
         group 63a975ef2a1aca3b, e.g. job job-20

  Speed
           A      B  B / A
  p50  12 ms  17 ms  1.38x
  p95  12 ms  17 ms  1.38x
  p99  12 ms  17 ms  1.38x
  21 jobs; B ran 402 ms after A at p50, 402 ms at p95
  job by job B takes 1.40x as long (median; 95 %: 1.40x to 1.40x)

  Not compared
  1  skipped.write_not_allowed
     The call writes, and writes to its service are not allowed. Pass
     --allow-writes SERVICE if B may be written to.

Accounts ───────────────────────────────────────────────────────────────────────
32 called = 5 sampled out + 27 recorded + 0 dropped
27 recorded = 0 before start + 22 settled + 5 pending + 0 dead + 0 expired
The books balance.

  5  pending
     Waiting for a worker. sidecar-worker run --burst ends when none is left.

In short ───────────────────────────────────────────────────────────────────────
shop.get: B differs in 1 way, in 1 of 21 compared jobs.
shop.get: B 1.4x slower at p95 (12 ms → 17 ms).
1 job says nothing about B: 1 skipped.
5 jobs still wait for a worker.
Every call is accounted for.
"""


def test_a_small_report_looks_like_this():
    """The whole page at 80 columns."""
    assert printed(small()) == SMALL


def test_on_a_wide_terminal_the_headline_is_one_line():
    """At 120 columns what fits on one line stands on one."""
    page = printed(small(), width=120)

    assert "1 group, B 1.4x slower at p95 (12 ms → 17 ms)\n" in page
    assert "Pass --allow-writes SERVICE if B may be written to.\n" in page


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """Long names, paths and values are folded, not cut off."""
    name, path = "n" * 150, "$." + "p" * 150
    page = printed(report_of([mismatched(changed(path, "v" * 150, None, kind="missing"), experiment=name)]), width)

    assert max(map(len, page.splitlines())) <= width
    assert "n" * 150 in page.replace("\n", "")


def test_a_page_that_is_piped_has_no_color():
    """Colors are for terminals."""
    assert "\x1b" not in printed(small())


def test_a_terminal_without_color_gets_none():
    """NO_COLOR and dumb terminals are rich's to tell."""
    assert "\x1b[3" not in printed(small(), force_terminal=True, no_color=True)


def test_a_terminal_has_color_and_the_same_words():
    """Color adds nothing that is not in the words."""
    colored = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", record=True)
    render_text(small(), colored)

    assert "\x1b[31m" in colored.file.getvalue()
    assert colored.export_text() == SMALL


def test_what_two_long_values_have_in_common_is_dim():
    """The eye finds what differs."""
    page = printed(small(), force_terminal=True, color_system="standard")

    assert '\x1b[2;31m"Passports cost a lot of money: £8\x1b[0m\x1b[31m8\x1b[0m\x1b[2;31m"\x1b[0m' in page


def test_a_terminal_of_ascii_characters_gets_those():
    """Where the encoding has no line, arrow or pound sign, it gets something else."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    render_text(small(), Console(file=out, width=80))
    out.flush()

    page = out.buffer.getvalue().decode("ascii")
    assert "(12 ms -> 17 ms)" in page
    assert r"money: \xa382" in page
    assert "shop.get ------" in page


def test_an_empty_report_says_what_to_do_next():
    """A page without experiments is no blank page."""
    page = printed(report_of([]))

    assert "Nothing has been recorded yet." in page
    assert "In short" not in page


def test_an_imbalance_is_loud():
    """Both sums, their difference, and no sentence that says that all is well."""
    page = printed(report_of([replayed()], {"called": 3, "recorded": 2, "settled": 2}), width=120)

    assert "3 called, BUT 0 sampled out + 2 recorded + 0 dropped = 2" in page
    assert "1 of them is unaccounted for" in page
    assert "Every call is accounted for" not in page
    assert "The books do not balance. That is a defect of sidecar_science" in page
    assert "The books balance." not in page


def test_several_experiments_are_seen_at_one_look():
    """At the end stands one row for each."""
    page = printed(report_of([replayed(), replayed("skipped", reason="no_route", experiment="shop.put"), mismatched()]))

    assert (
        """\
          jobs  compared  matched  differs in  B / A
shop.get     2         2     50 %       1 way      -
shop.put     1         0        -           -      -
"""
        in page
    )


def test_of_many_groups_the_first_are_shown():
    """Ten groups fill a screen; the rest is counted."""
    page = printed(report_of([mismatched(changed(f"$.k{n:02}")) for n in range(13)]))

    assert page.count("e.g. job") == 10
    assert "… and 3 more groups: --format json has them all" in page


def test_only_a_few_values_are_shown_of_one_group():
    """Every way is named, the first three with their values."""
    value = {f"k{n}": n for n in range(6)}
    differences = [changed(f"$.k{n}", n, None, kind="missing") for n in range(6)]

    page = printed(report_of([mismatched(*differences, control={"value": value}, candidate={"value": {}})]))

    assert page.count("missing on B") == 6
    assert page.count("(nothing there)") == 3


def test_examples_stand_with_their_reason():
    """What was said of a job is shown with its id."""
    page = printed(report_of([replayed("refused", detail="10.0.0.1:25, which no route names")]))

    assert "10.0.0.1:25, which no route names (job job-1)" in page


def test_losses_are_told_with_what_to_do():
    """Dropped calls, dead letters and strangers each have a remedy."""
    capture = balanced(1, called=4, dropped={"buffer_full": 3, "none": 0}, foreign=2)

    page = printed(report_of([replayed()], capture), width=120)

    assert (
        "  3  dropped.buffer_full\n     Redis was slower than the app. Raise buffer_bytes or lower the sample.\n"
        in page
    )
    assert "  2  foreign\n" in page
    assert "dropped.none" not in page


def test_processes_that_went_silent_are_told_by_name():
    """Where they ran, since when nobody has heard of them, and how much they can have lost at most."""
    silent = [
        Unclean(producer=f"p-{n}", host="web-1\x1b[31m", pid=n, at="2026-11-23T02:00:00.000Z", buffered=n)
        for n in range(1, 8)
    ]
    capture = balanced(1, called=3, dropped={"unclean": 2}, unclean=7, unclean_producers=tuple(silent))

    page = printed(report_of([replayed()], capture), width=120)

    assert "  7  unclean\n     Processes that went silent without a goodbye: killed, or cut off from Redis." in page
    assert "     web-1\\x1b[31m:1, last heard 2026-11-23 02:00:00, with 1 call in its buffer\n" in page
    assert "web-1\\x1b[31m:5" in page
    assert "web-1\\x1b[31m:6" not in page
    assert "… and 2 more: --format json has them all" in page
    assert "7 processes of the app went silent without a goodbye." in page


def test_parts_of_the_sums_are_told_as_parts():
    """What left no trace, what was not reported, and what is in no sum yet."""
    capture = balanced(2, called=5, recorded=5, expired=3, lost=2, unreported=1, buffered=4)

    page = printed(report_of([replayed()], capture), width=120)

    assert "The books balance." in page
    for told in ("2  lost\n     Part of the expired:", "1  unreported\n     Part of the recorded:", "4  buffered\n"):
        assert told in page


def test_what_is_known_of_a_group_is_told_beside_it():
    """Noise apart, statuses that differ, jobs that failed, an acknowledgement in the words of whoever wrote it."""
    clock = changed("$.clock\x1b")
    noisy = [mismatched(clock, baseline_differences=(clock,))] * 30
    busy = mismatched(changed("$[0].status", 200, 503, where="exchange"), control_seconds=1.0, candidate_seconds=1.0)
    report = report_of([*noisy, busy, replayed("failed", reason="timeout")], balanced(32))
    note = Acknowledgement(note="agreed\x1b", at="2026-01-01T00:00:00.000Z", until="2026-12-24T23:59:59.999Z")
    told = {f"group|{report.experiments[0].groups[1].fingerprint}": to_note(note)}
    report = with_notes(report, told)

    page = printed(report)

    for words in (
        "of 30 jobs 30 on B, 30 on the control's own version",
        "noise: the control's own version beside B differs in the same way",
        "status 200 on A, 503 on B",
        "1 more job failed on B, 1 of them by timeout: no speed was measured",
        "acknowledged until 2026-12-24 23:59:59: ",
    ):
        assert words in page
    assert "\x1b" not in page
