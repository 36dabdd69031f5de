"""The pages of the documentation, followed from top to bottom."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from sidecar_science.journal.embedded import EmbeddedServer
from tests.examples.pages import ROOT, Reader, blocks, commands, missing, with_free_ports

PAGES = [path for pattern in ("*.md", "docs/*.md", "examples/*/*.md") for path in sorted(ROOT.glob(pattern))]


def follow(page: str, reader: Reader) -> list[str]:
    """Do what a page says, block by block; the languages of the blocks that were done.

    A Python block under a line that ends with a file's name is put into that file, at its end if there is one; any
    other one is run as a program, and a ``text`` block is what the program before it prints. ``sh`` blocks are
    installations, which a test does not do.
    """
    done, printed = [], ""
    for block in blocks(page):
        if block.language == "python" and block.file is not None:
            with (reader.folder / block.file).open("a") as file:
                file.write(block.text)
        elif block.language == "python":
            printed = reader.runs(block.text)
        elif block.language == "text":
            assert missing(printed, block.text) is None, printed
        elif block.language == "console":
            for command in commands(block.text):
                reader.types(command)
        else:
            continue
        done.append(block.language)
    return done


def page(name: str) -> str:
    """A page of the documentation, on free ports."""
    return with_free_ports({"page": (ROOT / "docs" / name).read_text()})["page"]


@pytest.mark.realserver
def test_getting_started_leads_to_a_first_report(tmp_path):
    """Whoever follows the page sees on their own machine what it shows."""
    with Reader(tmp_path) as reader:
        done = follow(page("getting-started.md"), reader)

    assert done.count("console") >= 6
    assert done.count("python") == 5


def test_the_readme_s_python_runs(tmp_path):
    """The Python blocks of README.md are one program, and need no server, no network and nothing that is not named."""
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not written yet")
    program = "\n".join(block.text for block in blocks(readme.read_text()) if block.language == "python")

    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert program
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path):
    """A link to a file has its file, and one to a heading its heading."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)

    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]

    assert [link for link in links if not leads_somewhere(link, path)] == []


def leads_somewhere(link: str, page: pathlib.Path) -> bool:
    name, _, heading = link.partition("#")
    target = (page.parent / name) if name else page
    return target.exists() and (not heading or heading in anchors(target.read_text()))


def anchors(text: str) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_page_on_tests_is_a_suite_that_passes(tmp_path):
    """Its blocks, put into the files that they are for, are tests of an application, and none needs a server."""
    with Reader(tmp_path) as reader:
        done = follow(page("testing.md"), reader)

    assert done == ["python"] * 7 + ["console"]


@pytest.mark.realserver
def test_the_programs_and_commands_of_the_a_side_run(tmp_path):
    """A server stands at the port that the page names."""
    texts = with_free_ports({"page": (ROOT / "docs" / "a-side.md").read_text(), "port": "6394"})

    with EmbeddedServer(port=int(texts["port"])), Reader(tmp_path) as reader:
        done = follow(texts["page"], reader)

    assert done == ["python", "text"] + ["console"] * 3 + ["python", "text"]
