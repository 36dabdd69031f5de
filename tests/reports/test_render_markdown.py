"""A report for a pull request."""

from __future__ import annotations

import pytest

from sidecar_science.reports.acknowledging import to_note, with_notes
from sidecar_science.reports.records import Acknowledgement, Unclean
from sidecar_science.reports.render import render_markdown
from sidecar_science.reports.render.markdown import code

from .bench import balanced, changed, mismatched, replayed, report_of


def test_a_small_report_looks_like_this():
    """The whole text."""
    seconds = {"control_seconds": 0.012, "candidate_seconds": 0.012, "queue_delay": 0.4}
    jobs = [
        replayed(**seconds),
        mismatched(changed("$.title", "old", "new"), **seconds),
        replayed("refused", detail="10.0.0.1:25"),
    ]

    text = render_markdown(report_of(jobs, balanced(3, called=4, dropped={"gave_up": 1})))

    assert (
        text
        == """\
## `shop` on `b-1`

- `shop.get`: B differs in 1 way, in 1 of 2 compared jobs.
- The guard stopped 1 replay on the way to what no route names.
- 1 call never came to B: 1 dropped.
- Every call is accounted for.

|  | jobs | compared | matched | differs in | B / A |
| --- | ---: | ---: | ---: | ---: | ---: |
| `shop.get` | 3 | 2 | 50 % | 1 way | 1.00x |

### `shop.get`

3 jobs, 2 compared, 50 % of these matched, 1 group, B as fast as A at p50 (12 ms → 12 ms).

Outcomes: 1 matched (33.3 %), 1 mismatched (33.3 %), 1 refused (33.3 %).

- **1 job**, seen 2026-11-23 02:13:20 (group `d4d18a74c531fd68`, e.g. job `job-1`)
  - value `$.title` changed
    - A `"old"`
    - B `"new"`

|  | A | B | B / A |
| --- | ---: | ---: | ---: |
| p50 | 12 ms | 12 ms | 1.00x |
| p95 | 12 ms | 12 ms | 1.00x |
| p99 | 12 ms | 12 ms | 1.00x |

2 jobs; B ran 402 ms after A at p50, 402 ms at p95; job by job B takes 1.00x as long (median; 95 %: 1.00x to 1.00x).

- 1 `refused`: The guard stopped a connection that no route names. If it should go to B, add --route SERVICE=URL; \
if not, mend the adapter.
  - `10.0.0.1:25` (job `job-1`)

### Accounts

- 4 called = 0 sampled out + 3 recorded + 1 dropped
- 3 recorded = 0 before start + 3 settled + 0 pending + 0 dead + 0 expired
- The books balance.
- 1 `dropped.gave_up`: Redis did not answer for too long. See whether it is up: sidecar-worker doctor.

Made 2026-11-23 02:14:20 UTC.
"""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop.get", "`shop.get`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "<code>a&#96;b</code>"),
        ("<b>", "<code>&#60;b&#62;</code>"),
        ("&lt;", "<code>&#38;lt;</code>"),
        ("a\\", "<code>a&#92;</code>"),
        (" a", "<code> a</code>"),
        ("", "<code></code>"),
        ("a\nb", "<code>a&#92;nb</code>"),
        (
            "</code>https://x.example @all_of |",
            "<code>&#60;&#47;code&#62;https&#58;&#47;&#47;x&#46;example &#64;all&#95;of &#124;</code>",
        ),
        ("größe", "`größe`"),
        ("`größe", "<code>&#96;größe</code>"),
    ],
)
def test_recorded_text_is_code_and_nothing_else(text, expected):
    """Pipes, backticks, tags, entities, links and mentions show themselves."""
    assert code(text) == expected


def test_an_empty_report_says_what_to_do_next():
    """A text without experiments is no blank text."""
    assert "Nothing has been recorded yet." in render_markdown(report_of([]))


def test_an_imbalance_is_loud():
    """A sum that does not come out is set in bold."""
    text = render_markdown(report_of([], {"called": 3}))

    assert "- **3 called, BUT " in text
    assert "- **The books do not balance. That is a defect" in text


def test_processes_that_went_silent_are_told_by_name():
    """As code: a host can have any name."""
    one = Unclean(producer="p-1", host="web_1", pid=7, at="2026-11-23T02:00:00.000Z", buffered=3)

    text = render_markdown(report_of([], {"unclean": 1, "unclean_producers": (one,)}))

    assert "- 1 `unclean`: Processes that went silent" in text
    assert "\n  - `web_1:7`, last heard 2026-11-23 02:00:00, with 3 calls in its buffer\n" in text


def test_only_a_few_values_are_shown_of_one_group():
    """Every way is named, the first three with their values."""
    value = {f"k{n}": n for n in range(6)}
    differences = [changed(f"$.k{n}", n, None, kind="missing") for n in range(6)]

    text = render_markdown(report_of([mismatched(*differences, control={"value": value}, candidate={"value": {}})]))

    assert text.count("missing on B") == 6
    assert text.count("`(nothing there)`") == 3


def test_of_many_groups_the_first_are_shown():
    """The rest is counted."""
    text = render_markdown(report_of([mismatched(changed(f"$.k{n:02}")) for n in range(13)]))

    assert text.count("e.g. job") == 10
    assert "- … and 3 more groups: `--format json` has them all" in text


def test_what_is_known_of_a_group_is_told_beside_it():
    """Noise apart, statuses that differ, jobs that failed, an acknowledgement in the words of whoever wrote it."""
    clock = changed("$.clock\x1b")
    noisy = [mismatched(clock, baseline_differences=(clock,))] * 30
    busy = mismatched(changed("$[0].status", 200, 503, where="exchange"), control_seconds=1.0, candidate_seconds=1.0)
    report = report_of([*noisy, busy, replayed("failed", reason="timeout")], balanced(32))
    note = Acknowledgement(note="agreed\x1b", at="2026-01-01T00:00:00.000Z", until="2026-12-24T23:59:59.999Z")
    told = {f"group|{report.experiments[0].groups[1].fingerprint}": to_note(note)}
    report = with_notes(report, told)

    page = render_markdown(report)

    for words in (
        "of 30 jobs 30 on B, 30 on the control's own version",
        "noise: the control's own version beside B differs in the same way",
        "status 200 on A, 503 on B",
        "1 more job failed on B, 1 of them by timeout: no speed was measured",
        "acknowledged until 2026-12-24 23:59:59: ",
    ):
        assert words in page
    assert "\x1b" not in page
