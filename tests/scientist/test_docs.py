"""The page of the port is a program that runs."""

from __future__ import annotations

import contextlib
import io
import pathlib
import re

import pytest

from sidecar_science.scientist import set_default

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "scientist.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def default_restored():
    """The page chooses a default class; other tests must not meet it."""
    yield
    set_default(None)


def test_the_page_runs_from_top_to_bottom_and_prints_what_it_shows():
    """Python blocks share one namespace; a text block is what the Python block before it prints."""
    page = PAGE.read_text()
    namespace = {"__name__": "page"}
    kinds, printed = [], ""

    for block in BLOCK.finditer(page):
        kind, text = block.groups()
        kinds.append(kind)
        if kind == "text":
            assert printed.rstrip("\n") == text.rstrip("\n")
            continue
        line = page.count("\n", 0, block.start(2))
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * line + text, str(PAGE), "exec"), namespace)
        printed = output.getvalue()

    assert kinds.count("python") >= 15
    assert kinds.count("text") == 1


def test_the_page_names_everything_that_is_public():
    """Whoever reads the page has met each verb and attribute of experiments, observations and results."""
    page = PAGE.read_text()
    verbs = (
        "use try_ run compare compare_errors clean ignore run_if before_run after_run context raise_with enabled "
        "raise_on_mismatches publish raised fabricate_durations_for_testing_purposes behaviors generate_result "
        "value exception duration cpu_time cleaned_value equivalent_to control candidates observations mismatched "
        "ignored is_matched is_mismatched is_ignored experiment_name default_scientist_context set_default science"
    )

    missing = [verb for verb in verbs.split() if not re.search(rf"\b{verb}\b", page)]

    assert missing == []
