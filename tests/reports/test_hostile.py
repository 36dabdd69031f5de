"""What was recorded may come from anybody: it shows itself, and does nothing else."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sidecar_science.comparison.paths import join
from sidecar_science.reports.fields import name
from sidecar_science.reports.render import render_json, render_markdown, render_text
from sidecar_science.reports.render.visible import visible
from sidecar_science.reports.report import build

from .bench import changed, mismatched, replayed, report_of

HOSTILE = {
    "escape sequence": "\x1b[2J\x1b]0;owned\x07",
    "one-byte escape": "\x9b31m",
    "carriage return": "all is well\rnot",
    "line feed": "fine\n\nIn short: no differences",
    "backspace": "safe\x08\x08\x08\x08evil",
    "bidi override": "\u202egnp.exe",
    "bidi isolate": "\u2067abc\u2069",
    "line separator": "a\u2028b\u2029c",
    "zero width": "pay\u200bpal\ufeff",
    "tag characters": "\U000e0041\U000e0042",
    "lone surrogate": "\ud83d",
    "rich markup": "[bold red]x[/] [link=https://evil.example]y[/link] :boom:",
    "table and code": "`x` | y ``` z",
    "html": "</code></td><script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "**x** [a](javascript:alert(1)) ![b](https://evil.example/c.png) @everyone #1 <https://evil.example>",
}
CODE = re.compile(r"`[^`|<>&\\\n]+`|<code>[^<>`|\n]*</code>")
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def report(text):
    """A report that holds ``text`` wherever foreign text can stand."""
    jobs = [
        mismatched(
            changed("$.title", text, {text: text}),
            job=text,
            experiment=text,
            control={"value": {"title": text}},
            candidate={"value": {"title": {text: text}}},
        ),
        mismatched(changed(join([text])), job=text),
        replayed("refused", detail=text, job=text),
        replayed("skipped", reason=text, experiment=text),
    ]
    return report_of(jobs, {"dropped": {text: 1}})


def printed(text):
    out = io.StringIO()
    render_text(report(text), Console(file=out, width=100))
    return out.getvalue()


def steering(page):
    return {char for char in page if unicodedata.category(char) in STEERING} - {"\n"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_recorded_steers_a_terminal(text):
    """No control, format or separator character reaches the page, and no line that is not ours."""
    page = printed(text)

    assert not steering(page)
    assert len(page.splitlines()) == len(page.split("\n")) - 1
    assert not any(line.startswith("In short:") for line in page.splitlines())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_recorded_is_more_than_code_in_markdown(text):
    """Outside of code stand our own words, whatever was recorded; and no table has a cell too many."""
    page = render_markdown(report(text))

    assert not steering(page)
    harmless = render_markdown(report("harmless"))
    assert sorted(CODE.sub("", page).splitlines()) == sorted(CODE.sub("", harmless).splitlines())
    assert all(line.count("|") in (0, 5, 7) for line in page.splitlines())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_recorded_steers_a_terminal_as_json(text):
    """JSON is printed in ASCII characters."""
    page = render_json(report(text))

    assert page.isascii()
    assert not steering(page)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_fields_that_somebody_else_wrote_do_no_harm(text):
    """Whoever can write to Redis can forge any field, but steers no terminal and no page with it."""
    shape = json.dumps([text, [[text, text, text]], False])
    forged = {
        name("outcome", text, "shop"): "1",
        name("reason", text, "shop"): "1",
        name("shape", text): shape,
        name("group", text): "1",
        name("first", text): text,
        name("last", text): text,
        name("example", text, "shop", 0): json.dumps({"job": text, "detail": text}),
        name("sample", text, 0): json.dumps(
            {
                "job": text,
                "control": text,
                "candidate": text,
                "differences": [{"where": text, "path": text, "kind": text}],
            }
        ),
    }
    told = build(text, text, 0.0, {"dropped": {text: 1}}, [forged])
    out = io.StringIO()

    render_text(told, Console(file=out, width=100))

    assert told.unread == 2
    assert not steering(out.getvalue())
    assert not steering(render_markdown(told))
    prose = CODE.sub("", render_markdown(told))
    assert not any(mark in prose for mark in ("<", "@", "[", "`x", "boom", "owned"))


def test_rich_markup_is_text():
    """Brackets and colons of a value are shown as they are."""
    assert "[bold red]x[/]" in printed(HOSTILE["rich markup"])
    assert ":boom:" in printed(HOSTILE["rich markup"])


@settings(deadline=None, max_examples=30)
@given(st.text(alphabet=st.characters(), max_size=20))
def test_any_text_can_be_reported(text):
    """Whatever the characters, three pages are made and none is steered."""
    for page in (printed(text), render_markdown(report(text)), render_json(report(text))):
        assert not steering(page)
        page.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ~text", "plain ~text"),
        ("größe 漢字", "größe 漢字"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\u202e", r"\u202e"),
        ("\U000e0041", r"\U000e0041"),
        ("\x7f", r"\x7f"),
    ],
)
def test_hidden_characters_are_spelled_out(text, expected):
    """Everything else stays."""
    assert visible(text) == expected
