"""Which rules earn their keep: how many jobs each explained, and when it last did."""

from __future__ import annotations

from sidecar_science.reports.records import RuleCount
from sidecar_science.reports.render import markdown, words
from sidecar_science.reports.report import build
from sidecar_science.reports.tally import tally
from tests.reports.bench import replayed

DAY = 24 * 3600.0
NOW = 1_795_000_000.0


def fields(jobs):
    """The tallies of jobs, added up as a journal does."""
    found = {}
    for one in map(tally, jobs):
        for field, n in one.add.items():
            found[field] = found.get(field, 0) + n
        found.update(one.last)
    return found


def report_of(jobs, declared):
    return build("shop", "b-1", NOW, {}, [fields(jobs)], declared)


def ignored(days_ago, *rules):
    return replayed("ignored", explained=dict.fromkeys(rules, 3), settled_at=NOW - days_ago * DAY)


def test_rules_are_counted_by_job_with_their_last_instant():
    """However many differences of one job a rule explained, that is one job."""
    jobs = [ignored(3, "ignore $.at", "case $"), ignored(1, "ignore $.at"), replayed("matched")]

    (experiment,) = report_of(jobs, {}).experiments

    assert [(one.rule, one.count, one.stale) for one in experiment.rules] == [
        ("ignore $.at", 2, False),
        ("case $", 1, False),
    ]
    assert experiment.rules[0].last_explained > experiment.rules[1].last_explained


def test_a_declared_rule_that_explained_nothing_for_a_week_is_stale():
    """One that never explained anything is told with none; one that is no longer declared is not stale but history."""
    jobs = [ignored(8, "ignore $.old", "case $.gone"), ignored(6, "ignore $.new")]

    (experiment,) = report_of(
        jobs, {jobs[0].experiment: ["ignore $.old", "ignore $.new", "instant $.never"]}
    ).experiments

    assert {one.rule: one.stale for one in experiment.rules} == {
        "ignore $.old": True,
        "ignore $.new": False,
        "case $.gone": False,
        "instant $.never": False,
    }
    assert experiment.rules[-1] == RuleCount(rule="instant $.never")
    assert words.rule(experiment.rules[-1]) == "has explained nothing yet"
    assert "stale" in markdown.render(report_of(jobs, {jobs[0].experiment: ["ignore $.old"]}))
