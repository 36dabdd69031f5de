"""Each example's README, typed command by command into a shell of one's own."""

from __future__ import annotations

import pathlib

import pytest

from tests.examples.pages import ROOT, Reader, blocks, commands, with_free_ports

INLINE = "inline_science"
"""The example that needs no processes around it: `tests/scientist/test_example.py` runs it."""

EXAMPLES = sorted({page.parent.name for page in ROOT.glob("examples/*/README.md")} - {INLINE})


def copied(example: str, folder: pathlib.Path) -> str:
    """Put a copy of an example into ``folder``, on free ports; its README."""
    texts = with_free_ports({path.name: path.read_text() for path in ROOT.glob(f"examples/{example}/*.*")})
    for name, text in texts.items():
        (folder / name).write_text(text)
    return texts["README.md"]


def test_every_example_is_here():
    """An example that is added without a README is noticed."""
    folders = {path.parent.name for path in ROOT.glob("examples/*/*.py")}

    assert folders == {*EXAMPLES, INLINE}
    assert len(EXAMPLES) >= 2


@pytest.mark.realserver
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_readme_can_be_typed_from_top_to_bottom(example, tmp_path):
    """Every command of every console block prints what the README shows, and ends as it says."""
    page = copied(example, tmp_path)
    typed = [command for block in blocks(page) if block.language == "console" for command in commands(block.text)]

    with Reader(tmp_path) as reader:
        for command in typed:
            reader.types(command)

    assert len(typed) >= 5
