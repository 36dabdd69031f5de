"""The tallies of all partitions, added up."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_science.reports.merging import MAX_SAMPLES
from sidecar_science.reports.outcome import REASONS, Outcome
from sidecar_science.reports.report import Report, build
from sidecar_science.reports.tally import tally

from .bench import START, Partition, changed, mismatched, replayed, report_of

NAMES = st.sampled_from(["shop.get", "shop.put", "a|b", "größe %7C"])
SECONDS = st.none() | st.floats(min_value=0, max_value=100)


@st.composite
def replays(draw):
    """Jobs of several experiments, outcomes and shapes, in the order of their instants."""
    made = []
    for number in range(draw(st.integers(min_value=0, max_value=25))):
        outcome = draw(st.sampled_from(list(Outcome)))
        reasons = REASONS.get(outcome)
        paths = draw(st.lists(st.sampled_from(["$.a[0]", "$.a[1]", "$.b", "$.c"]), max_size=3, unique=True))
        made.append(
            replayed(
                outcome,
                job=f"job-{number:02}",
                experiment=draw(NAMES),
                reason=draw(st.sampled_from(reasons)) if reasons else None,
                differences=tuple(map(changed, paths)),
                control_seconds=draw(SECONDS),
                candidate_seconds=draw(SECONDS),
                queue_delay=draw(SECONDS),
                settled_at=START + number,
            )
        )
    return made


def without_samples(report: Report) -> Report:
    """Which five of many samples are kept depends on who came first in each partition."""
    experiments = [
        attrs.evolve(one, groups=tuple(attrs.evolve(group, samples=()) for group in one.groups))
        for one in report.experiments
    ]
    return attrs.evolve(report, experiments=tuple(experiments))


def dealt(jobs, choices):
    """The fields of four partitions after these jobs, each in the partition chosen for it."""
    hashes = [Partition() for _ in range(4)]
    for one, choice in zip(jobs, choices, strict=False):
        hashes[choice].settle(tally(one))
    return [one.fields for one in hashes]


@settings(deadline=None)
@given(replays(), st.lists(st.integers(0, 3), min_size=25, max_size=25), st.permutations(range(4)))
def test_neither_order_nor_split_of_partitions_matters(jobs, choices, order):
    """Any way to deal jobs out to partitions, read in any order, gives the same report."""
    hashes = dealt(jobs, choices)

    report = build("shop", "b-1", START, {}, [hashes[at] for at in order])

    assert report == build("shop", "b-1", START, {}, hashes)
    assert without_samples(report) == without_samples(build("shop", "b-1", START, {}, dealt(jobs, [0] * 25)))
    assert report.unread == 0


@settings(deadline=None)
@given(replays())
def test_counts_add_up(jobs):
    """Every job has one outcome, and every mismatch one group."""
    report = report_of(jobs, partitions=3)

    assert sum(one.total for one in report.experiments) == len(jobs)
    for one in report.experiments:
        assert sum(group.count for group in one.groups) == one.outcomes["mismatched"]


def test_first_and_last_are_those_of_all_partitions():
    """A group was first seen where it was seen earliest, and last where latest."""
    jobs = [mismatched(job=f"job-{n}", settled_at=START + n) for n in range(4)]

    group = report_of([jobs[2], jobs[0], jobs[3], jobs[1]], partitions=4).experiments[0].groups[0]

    assert (group.first_seen, group.last_seen) == ("2026-11-23T02:13:20.000Z", "2026-11-23T02:13:23.000Z")


def test_at_most_five_samples_are_left_of_all_partitions():
    """The first of each partition come first."""
    jobs = [mismatched(job=f"job-{n:02}") for n in range(40)]

    samples = report_of(jobs, partitions=4).experiments[0].groups[0].samples

    assert len(samples) == MAX_SAMPLES
    assert [one.job for one in samples] == ["job-00", "job-01", "job-02", "job-03", "job-04"]


def test_groups_are_sorted_by_count_and_experiments_by_name():
    """What happened most often stands first."""
    jobs = [mismatched(changed("$.rare"), experiment="b"), replayed(experiment="a")]
    jobs += [mismatched(changed("$.often"), experiment="b", job=f"job-{n}") for n in range(3)]

    first, second = report_of(jobs).experiments

    assert (first.name, second.name) == ("a", "b")
    assert [(group.count, group.differences[0].path) for group in second.groups] == [(3, "$.often"), (1, "$.rare")]


def test_places_are_counted_beside_jobs():
    """A difference tells in how many jobs it was, and at how many places of them."""
    jobs = [mismatched(*(changed(f"$.a[{at}]") for at in range(n))) for n in (1, 4)]

    difference = report_of(jobs).experiments[0].groups[0].differences[0]

    assert (difference.path, difference.count, difference.places) == ("$.a[*]", 2, 5)


def test_examples_differ_in_their_words():
    """The same words are told once, with one job; at most five are told."""
    jobs = [replayed("refused", detail=f"host-{n % 7}", job=f"job-{n}") for n in range(14)]

    examples = report_of(jobs, partitions=4).experiments[0].examples["refused"]

    assert len(examples) == 5
    assert len({one.detail for one in examples}) == 5


def test_quantiles_have_no_more_digits_than_make_sense():
    """Latency is told with six digits."""
    report = report_of([replayed(candidate_seconds=0.123456789, control_seconds=0.1)])

    assert report.experiments[0].latency.candidate.p50 == 0.123672


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("2|outcome|matched|x", b"1"),
        ("1|noise|x", b"1"),
        ("1|outcome|matched|x", b"many"),
        ("1|outcome|matched", b"1"),
        ("1|shape|ab", b"[]"),
        ("1|sample|ab|0", b"[]"),
        ("1|sample|ab|0", b'{"job": 1, "control": 1, "candidate": 1, "differences": [7]}'),
        ("1|example|refused|x|0", b"{}"),
        ("1|sample|ab|0", b"\xff"),
        (b"\xff", b"1"),
    ],
)
def test_what_cannot_be_read_is_counted(field, value):
    """Fields of another release, or of another writer, are left aside and counted."""
    report = build("shop", "b-1", START, {}, [{field: value, "@dead": b"3"}])

    assert report.unread == 1
    assert report.experiments == ()


def test_text_is_read_as_well_as_bytes():
    """A client that decodes its answers makes no difference."""
    fields = Partition()
    fields.settle(tally(mismatched()))

    as_text = {name: data.decode() for name, data in fields.fields.items()}

    assert build("shop", "b", START, {}, [as_text]) == build("shop", "b", START, {}, [fields.fields])
    assert build("shop", "b", START, {}, [{name.encode(): data for name, data in fields.fields.items()}]).unread == 0
