"""Files as results: their content, as long as it is small, and undisturbed."""

from __future__ import annotations

import hashlib
import io
import os

import pytest

from sidecar_science.codec.markers import Opaque, Oversize
from sidecar_science.comparison import contents
from sidecar_science.comparison.diff import diff
from sidecar_science.comparison.projection import project


def test_the_content_of_a_bytes_file_is_kept_wherever_it_stands():
    """Two files with the same content are the same, though the objects are not, and the position stays."""
    file = io.BytesIO(b"%PDF-1.7")
    file.seek(5)

    assert project(file) == b"%PDF-1.7"
    assert file.tell() == 5
    assert diff(project(file), project(io.BytesIO(b"%PDF-1.7"))) == []


def test_a_text_file_in_memory_is_text():
    """StringIO gives str."""
    assert project(io.StringIO("llaeth")) == "llaeth"


def test_a_large_file_is_known_by_size_digest_and_beginning():
    """Above 64 KB the content is not kept, and still compared."""
    content = b"a" * (contents.KEPT + 1)

    found = project(io.BytesIO(content))

    assert found == Oversize(hashlib.sha256(content).hexdigest(), len(content), "a" * 100)
    assert [d.kind for d in diff(found, project(io.BytesIO(content[:-1] + b"b")))] == ["changed"]


def test_the_beginning_of_binary_content_is_escaped():
    """The preview is text whatever the content is."""
    assert contents.bounded(b"\xff\x00" + b"x" * contents.KEPT).preview.startswith("\\xff\x00x")


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_huge_file_is_not_read_and_never_the_same(in_memory, tmp_path, monkeypatch):
    """Beyond the bound there is no digest, and what nobody looked at is not called equal."""
    monkeypatch.setattr(contents, "DIGESTED", 100_000)
    content = b"a" * 100_001
    (tmp_path / "huge").write_bytes(content)

    with (tmp_path / "huge").open("rb") as on_disk:
        found = project(io.BytesIO(content) if in_memory else on_disk)

    assert found == Oversize(None, 100_001, "a" * 100)
    assert [d.kind for d in diff(found, found)] == ["changed"]


def test_a_file_on_disk_is_read_and_stands_where_it_stood(tmp_path):
    """Bytes from a binary file, str from a text file."""
    (tmp_path / "f").write_text("one\ntwo\n", encoding="utf-8")

    with (tmp_path / "f").open("rb") as binary, (tmp_path / "f").open(encoding="utf-8") as text:
        binary.read(4)
        text.readline()
        found = project([binary, text])

        assert found == [b"one\ntwo\n", "one\ntwo\n"]
        assert binary.read() == b"two\n"
        assert text.readline() == "two\n"


def test_what_cannot_be_read_again_is_opaque(tmp_path):
    """Pipes, closed files and files opened for writing are left alone."""
    reading, writing = os.pipe()
    os.write(writing, b"x")
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb"), (tmp_path / "f").open("wb") as write_only:
        closed = io.BytesIO(b"gone")
        closed.close()

        found = project([pipe, write_only, closed])

        assert [type(item) for item in found] == [Opaque, Opaque, Opaque]
        assert pipe.read(1) == b"x"


class Duck:
    """A file by its verbs alone."""

    def __init__(self):
        self._inner = io.BytesIO(b"quack")
        self.read, self.tell = self._inner.read, self._inner.tell

    def read(self, size=-1): ...
    def tell(self): ...

    def seek(self, *args):
        self._inner.seek(*args)

    def seekable(self):
        return True


def test_an_object_with_the_verbs_of_a_file_is_one():
    """Spooled and wrapped files need not derive from the standard library's."""
    assert project(Duck()) == b"quack"
