"""A verdict for a terminal, for a pipeline's test report and as annotations."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from sidecar_science.reports.policy import Policy
from sidecar_science.reports.render import github, junit
from sidecar_science.reports.render import verdict as text
from sidecar_science.reports.verdict import judge

from .bench import balanced, mismatched, replayed, report_of

EVIL = 'a<b>&"]]>\x1b[2J\n::error::\u202e%,:\ud800\ufffe'


def failing(name="shop.get"):
    replays = [mismatched(experiment=name)] * 2 + [replayed(experiment=name)] * 8
    return judge(report_of(replays, balanced(10)), Policy(), ["shop.rare"])


def passing():
    return judge(report_of([replayed()] * 400, balanced(400)), Policy(), ["shop.get"])


def test_text_begins_with_the_word_and_what_weighs_most():
    """A reader of two lines knows the verdict and why."""
    lines = text.render(failing()).splitlines()

    assert lines[0] == "FAIL: shop on b-1"
    assert lines[2] == "Fail"
    assert lines[3].startswith("  mismatches: shop.get: 2 of 10 compared jobs mismatched (20 %); the limit is 1 %.")
    assert "Not enough data" in lines
    assert lines[-1] == "5 further demands are met."


def test_a_pass_says_what_it_stands_on():
    """All findings, none of them a reproach."""
    told = text.render(passing())

    assert told.startswith("PASS: shop on b-1\n\nPass\n")
    assert "at most 0.746 %" in told


def test_junit_has_a_case_for_each_experiment_and_demand():
    """Failures fail, want of data is an error, the counts agree."""
    suites = ElementTree.fromstring(junit.render(failing()))

    (suite,) = suites
    cases = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in suite}
    assert cases["shop.get", "mismatches"] == ["failure"]
    assert cases["shop.rare", "coverage"] == ["error"]
    assert cases["shop.get", "jobs"] == ["system-out"]
    assert suite.get("failures") == suites.get("failures") == "1"
    assert suite.get("errors") == "1"
    assert int(suite.get("tests")) == len(suite)
    assert suite[0].get("classname") == "(all experiments)"


@pytest.mark.parametrize("render", [text.render, text.as_json, junit.render, github.render])
def test_hostile_names_steer_nothing(render):
    """Neither a terminal, nor XML, nor the pipeline's commands."""
    told = render(failing(EVIL))

    assert "\x1b" not in told
    assert "\u202e" not in told
    told.encode()
    assert not [line for line in told.splitlines() if line.startswith("::error::")]
    if render is junit.render:
        (suite,) = ElementTree.fromstring(told)
        assert any((case.get("classname") or "").startswith('a<b>&"]]>') for case in suite)
    if render is text.as_json:
        assert json.loads(told)["verdict"] == "fail"


def test_annotations_are_github_s():
    """An error for what fails, a warning for want of data, a notice for a pass; each on one line, escaped."""
    lines = github.render(failing()).splitlines()

    assert lines[0] == "::error title=B b-1 of shop::Verdict: fail."
    assert lines[1].startswith("::warning title=coverage of shop.rare::shop.rare: It is declared")
    assert lines[2].startswith(
        "::error title=mismatches of shop.get::shop.get: 2 of 10 compared jobs mismatched (20 %25)"
    )
    assert len(lines) == 3
    assert github.render(passing()) == "::notice title=B b-1 of shop::Verdict: pass.\n"


def test_titles_escape_what_ends_them():
    """A name with colons and commas stays in the title."""
    (line,) = [line for line in github.render(failing("a::b,c")).splitlines() if "mismatches" in line]

    assert line.startswith("::error title=mismatches of a%3A%3Ab%2Cc::a::b,c: 2 of 10")
